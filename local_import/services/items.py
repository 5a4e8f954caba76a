"""What an operator does with an item: retry, import all the same, dismiss.

Each raises django_fsm.TransitionNotAllowed, after the refusal was recorded, when the item is not in
a state for it.
"""

from __future__ import annotations

from functools import partial

from django.db.models import Q

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..models import ImportItem, ImportSession
from ..state_synchronizer import StateSynchronizer
from ..states import ITEM_UNRESOLVED, SESSION_AT_REST, ItemState
from ..transactions import in_transaction

CHUNK = 500


def retry(item_id: int, *, actor: Actor, reason: str) -> ImportItem:
    """Offer a file to the workers again; its last outcome is forgotten."""
    return _move(item_id, Step("requeue", reason), actor)


def retry_all(
    session_id: int, *, actor: Actor, reason: str, code: str = "", incident_id: int | None = None
) -> int:
    """Offer what failed or is missing in a session again; returns how many items.

    With a code or an incident, only what failed of that.
    """
    chosen = Q(incident__code=code) if code else Q()
    if incident_id is not None:
        chosen &= Q(incident=incident_id)
    return sum(_retry_in(session_id, state, chosen, actor, reason) for state in ITEM_UNRESOLVED)


def offer_restored(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer what an undo has brought back to its source; returns how many items."""
    return _retry_in(session_id, ItemState.SOURCE_RESTORED, Q(), actor, reason)


def _retry_in(session_id: int, state: str, chosen: Q, actor: Actor, reason: str) -> int:
    found = ImportItem.objects.in_session(session_id).filter(chosen, state=state).order_by("pk")
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


def import_anyway(item_id: int, *, actor: Actor, reason: str) -> ImportItem:
    """Offer a damaged file again, to be imported as it is."""
    return _move(item_id, Step("requeue", reason, {"accept_damage": True}), actor)


def dismiss(item_id: int, *, actor: Actor, reason: str) -> ImportItem:
    """Set a failed or missing file aside: the session need not wait for it."""
    return _move(item_id, Step("dismiss", reason), actor)


def _move(item_id: int, step: Step, actor: Actor) -> ImportItem:
    item = door.move(ImportItem, item_id, step, actor=actor)
    StateSynchronizer().sync_session_with_items(item.session_id, actor=actor)
    return item
