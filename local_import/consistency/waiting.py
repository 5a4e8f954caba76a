"""Rules of what waits: nobody waits for nothing. Whatever a sweep should have moved is told of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from ..audit_logger import Actor
from ..errors import Severity
from ..isolation import LONGEST, Told
from ..models import ImportItem, ImportSession, Worker
from ..pipeline.analyse import LONGEST_RETRY_S
from ..pipeline.desk import open_desk, open_for_recovery
from ..pipeline.lease import LEASE, UNATTENDED_LEASE, length_of
from ..pipeline.recover import recover
from ..pipeline.release import release_left
from ..pipeline.runner import is_held
from ..services import background, undo
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState, SourceDisposition
from . import scope
from .rule import GRACE, CannotRepair, Depth, Keys, Look, Rule, Suspect

PATIENCE = timedelta(minutes=10)  # what has work moves within this time, or is stalled
LONGEST_WAIT = timedelta(seconds=LONGEST_RETRY_S) + GRACE


def find_ended_leases(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    held = scope.items(look, keys, of_sessions=True).exclude(owner="")
    late = held.filter(lease_until__lt=look.quiet_since).order_by("session")
    for pk, number in late.values_list("session").annotate(number=Count("pk")):
        yield Suspect("lease_ended", str(pk), {"session": pk, "number": number}, pk)


def find_unswept(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    for session in scope.sessions(look, keys).exclude(unswept="").order_by("pk"):
        facts = {"session": session.pk, "trouble": session.unswept}
        yield Suspect("not_swept", str(session.pk), facts, session.pk)


def find_sources_due(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    due = scope.items(look, keys, of_sessions=True).filter(
        source_disposition=SourceDisposition.RELEASE_DUE, state=ItemState.IMPORTED
    )
    late = due.filter(state_changed_at__lt=look.now - PATIENCE).order_by("session")
    for pk, number in late.values_list("session").annotate(number=Count("pk")):
        yield Suspect("source_not_released", str(pk), {"session": pk, "number": number}, pk)


def find_stalled(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Sessions that have work, or an undo to end, and that nobody has come to for long."""
    since = look.now - PATIENCE
    chosen = scope.sessions(look, keys).order_by("pk")
    for session in chosen.filter(pk__in=background.with_work(look.now).values("pk")):
        if is_stalled(session, look.now, since):
            yield Suspect("session_stalled", str(session.pk), {"session": session.pk}, session.pk)
    for session in chosen.filter(undo_requested_at__lt=since):
        if not is_held(session, look.now):
            yield Suspect("undo_stalled", str(session.pk), {"session": session.pk}, session.pk)


def is_stalled(session: ImportSession, now: datetime, since: datetime) -> bool:
    """Whether nobody is at a session that has work, and nothing of it has moved since then."""
    return not (_is_attended(session, now) or _has_moved(session, since))


def _is_attended(session: ImportSession, now: datetime) -> bool:
    held = ImportItem.objects.in_session(session.pk).in_work()
    return is_held(session, now) or held.filter(lease_until__gt=now).exists()


def _has_moved(session: ImportSession, since: datetime) -> bool:
    moved = ImportItem.objects.in_session(session.pk).filter(state_changed_at__gt=since)
    return session.state_changed_at > since or moved.exists()


