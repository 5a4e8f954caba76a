"""The flags of a session: paused, cancel or undo asked for by an operator, or broken off by a failure
that is not one file's. Workers obey them.

A flag is no state: what the state is follows from flags and items (state_synchronizer).
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from ..audit_logger import Actor, AuditLogger, Entry
from ..models import ImportItem, ImportSession
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import SESSION_AT_REST, SESSION_RUNNING, SESSION_WAITING
from ..transactions import in_transaction
from ..troubleshooting import Diagnosis, entry_of

_BREAKABLE = SESSION_WAITING | SESSION_RUNNING
_audit = AuditLogger()


def pause(session_id: int, *, actor: Actor, reason: str) -> bool:
    """Workers take no more files; returns whether that is new."""
    values = {"paused_at": timezone.now(), "paused_by": actor.name, "paused_reason": reason}
    return _set(session_id, {"paused_at__isnull": True}, values, "session.pause", actor, reason)


def unpause(session_id: int, *, actor: Actor, reason: str) -> bool:
    values = {"paused_at": None, "paused_by": "", "paused_reason": ""}
    return _set(session_id, {"paused_at__isnull": False}, values, "session.resume", actor, reason)


def ask_to_cancel(session_id: int, *, actor: Actor, reason: str) -> bool:
    """Workers take no more files, and the session is canceled once none is in work."""
    values = {"cancel_requested_at": timezone.now()}
    unset = {"cancel_requested_at__isnull": True}
    return _set(session_id, unset, values, "session.ask_to_cancel", actor, reason)


def withdraw_cancel(session_id: int, *, actor: Actor, reason: str) -> bool:
    values = {"cancel_requested_at": None}
    given = {"cancel_requested_at__isnull": False}
    return _set(session_id, given, values, "session.withdraw_cancel", actor, reason)


def skip_quiet_time(session_id: int, *, actor: Actor, reason: str) -> bool:
    """Workers take files that changed a moment ago, those too that wait for that already."""

    def work() -> bool:
        waiting = ImportItem.objects.in_session(session_id).waiting_to_be_still()
        waiting.update(next_attempt_at=None)
        values, unset = {"no_quiet_time": True}, {"no_quiet_time": False}
        return _set(session_id, unset, values, "session.skip_quiet_time", actor, reason)

    return in_transaction(work)


def walk_again(session_id: int, *, actor: Actor, reason: str) -> bool:
    """The next run looks for files in the source once more; those it knows stay as they are."""
    walked = {"walked_at__isnull": False}
    return _set(session_id, walked, {"walked_at": None}, "session.walk_again", actor, reason)


def ask_to_undo(session_id: int, *, actor: Actor, reason: str) -> bool:
    """From now on a file may be on its way back to its source: no worker takes any.

    Only of a session at rest: what has been opened again meanwhile is left as it is.
    """
    now = timezone.now()
    values = {"undo_requested_at": now, "undo_requested_by": actor.name, "undo_reason": reason}
    unset = {"undo_requested_at__isnull": True, "state__in": SESSION_AT_REST}
    return _set(session_id, unset, values, "session.ask_to_undo", actor, reason)


def end_undo(session_id: int, *, actor: Actor, reason: str) -> bool:
    values = {"undo_requested_at": None, "undo_requested_by": "", "undo_reason": ""}
    given = {"undo_requested_at__isnull": False}
    return _set(session_id, given, values, "session.end_undo", actor, reason)


def break_off(session_id: int, found: Diagnosis, *, actor: Actor) -> bool:
    """The session cannot go on: it is in `error` once none of its files is in work.

    The first of several failures is kept; a session at rest is left as it is.
    """
    values = {"error_code": found.code.value, "failure": found.as_failure()}
    entry = entry_of(found, "session", actor)
    return _write(session_id, {"error_code": "", "state__in": _BREAKABLE}, values, entry)


def mend(session_id: int, *, actor: Actor, reason: str) -> bool:
    """Take back a failure that has not brought the session to a stop yet."""
    broken = {"error_code__gt": "", "state__in": _BREAKABLE}
    return _set(
        session_id, broken, {"error_code": "", "failure": {}}, "session.mend", actor, reason
    )


def note_unswept(session: ImportSession, why: str, *, actor: Actor) -> bool:
    """What kept the last sweep from the session, or from files of it; empty when nothing did."""
    entry = Entry(
        AuditCategory.ERROR if why else AuditCategory.DB_OPERATION,
        f"It could not be swept: {why}" if why else "It could be swept again.",
        level=AuditLevel.ERROR if why else AuditLevel.INFO,
        action="session.not_swept" if why else "session.swept",
        actor=actor,
    )
    return _write(session.pk, {"unswept": session.unswept}, {"unswept": why}, entry)


def _set(
    session_id: int,
    expected: dict[str, Any],
    values: dict[str, Any],
    action: str,
    actor: Actor,
    reason: str,
) -> bool:
    entry = Entry(AuditCategory.DB_OPERATION, reason, action=action, actor=actor)
    return _write(session_id, expected, values, entry)


def _write(session_id: int, expected: dict[str, Any], values: dict[str, Any], entry: Entry) -> bool:
    """Write the values, with an audit row, where the row is as expected."""

    def work() -> bool:
        if not ImportSession.objects.filter(pk=session_id, **expected).update(**values):
            return False
        _audit.record(entry.of_session(session_id))
        return True

    return in_transaction(work)
