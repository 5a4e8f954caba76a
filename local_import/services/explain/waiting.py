"""What a session waits for, and its items with it: told in full, for nothing may wait for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Min

from ...counting import young
from ...models import ImportItem, ImportSession
from ...states import SESSION_RUNNING, SESSION_WAITING, ItemState, SessionState
from ...wording import retell
from .. import sweeper
from .words import Account
from .workforce import tell_workforce


def tell_wait(account: Account, session: ImportSession, now: datetime) -> None:
    """Why the session, or what is pending in it, does not go on; never nothing."""
    if tell_stops(account, session):
        return
    if session.state not in SESSION_RUNNING:
        account.say("session_behind", session=session.pk, state=_state(session))
        account.say("next_derives")
        account.offer("sweep")
        return
    if found := young([session.pk], now).get(session.pk):
        account.say("young_files", number=found.files, seconds=found.seconds)
    due = _next_due(session, now)
    if due is not None:
        account.say("due_later", due=due, session=session.pk)
    account.say("next_worker")
    tell_workforce(account, session, now, is_due=due is None)
    account.leave_nothing_unexplained()


def tell_stops(account: Account, session: ImportSession) -> bool:
    """What keeps every worker from the session; False when nothing does."""
    told = [
        tell(account, session)
        for tell in (_error, _breaking_off, _canceled, _undo, _canceling, _paused, _not_begun)
    ]
    if any(told) and session.undo_requested_at is None:
        account.offer("resume_session", session=session.pk)
    return any(told)


def _error(account: Account, session: ImportSession) -> bool:
    if session.state != SessionState.ERROR:
        return False
    summary = _summary(session)
    code, incident = session.error_code, session.incident_id
    account.say("session_error", session=session.pk, summary=summary, code=code, incident=incident)
    account.say("next_reopens" if code in sweeper.PROVABLE else "next_operator")
    account.follow_failure(session.failure)
    alike = ImportSession.objects.filter(incident=incident).count() if incident else 0
    if alike > 1:
        account.say("sessions_alike", number=alike, incident=incident)
        account.offer("retry_incident", number=alike, incident=incident)
    return True


def _breaking_off(account: Account, session: ImportSession) -> bool:
    if not session.error_code or session.state == SessionState.ERROR:
        return False
    summary = _summary(session)
    account.say("session_breaking_off", session=session.pk, summary=summary)
    account.say("next_derives")
    account.follow_failure(session.failure)
    return True


def _summary(session: ImportSession) -> str:
    return str(retell(session.failure).get("summary") or session.get_error_code_display())


def _canceled(account: Account, session: ImportSession) -> bool:
    if session.state != SessionState.CANCELED:
        return False
    account.say("session_canceled", session=session.pk)
    account.say("next_operator")
    return True


def _undo(account: Account, session: ImportSession) -> bool:
    if session.undo_requested_at is None:
        return False
    account.say(
        "undo_under_way",
        session=session.pk,
        who=session.undo_requested_by,
        since=session.undo_requested_at,
        reason=session.undo_reason,
    )
    account.say("next_undo")
    account.offer("finish_undo", session=session.pk)
    return True


def _canceling(account: Account, session: ImportSession) -> bool:
    if session.cancel_requested_at is None or session.state == SessionState.CANCELED:
        return False
    in_work = ImportItem.objects.in_session(session.pk).in_work().count()
    account.say("cancel_under_way", session=session.pk, since=session.cancel_requested_at)
    account.say("next_rests", number=in_work)
    return True


def _paused(account: Account, session: ImportSession) -> bool:
    if session.paused_at is None:
        return False
    account.say(
        "paused",
        session=session.pk,
        who=session.paused_by,
        since=session.paused_at,
        reason=session.paused_reason,
    )
    account.say("next_operator")
    return True


def _not_begun(account: Account, session: ImportSession) -> bool:
    if session.state not in SESSION_WAITING:
        return False
    code = "not_confirmed" if session.state == SessionState.PENDING else "not_started"
    account.say(code, session=session.pk)
    account.say("next_operator")
    return True


def _next_due(session: ImportSession, now: datetime) -> datetime | None:
    """When the first file is due, where files wait and none of them is due now."""
    if session.walked_at is None:
        return None
    items = ImportItem.objects.in_session(session.pk)
    if items.claimable(now + timedelta(seconds=1)).exists():
        return None
    pending = items.filter(state=ItemState.PENDING)
    due: datetime | None = pending.aggregate(due=Min("next_attempt_at"))["due"]
    return due


def _state(session: ImportSession) -> str:
    return str(session.get_state_display())
