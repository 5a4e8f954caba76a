"""Undo: every file of a session goes back to where it came from.

The intent is written down first, and workers keep off; an undo that was interrupted is finished by
the sweeper, or by asking again. What cannot be undone stays imported, with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

from .. import fsops
from ..audit_logger import Actor
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession
from ..pipeline import flags
from ..pipeline.desk import open_desk
from ..pipeline.restore import Refusal, restore_batch
from ..pipeline.runner import RENEW_EVERY_S, hold, let_go, meanwhile, renew
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_AT_REST, ItemState
from . import background, control, possible, sessions


@dataclass(slots=True)
class UndoReport:
    undone: int = 0
    refused: list[Refusal] = field(default_factory=list)
    # Session → files that it skipped as duplicates of what went back, and imports itself now.
    handed_over: Counter[int] = field(default_factory=Counter)


def undo(session_id: int, *, actor: Actor, reason: str) -> UndoReport:
    """Undo an import that has come to rest; asking again goes on with what was left.

    Raises ImportProblem when the session is not at rest, or another process works on it.
    """
    session = sessions.get(session_id)
    if session.state not in SESSION_AT_REST:
        _refuse(session, actor, reason)
    hold(session_id)
    try:
        return _undo(session_id, actor, reason)
    finally:
        let_go(session_id)


def _refuse(session: ImportSession, actor: Actor, reason: str) -> NoReturn:
    control.refuse(session, "undo", possible.undo(session), actor, reason)


def _undo(session_id: int, actor: Actor, reason: str) -> UndoReport:
    with open_desk(sessions.get(session_id)) as desk:
        flags.ask_to_undo(session_id, actor=actor, reason=reason)
        session = sessions.get(session_id)
        if session.undo_requested_at is None:  # opened again since we looked
            _refuse(session, actor, reason)
        report, last = UndoReport(), 0
        beat = meanwhile(lambda: False, RENEW_EVERY_S, partial(renew, session_id))
        while True:
            batch = restore_batch(desk, last, actor, reason, beat)
            if not batch.last:
                break
            last = batch.last
            report.undone += batch.number
            report.refused += batch.refused
            report.handed_over.update(batch.handed_over)
        fsops.tidy(desk.source)
    _conclude(session_id, actor, reason)
    for other in report.handed_over:
        background.call_for_work(other)
    return report


def _conclude(session_id: int, actor: Actor, reason: str) -> None:
    """A session of which nothing is left in the library is canceled."""
    left = ImportItem.objects.in_session(session_id).filter(state=ItemState.IMPORTED)
    if not left.exists():
        flags.ask_to_cancel(session_id, actor=actor, reason=reason)
    StateSynchronizer().sync_session_with_items(session_id, actor=actor, reason=reason)
    # Last, so that the sweep finishes an undo that was interrupted just here.
    flags.end_undo(session_id, actor=actor, reason="The undo has come to its end.")


def finish_interrupted(session: ImportSession, *, actor: Actor) -> int:
    """Go on with an undo whose process is gone; returns how many files went back."""
    try:
        return undo(session.pk, actor=actor, reason=session.undo_reason).undone
    except ImportProblem as problem:
        if problem.code == ErrorCode.SESSION_BUSY:
            return 0
        raise


__all__ = ["Refusal", "UndoReport", "finish_interrupted", "undo"]
