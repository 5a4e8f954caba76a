"""How far a session is, how fast it goes, and how long it still takes; for pages and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import pace
from ..counting import Histogram, Young, histograms, young
from ..models import AuditLog, ImportItem, ImportSession
from ..state_synchronizer import SEEN_AFTER
from ..states import ITEM_AT_REST, ITEM_IN_WORK, ITEM_UNRESOLVED, SESSION_RUNNING, ItemState

Counts = Mapping[str, int]
Stops = Mapping[str, Mapping[str, int]]  # see ImportSession.stops
FRESH = timedelta(seconds=2)  # a picture that is older is taken anew where the session has moved


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected: a stable code, and the sentence that says it."""

    code: str  # rest, waiting, paused, stopping, walking, stalled, young, estimating or left
    text: str
    since: datetime | None = None  # of paused and stalled


@dataclass(frozen=True, slots=True)
class Progress:
    """A session at one moment."""

    counts: Counts
    stops: Stops
    bytes_found: int
    bytes_done: int  # of the files at rest, as of the last time that somebody at work counted
    counted_at: datetime
    rate: pace.Rate | None
    outlook: Outlook
    took_s: float | None  # from the start to the end
    young: Young | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return sum(self.counts.get(state, 0) for state in ITEM_AT_REST)

    @property
    def in_work(self) -> int:
        return sum(self.counts.get(state, 0) for state in ITEM_IN_WORK)

    @property
    def waiting(self) -> int:
        return self.counts.get(ItemState.PENDING, 0)

    @property
    def unresolved(self) -> int:
        return sum(self.counts.get(state, 0) for state in ITEM_UNRESOLVED)

    @property
    def patience(self) -> str:
        """What files wait for that changed a moment ago; empty where there are none."""
        return patience(self.young) if self.young else ""

    @property
    def took(self) -> str:
        """From the start to the end; empty while there is none."""
        return _rounded(self.took_s) if self.took_s is not None else ""

    @property
    def percent(self) -> int:
        """Rounded down: 100 is all of them."""
        return 100 * self.done // self.total if self.total else 0


def progress_of(session: ImportSession) -> Progress:
    """Of the session as it was read; its items are counted where its own picture is too old."""
    return progress_of_many([session])[0]


def progress_of_many(sessions: Sequence[ImportSession]) -> list[Progress]:
    """The same for each; one query counts the items of all whose pictures are too old.

    However old, a picture is right while nothing is written of its session.
    """
    now = timezone.now()
    counted_now = _count([session.pk for session in sessions if not _is_fresh(session, now)])
    told = [
        _progress(session, found.counts, found.stops, now)
        if (found := counted_now.get(session.pk))
        else _progress(session, session.counts, session.stops, session.counted_at or now)
        for session in sessions
    ]
    running = [s.pk for s, seen in zip(sessions, told, strict=True) if _may_wait(s, seen)]
    waiting = young(running, now) if running else {}
    return [_with_young(one, waiting.get(s.pk)) for s, one in zip(sessions, told, strict=True)]


def _with_young(progress: Progress, found: Young | None) -> Progress:
    """Where nothing but these is left, the session is not stalled, and no pace tells how long it takes."""
    is_all = found and found.files >= progress.waiting and not progress.in_work
    outlook = Outlook("young", _("waiting")) if is_all else progress.outlook
    return replace(progress, young=found, outlook=outlook)


def _may_wait(session: ImportSession, progress: Progress) -> bool:
    return session.state in SESSION_RUNNING and progress.waiting > 0


def patience(found: Young) -> str:
    """In words."""
    text = ngettext(
        "%(number)s file waits up to %(seconds)d s more because it was changed a moment ago",
        "%(number)s files wait up to %(seconds)d s more because they were changed a moment ago",
        found.files,
    )
    return text % {"number": f"{found.files:,}", "seconds": found.seconds}


def _is_fresh(session: ImportSession, now: datetime) -> bool:
    """A session that does not run was counted when it came to rest."""
    if session.state not in SESSION_RUNNING:
        return True
    return session.counted_at is not None and now - session.counted_at < FRESH


def _count(session_ids: Sequence[int]) -> dict[int, Histogram]:
    """The items of each session that has moved since its picture; from indexes alone."""
    if not session_ids:
        return {}
    moved = ImportSession.objects.filter(_has_moved(), pk__in=session_ids).order_by()
    return histograms(ImportItem.objects.filter(session__in=moved.values("pk")))


def _has_moved() -> Q:
    """Nobody has counted it, or something of it was written since, or may have been unseen then."""
    known = ExpressionWrapper(OuterRef("counted_at") - SEEN_AFTER, DateTimeField())
    written = AuditLog.objects.filter(session=OuterRef("pk"), timestamp__gt=known)
    return Q(counted_at__isnull=True) | Q(Exists(written))


def _progress(session: ImportSession, counts: Counts, stops: Stops, at: datetime) -> Progress:
    done = sum(counts.get(state, 0) for state in ITEM_AT_REST)
    point = (at.timestamp(), done, session.bytes_done)
    rate = pace.rate(session.pace, point) if session.state in SESSION_RUNNING else None
    outlook = _outlook(session, counts, done, rate, at)
    took_s = _took_s(session)
    return Progress(
        counts, stops, session.bytes_found, session.bytes_done, at, rate, outlook, took_s
    )


def _took_s(session: ImportSession) -> float | None:
    if session.started_at is None or session.finished_at is None:
        return None
    return (session.finished_at - session.started_at).total_seconds()


def _outlook(
    session: ImportSession,
    counts: Counts,
    done: int,
    rate: pace.Rate | None,
    now: datetime,
) -> Outlook:
    if session.state not in SESSION_RUNNING:
        return _at_rest(session)
    if session.cancel_requested_at or session.undo_requested_at or session.error_code:
        return Outlook("stopping", _("stopping"))
    if session.paused_at is not None:
        return Outlook("paused", _("paused"), session.paused_at)
    since = pace.stalled_since(session.pace, now.timestamp(), done)
    if since is not None:
        return Outlook("stalled", _("stalled"), datetime.fromtimestamp(since, UTC))
    if session.walked_at is None:
        return Outlook("walking", _("still looking for files"))
    return _left(session, sum(counts.values()) - done, rate)


def _at_rest(session: ImportSession) -> Outlook:
    if session.finished_at is None:
        return Outlook("waiting", _("not started"))
    return Outlook("rest", _("at rest"), session.finished_at)


def _left(session: ImportSession, files: int, rate: pace.Rate | None) -> Outlook:
    found = pace.left(rate, files, session.bytes_found - session.bytes_done) if rate else None
    if found is None:
        return Outlook("estimating", _("estimating…"))
    shortest, longest = _about(found.shortest), _about(found.longest)
    if shortest == longest:
        return Outlook("left", _("about %(time)s left") % {"time": longest})
    times = {"shortest": shortest, "longest": longest}
    return Outlook("left", _("%(shortest)s to %(longest)s left") % times)


def _about(seconds: float) -> str:
    """Seconds no finer than tens: an estimate knows no better."""
    return _rounded(max(10 * round(seconds / 10), 10))


def _rounded(seconds: float) -> str:
    """In the largest fitting unit."""
    for size, unit in ((86400, _("d")), (3600, _("h")), (60, _("min"))):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 1):.0f} {_('s')}"
