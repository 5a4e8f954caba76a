"""What can be asked of a session, a file or an incident as it is, and if not, why not.

Each returns a full sentence, or an empty one when it can. They look at the row alone and ask no
database, so that a page can draw its buttons by them; the services themselves refuse by them too.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from ..errors import ErrorCode
from ..models import ImportSession, Incident
from ..models.incident import IncidentState
from ..states import (
    ITEM_UNRESOLVED,
    SESSION_AT_REST,
    SESSION_RUNNING,
    SESSION_WAITING,
    ItemState,
    SessionState,
)

PAUSABLE = SESSION_WAITING | SESSION_RUNNING
RETRIABLE = SESSION_RUNNING | {SessionState.FAILED}
REQUEUEABLE = (*ITEM_UNRESOLVED, ItemState.SKIPPED, ItemState.SOURCE_RESTORED)


def pause(session: ImportSession) -> str:
    if session.paused_at is not None:
        return _("The session is paused already.")
    if session.state in PAUSABLE:
        return ""
    return _("Only a session that waits or runs can be paused; this one is {state}.").format(
        state=session.get_state_display()
    )


def cancel(session: ImportSession) -> str:
    if session.state == SessionState.IMPORTED:
        return _("What is imported can only be undone.")
    if session.state == SessionState.CANCELED:
        return _("The session is canceled already.")
    if session.cancel_requested_at is not None:
        return _("The session is being canceled already.")
    return ""


def undo(session: ImportSession) -> str:
    if session.state not in SESSION_AT_REST:
        return _(
            "Only an import that is at rest can be undone; cancel it first. It is {state}."
        ).format(state=session.get_state_display())
    if session.undo_requested_at is None and not session.counts.get(ItemState.IMPORTED):
        return _("Nothing of the session is in the library.")
    return ""


def confirm_source(session: ImportSession) -> str:
    if session.state in SESSION_AT_REST:
        return ""
    return _("Only of a session that is at rest; this one is {state}.").format(
        state=session.get_state_display()
    )


def resume(session: ImportSession) -> str:
    if why := _undo_under_way(session):
        return why
    if session.state == SessionState.IMPORTED:
        return _("All files of the session are imported or set aside: there is nothing left to do.")
    halted = session.paused_at or session.cancel_requested_at or session.error_code
    if session.state in SESSION_RUNNING and not halted and not _unresolved(session):
        return _("The session is under way already.")
    return ""


def rescan(session: ImportSession) -> str:
    if why := _undo_under_way(session) or _being_canceled(session):
        return why
    if session.state in (SessionState.ERROR, SessionState.CANCELED, *SESSION_WAITING):
        return _("Resume the session instead: then its source is looked through anyway.")
    if session.state in SESSION_RUNNING and session.walked_at is None:
        return _("Its source is being looked through now.")
    return ""


def retry_in(session: ImportSession) -> str:
    """Whether what failed in it can be offered again."""
    if why := _undo_under_way(session) or _being_canceled(session):
        return why
    if session.state in RETRIABLE:
        return ""
    return _("Session {session} is {state}; resume it first.").format(
        session=session.pk, state=session.get_state_display()
    )


def retry_failures(session: ImportSession) -> str:
    return retry_in(session) or ("" if _unresolved(session) else _nothing_failed())


def dismiss_failures(session: ImportSession) -> str:
    return "" if _unresolved(session) else _nothing_failed()


def retry(state: str, error_code: str, session: ImportSession) -> str:
    """Of a file in that state, which failed by that code if it did."""
    if state not in REQUEUEABLE:
        return _("Only a file that is at rest and not imported can be tried again.")
    if session.state == SessionState.IMPORTED:  # one that was skipped is asked for again
        return _undo_under_way(session)
    return retry_in(session)


def import_anyway(state: str, error_code: str, session: ImportSession) -> str:
    if error_code != ErrorCode.DAMAGED:
        return _("Only a file that failed because it is damaged can be imported although damaged.")
    return retry_in(session)


def grown(state: str, error_code: str, session: ImportSession) -> str:
    if error_code != ErrorCode.SOURCE_GREW:
        return _("Only of a file that grew after its beginning was imported can this be decided.")
    return retry_in(session)


def accept_bytes(state: str, error_code: str, session: ImportSession) -> str:
    if error_code != ErrorCode.LIBRARY_FILE_WRONG:
        return _("Only where the library's file holds other bytes can these be accepted.")
    return _undo_under_way(session)


def dismiss(state: str, error_code: str, session: ImportSession) -> str:
    if state in ITEM_UNRESOLVED:
        return ""
    return _("Only a file that failed or is missing can be set aside.")


def of_incident(incident: Incident) -> str:
    if incident.state == IncidentState.RESOLVED:
        return _("The incident is resolved: nothing fails of it any more.")
    return ""


def damaged_of_incident(incident: Incident) -> str:
    if incident.code != ErrorCode.DAMAGED:
        return _("Only a file that failed because it is damaged can be imported although damaged.")
    return of_incident(incident)


def _undo_under_way(session: ImportSession) -> str:
    if session.undo_requested_at is None:
        return ""
    return _("An undo of session {session} is under way; finish it first.").format(
        session=session.pk
    )


def _being_canceled(session: ImportSession) -> str:
    if session.cancel_requested_at is None or session.state == SessionState.CANCELED:
        return ""
    return _("Session {session} is being canceled; resume it first.").format(session=session.pk)


def _unresolved(session: ImportSession) -> bool:
    return any(session.counts.get(state) for state in ITEM_UNRESOLVED)


def _nothing_failed() -> str:
    return _("Nothing in the session failed or is missing.")
