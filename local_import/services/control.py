"""What an operator does with a session under way: pause it, cancel it, try its failures again.

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
from ..states import SESSION_RUNNING, SESSION_WAITING, SessionState
from ..transactions import database_now
from . import background, items, sessions

_PAUSABLE = SESSION_WAITING | SESSION_RUNNING
_RETRIABLE = SESSION_RUNNING | {SessionState.FAILED}


def pause(session_id: int, *, actor: Actor, reason: str) -> ImportSession:
    """Let workers take no more files of the session, until it is resumed."""
    session = sessions.get(session_id)
    if session.state not in _PAUSABLE:
        refuse(session, "pause", "Only a session that waits or runs can be paused", actor, reason)
    flags.pause(session_id, actor=actor, reason=reason)
    return sessions.get(session_id)


def cancel(session_id: int, *, actor: Actor, reason: str) -> ImportSession:
    """Stop the session for good: what is imported stays so, what waits is left alone.

    It is canceled at once when nothing is in work, else as soon as the workers have finished or
    given back what they hold.
    """
    session = sessions.get(session_id)
    if session.state == SessionState.IMPORTED:
        text = "What is imported can only be undone"
        refuse(session, "cancel", text, actor, reason)
    if session.state != SessionState.CANCELED:
        flags.ask_to_cancel(session_id, actor=actor, reason=reason)
        StateSynchronizer().sync_session_with_items(session_id, actor=actor, reason=reason)
    return sessions.get(session_id)


def retry(session_id: int, *, actor: Actor, reason: str, code: str = "") -> int:
    """Offer what failed or is missing to the workers again; returns how many items.

    With a code only those that failed by it. The workers in the background are called.
    """
    session = sessions.get(session_id)
    if session.state not in _RETRIABLE:
        text = "A session that is not open must be resumed first"
        refuse(session, "retry", text, actor, reason)
    number = items.retry_all(session_id, actor=actor, reason=reason, code=code)
    StateSynchronizer().sync_session_with_items(session_id, actor=actor)
    background.call_workers(sessions.get(session_id), database_now())
    return number


def refuse(session: ImportSession, verb: str, why: str, actor: Actor, reason: str) -> NoReturn:
    """Raises ImportProblem, after the refusal was recorded."""
    door.record_refusal(session, Step(verb, reason), actor)
    detail = f"{why}; session {session.pk} is {session.state}."
    raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session.pk, detail=detail)
