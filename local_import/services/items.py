"""All files of a session that did not end well, offered to the workers again: what a resume does."""

from __future__ import annotations

from functools import partial

from django.db.models import Q

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..models import ImportItem, ImportSession
from ..state_synchronizer import StateSynchronizer
from ..states import ITEM_UNRESOLVED, SESSION_AT_REST, ItemState, SkipReason
from ..transactions import in_transaction

CHUNK = 500
_ALL = Q()
_OF_NOTHING = Q(skip_reason=SkipReason.DUPLICATE, media=None)  # its media went away with an undo


def retry_all(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer what failed or is missing in a session again; returns how many items."""
    return sum(_retry_in(session_id, state, actor, reason) for state in ITEM_UNRESOLVED)


def offer_restored(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer what an undo has brought back, and what was skipped as a duplicate of it; returns how many."""
    duplicates = _retry_in(session_id, ItemState.SKIPPED, actor, reason, _OF_NOTHING)
    return duplicates + _retry_in(session_id, ItemState.SOURCE_RESTORED, actor, reason)


def _retry_in(session_id: int, state: str, actor: Actor, reason: str, which: Q = _ALL) -> int:
    found = ImportItem.objects.in_session(session_id).filter(which, state=state).order_by("pk")
    number = last = 0  # what fails again meanwhile is behind us, and is not offered twice
    while ids := list(found.filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK]):
        try:
            in_transaction(partial(_requeue, ids, state, session_id, actor, reason))
        except door.StaleRows:  # somebody else retries or dismisses some of them: look again
            continue
        number, last = number + len(ids), ids[-1]
    return number


def _requeue(ids: list[int], state: str, session_id: int, actor: Actor, reason: str) -> None:
    step = Step("requeue", reason)
    door.move_many([step], ids, from_state=state, session_id=session_id, actor=actor)
    if ImportSession.objects.filter(pk=session_id, state__in=SESSION_AT_REST).exists():
        StateSynchronizer().sync_session_with_items(session_id, actor=actor)
