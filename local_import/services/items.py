"""All files of a session that did not end well, offered to the workers again: what a resume does."""

from __future__ import annotations

from functools import partial

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..models import ImportItem, ImportSession
from ..state_synchronizer import StateSynchronizer
from ..states import ITEM_UNRESOLVED, SESSION_AT_REST, ItemState
from ..transactions import in_transaction

CHUNK = 500


def retry_all(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer what failed or is missing in a session again; returns how many items."""
    return sum(_retry_in(session_id, state, actor, reason) for state in ITEM_UNRESOLVED)


def offer_restored(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer what an undo has brought back to its source; returns how many items."""
    return _retry_in(session_id, ItemState.SOURCE_RESTORED, actor, reason)


def _retry_in(session_id: int, state: str, actor: Actor, reason: str) -> int:
    found = ImportItem.objects.in_session(session_id).filter(state=state).order_by("pk")
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
