"""What an operator does with an item: retry, import all the same, dismiss.

Each raises django_fsm.TransitionNotAllowed, after the refusal was recorded, when the item is not in
a state for it.
"""

from __future__ import annotations

from functools import partial

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..models import ImportItem
from ..state_synchronizer import StateSynchronizer
from ..states import ITEM_UNRESOLVED
from ..transactions import in_transaction

CHUNK = 500


def retry(item_id: int, *, actor: Actor, reason: str) -> ImportItem:
    """Offer a file to the workers again; its last outcome is forgotten."""
    return _move(item_id, Step("requeue", reason), actor)


def retry_all(session_id: int, *, actor: Actor, reason: str) -> int:
    """Offer everything of a session that failed or is missing again; returns how many there were."""
    number = 0
    for state in ITEM_UNRESOLVED:
        found = ImportItem.objects.in_session(session_id).filter(state=state).order_by("pk")
        while ids := list(found.values_list("pk", flat=True)[:CHUNK]):
            step = Step("requeue", reason)
            in_transaction(
                partial(
                    door.move_many,
                    [step],
                    ids,
                    from_state=state,
                    session_id=session_id,
                    actor=actor,
                )
            )
            number += len(ids)
    return number


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
