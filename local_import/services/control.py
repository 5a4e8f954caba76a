"""What an operator does with a session under way: pause it, cancel it, try its failures again.

Each is a request: workers obey within a batch. Asking twice is no error; what is not possible in
the present state is refused by ImportProblem, after the refusal was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from django.db.models import Q

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession, Incident
from ..pipeline import flags
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_RUNNING, SESSION_WAITING, SessionState
from ..transactions import database_now
from . import background, items, sessions


@dataclass(slots=True)
class IncidentRetry:
    """What became of a request to try an incident again."""

    incident: Incident
    files: int = 0  # offered again
    sessions: list[int] = field(default_factory=list)  # in which that was possible
    refused: dict[int, ImportProblem] = field(default_factory=dict)  # by the number of the session


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


def retry(
    session_id: int, *, actor: Actor, reason: str, code: str = "", incident_id: int | None = None
) -> int:
    """Offer what failed or is missing to the workers again; returns how many items.

    With a code or an incident only those that failed by it. The workers in the background are called.
    """
    session = sessions.get(session_id)
    if session.state not in _RETRIABLE:
        text = "A session that is not open must be resumed first"
        refuse(session, "retry", text, actor, reason)
    number = items.retry_all(
        session_id, actor=actor, reason=reason, code=code, incident_id=incident_id
    )
    StateSynchronizer().sync_session_with_items(session_id, actor=actor)
    background.call_workers(sessions.get(session_id), database_now())
    return number


def retry_incident(incident_id: int, *, actor: Actor, reason: str) -> IncidentRetry:
    """Offer all files of an incident again, and start the sessions again that it brought to a stop.

    A session in which that is not possible is told of, and the others are retried all the same.
    Raises Incident.DoesNotExist.
    """
    report = IncidentRetry(Incident.objects.get(pk=incident_id))
    failed = ImportItem.objects.filter(incident=incident_id).values("session")
    held = ImportSession.objects.filter(Q(pk__in=failed) | Q(incident=incident_id))
    for session in held.order_by("pk"):
        try:
            if session.incident_id == incident_id:
                _start_again(session, actor, reason)
            report.files += retry(session.pk, actor=actor, reason=reason, incident_id=incident_id)
            report.sessions.append(session.pk)
        except ImportProblem as problem:
            report.refused[session.pk] = problem
    return report


def _start_again(session: ImportSession, actor: Actor, reason: str) -> None:
    if session.undo_requested_at is not None:
        refuse(session, "retry", "An undo of it is under way; finish it first", actor, reason)
    sessions.reopen(session.pk, actor=actor, reason=reason)
    background.start(session.pk, actor=actor)


def refuse(session: ImportSession, verb: str, why: str, actor: Actor, reason: str) -> NoReturn:
    """Raises ImportProblem, after the refusal was recorded."""
    door.record_refusal(session, Step(verb, reason), actor)
    detail = f"{why}; session {session.pk} is {session.state}."
    raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session.pk, detail=detail)