def find_far_off(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Times further off than the desk ever sets them: nobody would come before they are over."""
    items = scope.items(look, keys).select_related(None).order_by("pk")
    for item in items.filter(state=ItemState.PENDING, next_attempt_at__gt=look.now + LONGEST_WAIT):
        yield _far_off("retry_far_off", item, item.next_attempt_at)
    renewed = Q(owner__in=Worker.objects.values("name"), lease_until__gt=look.now + LEASE + GRACE)
    longest = Q(lease_until__gt=look.now + UNATTENDED_LEASE + GRACE)
    for item in items.exclude(owner="").filter(renewed | longest):
        yield _far_off("lease_far_off", item, item.lease_until)


def _far_off(rule: str, item: ImportItem, until: datetime | None) -> Suspect:
    facts = {"item": item.pk, "path": item.shown_path, "until": str(until)}
    return Suspect(rule, str(item.pk), facts, item.session_id, item.pk)


def take_back(look: Look, suspect: Suspect, actor: Actor) -> None:
    session = ImportSession.objects.get(pk=int(suspect.key))
    told: Told = {}
    with open_for_recovery(session) as desk:
        recover(desk, actor, told)
    StateSynchronizer().sync_session_with_items(session.pk, actor=actor)
    if told:
        raise CannotRepair("; ".join(told.values())[:LONGEST])


def let_sources_go(look: Look, suspect: Suspect, actor: Actor) -> None:
    with open_desk(ImportSession.objects.get(pk=int(suspect.key))) as desk:
        release_left(desk, actor)


def finish_undo(look: Look, suspect: Suspect, actor: Actor) -> None:
    undo.finish_interrupted(ImportSession.objects.get(pk=int(suspect.key)), actor=actor)


def set_due(look: Look, suspect: Suspect, actor: Actor) -> None:
    ImportItem.objects.filter(pk=int(suspect.key)).update(next_attempt_at=None)


def shorten_lease(look: Look, suspect: Suspect, actor: Actor) -> None:
    """A worker that lives renews it; of a dead one the sweep takes the file back."""
    item = ImportItem.objects.get(pk=int(suspect.key))
    ImportItem.objects.filter(pk=item.pk).update(lease_until=look.now + length_of(item.owner))


_SWEEP = _("Find out why no sweep runs: is beat running, and is it switched on in the admin?")
RULES = (
    Rule(
        code="lease_ended",
        severity=Severity.MEDIUM,
        about="session",
        depth=Depth.ROWS,
        sentence=_("{number} items of session {session} are in work by workers that are gone."),
        find=find_ended_leases,
        repair=take_back,
        unlocked=True,
        proposal=_("Take the files of session {session} back, as a sweep does."),
        risk=_("None: the disk is looked at before anything is decided."),
        automatic=True,
        advice=_SWEEP,
    ),
    Rule(
        code="not_swept",
        severity=Severity.HIGH,
        about="session",
        depth=Depth.ROWS,
        sentence=_("The last sweep could not look after session {session}. {trouble}"),
        find=find_unswept,
        advice=_(
            "Every sweep tries again, and a file that none can bring to a true state fails after a "
            "few. If this stays, report it with: "
            "python manage.py audit_log --session {session} --level error --json"
        ),
    ),
    Rule(
        code="source_not_released",
        severity=Severity.LOW,
        about="session",
        depth=Depth.ROWS,
        sentence=_("{number} sources of session {session} were imported and have not been let go."),
        find=find_sources_due,
        repair=let_sources_go,
        unlocked=True,
        proposal=_("Let the sources of session {session} go whose copy in the library verifies."),
        risk=_("None: each copy is read again before its source is removed."),
        automatic=True,
        advice=_("See what keeps them: python manage.py audit_log --session {session}"),
    ),
    Rule(
        code="session_stalled",
        severity=Severity.HIGH,
        about="session",
        depth=Depth.ROWS,
        sentence=_("Session {session} has work, but for ten minutes nobody has come to it."),
        find=find_stalled,
        advice=_(
            "Start a worker, or go on in the foreground: "
            "python manage.py import_photos --resume {session}"
        ),
    ),
    Rule(
        code="undo_stalled",
        severity=Severity.MEDIUM,
        about="session",
        depth=Depth.ROWS,
        sentence=_("The undo of session {session} was begun and not finished."),
        find=find_stalled,
        repair=finish_undo,
        unlocked=True,
        proposal=_("Finish the undo of session {session}."),
        risk=_("None: an undo overwrites and deletes nothing."),
        automatic=True,
        advice=_("See what keeps it: python manage.py import_undo {session}"),
    ),
    Rule(
        code="retry_far_off",
        severity=Severity.MEDIUM,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) waits until {until}, longer than the desk ever lets it."),
        find=find_far_off,
        repair=set_due,
        proposal=_("Let a worker take it now."),
        risk=_("None."),
        automatic=True,
    ),
    Rule(
        code="lease_far_off",
        severity=Severity.MEDIUM,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) is held until {until}, longer than any lease lasts."),
        find=find_far_off,
        repair=shorten_lease,
        proposal=_("Shorten the lease: its worker renews it, if there is one."),
        risk=_("None."),
        automatic=True,
    ),
)
