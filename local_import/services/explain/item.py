"""What there is to say of an item."""

from __future__ import annotations

from datetime import datetime

from ... import incidents
from ...models import AuditLog, ImportItem, Incident, Media
from ...models.incident import IncidentState
from ...states import ITEM_IN_WORK, ITEM_UNRESOLVED, ItemState, SkipReason, SourceDisposition
from ...wording import retell
from .waiting import tell_stops, tell_wait
from .words import Account, Explanation
from .workforce import tell_holder

MOST_COUNTED = 10_000


def explain_item(item: ImportItem, now: datetime) -> Explanation:
    account = Account()
    account.say(
        "item_state",
        path=item.shown_absolute_path,
        state=str(item.get_state_display()),
        since=item.state_changed_at,
        item=item.pk,
        session=item.session_id,
    )
    _tell_history(account, item)
    _OUTCOMES.get(ItemState(item.state), _tell_wait)(account, item, now)
    account.offer("see_audit", item=item.pk)
    return account.conclude("item", f"item:{item.pk}", str(item.state), item.state_changed_at)


def _tell_history(account: Account, item: ImportItem) -> None:
    """Who brought it to its state, when and why: the newest transition of the audit log."""
    rows = AuditLog.objects.of_item(item.pk).transitions().newest_first()
    row = rows.filter(to_state=item.state).first()
    if row is None:
        account.say("history_gone", item=item.pk)
        return
    facts = {"audit": row.pk, "at": row.timestamp, "actor": row.actor, "message": row.message}
    if row.from_state:
        account.say("moved_by", from_state=row.from_state, **facts)
    else:
        account.say("found_by", **facts)


def _tell_failure(account: Account, item: ImportItem, now: datetime) -> None:
    failure = retell(item.failure)
    account.say(
        "failure",
        summary=failure.get("summary", item.code),
        diagnosis=failure.get("diagnosis", ""),
        code=item.code,
        evidence=failure.get("evidence", {}),
    )
    for fact in failure.get("seen") or []:
        account.say("seen", fact=fact, seen_at=failure.get("seen_at"))
    account.follow_failure(failure)
    if item.incident is not None:
        tell_incident(account, item)
    account.say("next_operator")


def tell_incident(account: Account, item: ImportItem) -> None:
    incident = item.incident
    assert incident is not None
    number = incident.items.all()[:MOST_COUNTED].count()
    if number > 1:
        account.say("one_of_incident", number=number, incident=incident.pk, title=incident.title)
        account.offer("retry_incident", incident=incident.pk, number=number)
    if incident.state == IncidentState.ACKNOWLEDGED:
        account.say(
            "acknowledged",
            who=incident.acknowledged_by,
            since=incident.acknowledged_at,
            reason=incident.acknowledged_reason,
        )
    tell_record(account, incident)


def tell_record(account: Account, incident: Incident) -> None:
    """How trying again went: of this incident, and of the same code anywhere."""
    here = incidents.record_after(incident.code, incident_id=incident.pk)
    anywhere = incidents.record_after(incident.code)
    if here.ended:
        account.say("advice_record_here", incident=incident.pk, **here.as_json())
    if anywhere.ended > here.ended:
        account.say("advice_record", code=incident.code, **anywhere.as_json())


def _tell_skipped(account: Account, item: ImportItem, now: datetime) -> None:
    account.say("skipped", reason=SkipReason(item.skip_reason).label, code=item.skip_reason)
    if item.media is not None:
        _tell_original(account, item.media, item)
    account.say("next_done")


def _tell_original(account: Account, media: Media, item: ImportItem) -> None:
    account.say(
        "duplicate_of",
        library_path=media.path,
        sha256=media.sha256,
        media=media.pk,
        since=media.imported_at,
    )
    first = media.items.filter(state=ItemState.IMPORTED).exclude(pk=item.pk).first()
    if first is not None:
        account.say("duplicate_brought_by", item=first.pk, session=first.session_id)


def _tell_imported(account: Account, item: ImportItem, now: datetime) -> None:
    assert item.media is not None  # the database holds it of what is imported
    account.say(
        "imported_as",
        library_path=item.media.path,
        size=item.media.size_bytes,
        sha256=item.media.sha256,
        media=item.media_id,
    )
    fate = SourceDisposition(item.source_disposition)
    account.say("source_fate", fate=fate.label, code=fate.value)
    account.say("next_release" if fate == SourceDisposition.RELEASE_DUE else "next_done")


def _tell_restored(account: Account, item: ImportItem, now: datetime) -> None:
    account.say("next_operator")
    account.offer("resume_session", session=item.session_id)


def _tell_wait(account: Account, item: ImportItem, now: datetime) -> None:
    if item.deaths:
        account.say("workers_died", deaths=item.deaths)
    if item.state in ITEM_IN_WORK:
        tell_holder(account, item, now)
        tell_stops(account, item.session)
    elif item.next_attempt_at is not None and item.next_attempt_at > now:
        if item.seen_at is not None:
            left = item.next_attempt_at - now
            account.say("changed_lately", due=item.next_attempt_at, left=left)
        else:
            account.say("due_later", due=item.next_attempt_at, retries=item.retries)
        account.say("next_worker")
        tell_stops(account, item.session)
    else:
        tell_wait(account, item.session, now)
        _tell_others_first(account, item)
    _tell_twin(account, item)


def _tell_others_first(account: Account, item: ImportItem) -> None:
    waiting = ImportItem.objects.in_session(item.session_id).filter(state=ItemState.PENDING)
    number = waiting.filter(pk__lt=item.pk)[:MOST_COUNTED].count()
    if number:
        account.say("others_first", number=number, is_cut=number == MOST_COUNTED)


def _tell_twin(account: Account, item: ImportItem) -> None:
    """The same bytes in the hands of another item: this one waits to learn what becomes of them."""
    if not item.sha256:
        return
    moving = ImportItem.objects.in_motion().filter(sha256=item.sha256)
    twin = moving.exclude(pk=item.pk).order_by("sha256").first()
    if twin is not None:
        facts = {"owner": twin.owner, "until": twin.lease_until, "sha256": item.sha256}
        account.say("same_bytes_moving", item=twin.pk, session=twin.session_id, **facts)


_OUTCOMES = {
    **dict.fromkeys(map(ItemState, ITEM_UNRESOLVED), _tell_failure),
    ItemState.SKIPPED: _tell_skipped,
    ItemState.IMPORTED: _tell_imported,
    ItemState.SOURCE_RESTORED: _tell_restored,
}
