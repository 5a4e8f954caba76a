"""What an operator does with a session under way: pause it, cancel it.

Each is a request: workers obey within a batch. Asking twice is no error; what is not possible in
the present state is refused by ImportProblem, after the refusal was recorded.
"""

from __future__ import annotations

from typing import NoReturn

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportSession
from ..pipeline import flags
from ..state_synchronizer import StateSynchronizer
from ..states import SessionState
from . import possible, sessions


def pause(session_id: int, *, actor: Actor, reason: str) -> ImportSession:
    """Let workers take no more files of the session, until it is resumed."""
    session = sessions.get(session_id)
    if session.paused_at is None and (why := possible.pause(session)):
        refuse(session, "pause", why, actor, reason)
    flags.pause(session_id, actor=actor, reason=reason)
    return sessions.get(session_id)


def cancel(session_id: int, *, actor: Actor, reason: str) -> ImportSession:
    """Stop the session for good: what is imported stays so, what waits is left alone.

    It is canceled at once when nothing is in work, else as soon as the workers have finished or
    given back what they hold.
    """
    session = sessions.get(session_id)
    if session.state == SessionState.IMPORTED:
        refuse(session, "cancel", possible.cancel(session), actor, reason)
    if session.state != SessionState.CANCELED:
        flags.ask_to_cancel(session_id, actor=actor, reason=reason)
        StateSynchronizer().sync_session_with_items(session_id, actor=actor, reason=reason)
    return sessions.get(session_id)


def refuse(session: ImportSession, verb: str, why: str, actor: Actor, reason: str) -> NoReturn:
    """Raises ImportProblem, after the refusal was recorded."""
    door.record_refusal(session, Step(verb, reason), actor)
    raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session.pk, detail=why)
