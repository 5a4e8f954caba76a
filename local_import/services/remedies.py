"""The operations that recommended actions name, carried out by their names, and what came of them.

A shell, a page and a test all come through here; who may do it is asked by them.
"""

from __future__ import annotations

from django_fsm import TransitionNotAllowed

from ..audit_logger import Actor
from ..errors import ErrorCode, ImportProblem, Operation
from ..models import ImportItem, ImportSession
from ..transactions import database_now
from . import background, items, sessions

_VERBS = {
    Operation.RETRY: items.retry,
    Operation.IMPORT_ANYWAY: items.import_anyway,
    Operation.DISMISS: items.dismiss,
}


def get(item_id: int) -> ImportItem:
    """Raises ImportProblem when there is no such item."""
    item = ImportItem.objects.select_related("session").filter(pk=item_id).first()
    if item is None:
        raise ImportProblem(ErrorCode.ITEM_UNKNOWN, item=item_id)
    return item


def carry_out(operation: Operation, item_id: int, *, actor: Actor, reason: str) -> ImportItem:
    """Do what is asked for with an item, and bring it to rest where that takes work.

    Raises ImportProblem, after the refusal was recorded, when it is not possible in its state.
    """
    item = get(item_id)
    try:
        _VERBS[operation](item_id, actor=actor, reason=reason)
    except TransitionNotAllowed as refusal:
        detail = f"Item {item_id} is {item.state}; {operation} is not possible then."
        raise ImportProblem(
            ErrorCode.NOT_ALLOWED, session=item.session_id, detail=detail
        ) from refusal
    if operation != Operation.DISMISS:
        _work_on(item.session_id, actor)
    return get(item_id)


def _work_on(session_id: int, actor: Actor) -> None:
    """Do the session's work here and now, or call the workers where another process does it."""
    if not ImportSession.objects.runnable().running().filter(pk=session_id).exists():
        return
    try:
        sessions.run_to_end(session_id, workers=1, actor=actor)
    except ImportProblem as problem:
        if problem.code != ErrorCode.SESSION_BUSY:
            raise
        background.call_workers(sessions.get(session_id), database_now())
