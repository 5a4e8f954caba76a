"""What there is to say of a session, and of an incident."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef

from ...models import AuditLog, ImportItem, ImportSession, Incident
from ...models.incident import IncidentState
from ...states import SESSION_RUNNING, ItemState, SessionState
from ...wording import retell
from ..story import problems_of
from .item import MOST_COUNTED, tell_record
from .waiting import tell_stops, tell_wait
from .words import Account, Explanation

# The row of a transition is written a moment after the time that the session itself keeps of it.
_MOMENT = timedelta(seconds=5)


def explain_session(session: ImportSession, now: datetime) -> Explanation:
    account = Account()
    account.say(
        "session_state",
        session=session.pk,
        source=session.source,
        state=str(session.get_state_display()),
        since=session.state_changed_at,
        mode=session.mode,
    )
    _tell_history(account, session)
    _tell_counts(account, session)
    _tell_incidents(account, session)
    _tell_rest(account, session, now)
    state, since = str(session.state), session.state_changed_at
    return account.conclude("session", f"session:{session.pk}", state, since)


def _tell_history(account: Account, session: ImportSession) -> None:
    """The first row after the change: the items of a large session write millions later on."""
    since = session.state_changed_at
    rows = AuditLog.objects.of_session(session.pk).transitions().filter(item__isnull=True)
    rows = rows.filter(timestamp__gte=since, timestamp__lt=since + _MOMENT, to_state=session.state)
    row = rows.order_by("timestamp").first()
    if row is not None:
        facts = {"audit": row.pk, "at": row.timestamp, "from_state": row.from_state}
        account.say("moved_by", actor=row.actor, message=row.message, **facts)
    elif session.state != SessionState.PENDING:
        account.say("history_gone", session=session.pk)


def _tell_counts(account: Account, session: ImportSession) -> None:
    """The stored picture: counting a million items would take longer than the whole answer."""
    if session.counted_at is None:
        return
    told = ", ".join(f"{n:,} {ItemState(s).label}" for s, n in session.counts.items() if n)
    account.say("counts", counted=session.counted_at, counts=told or "0", by_state=session.counts)


def _tell_incidents(account: Account, session: ImportSession) -> None:
    for incident, counted in problems_of(session.pk):
        number = min(counted, MOST_COUNTED)
        account.say("incident_open", number=number, title=incident.title, incident=incident.pk)
        account.follow_failure(incident.failure)
        account.offer("retry_incident", incident=incident.pk, number=number)


def _tell_rest(account: Account, session: ImportSession, now: datetime) -> None:
    if session.state == SessionState.IMPORTED and not tell_stops(account, session):
        account.say("next_done")
    elif session.state == SessionState.FAILED and not tell_stops(account, session):
        account.say("next_operator")
        account.offer("resume_session", session=session.pk)
    elif session.state in SESSION_RUNNING and _is_at_rest(session):
        account.say("session_behind", session=session.pk, state=str(session.state))
        account.say("next_derives")
        account.offer("sweep")
    elif session.state not in (SessionState.IMPORTED, SessionState.FAILED):
        tell_wait(account, session, now)


def _is_at_rest(session: ImportSession) -> bool:
    """Whether everything is found and nothing is unfinished."""
    items = ImportItem.objects.in_session(session.pk)
    unfinished = items.in_work() | items.filter(state=ItemState.PENDING)
    return session.walked_at is not None and not unfinished.exists()


def explain_incident(incident: Incident, now: datetime) -> Explanation:
    account = Account()
    since = incident.resolved_at or incident.acknowledged_at or incident.first_seen_at
    account.say(
        "incident_state",
        incident=incident.pk,
        title=incident.title,
        state=str(IncidentState(incident.state).label),
        since=since,
        fingerprint=incident.fingerprint,
    )
    first, last = incident.first_seen_at, incident.last_seen_at
    account.say("incident_since", first=first, last=last, count=incident.count)
    example = retell(incident.failure)
    account.say(
        "incident_example",
        summary=example.get("summary", incident.title),
        diagnosis=example.get("diagnosis", ""),
        code=incident.code,
    )
    tell_record(account, incident)
    _tell_hold(account, incident)
    return account.conclude("incident", f"incident:{incident.pk}", incident.state, since)


def _tell_hold(account: Account, incident: Incident) -> None:
    files = incident.items.all()[:MOST_COUNTED].count()
    failing = ImportItem.objects.filter(incident=incident, session=OuterRef("pk"))
    sessions = incident.sessions.filter(Exists(failing)).count()
    account.say("incident_holds", files=files, sessions=sessions)
    if incident.state == IncidentState.RESOLVED:
        account.say("next_done")
        return
    account.say("next_resolves")
    account.follow_failure(incident.failure)
    account.offer("retry_incident", incident=incident.pk, number=files)
    if incident.state == IncidentState.ACKNOWLEDGED:
        account.say(
            "acknowledged",
            who=incident.acknowledged_by,
            since=incident.acknowledged_at,
            reason=incident.acknowledged_reason,
        )
    else:
        account.offer("acknowledge_incident", incident=incident.pk)
