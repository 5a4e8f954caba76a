"""The audit log, newest first, narrowed by a filter, in portions that are found fast at any size.

Only what happened to one file is found by an index. All else is looked for in a stretch of the log, and it is
told how long that is: an index for each question would cost every import.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db.models import CharField, Count, F, Max, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast, Coalesce, Substr
from django.db.models.lookups import In

from ..filters import Filter, Word, choice, exact, json_value, moment, number, prefix
from ..models import AuditLog
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import ItemState, SessionState

SHOWN = 50  # rows of a page
STRETCH = 50_000  # rows that are looked through for one
MOST_EXPORTED = 100_000  # rows
STATES = sorted({*ItemState.values, *SessionState.values})
WORDS: dict[str, Word] = {
    "session": number(),
    "item": number(),
    "category": choice(AuditCategory.values),
    "level": choice(AuditLevel.values),
    "action": exact("item.fail"),
    "from": choice(STATES),
    "to": choice(STATES),
    "request": exact("1f6c9a"),
    "task": exact("1f6c9a"),
    "since": moment(),
    "until": moment("2026-11-25"),
}
# What a viewer is not shown is not to be found out by asking for it either.
INNER_WORDS: dict[str, Word] = {
    "actor": prefix("command:"),
    "error": exact("OSError"),
    "details.": json_value("damaged"),
}
_UNITS = ((16, timedelta(minutes=1)), (13, timedelta(hours=1)), (10, timedelta(days=1)))
MOST_COLUMNS = 120  # of minutes or hours; what lasted longer is told by days
_BAD = {AuditLevel.WARNING, AuditLevel.ERROR, AuditLevel.CRITICAL}
_COLUMNS: dict[str, tuple[str, str | int]] = {
    "session": ("session_id", 0),
    "category": ("category", ""),
    "level": ("level", ""),
    "action": ("action", ""),
    "request": ("request_id", ""),
    "task": ("task_id", ""),
    "from": ("from_state", ""),
    "to": ("to_state", ""),
    "error": ("error_type", ""),
}


@dataclass(frozen=True, slots=True)
class Portion:
    rows: list[AuditLog]
    older: int | None  # the number before which the next portion begins; None: that was all
    looked_through: int  # rows, at most; 0 where an index found them
    upper: int = 0  # the number before which they were looked for


class Column(NamedTuple):
    """Rows that were written from a moment on."""

    since: datetime
    good: int
    bad: int  # warnings and errors


@dataclass(frozen=True, slots=True)
class Tally:
    categories: list[tuple[AuditCategory, int]]  # whichever the filter names
    course: list[Column]  # without a gap
    step: timedelta  # of a column


def portion(wanted: Filter, before: int | None = None) -> Portion:
    """The newest rows that the filter asks for, or those before a number."""
    if wanted.values("item"):
        return _of_files(wanted, before)
    upper = before or _newest(wanted) + 1
    lower = max(0, upper - STRETCH)
    rows = list(_narrowed(wanted).filter(pk__lt=upper, pk__gte=lower).order_by("-pk")[: SHOWN + 1])
    is_full = len(rows) > SHOWN
    older = rows[SHOWN - 1].pk if is_full else lower
    return Portion(rows[:SHOWN], older if older > 1 else None, upper - lower, upper)


def tally(wanted: Filter, found: Portion) -> Tally:
    """Counts the rows that were looked through and that the filter asks for."""
    stretch = {"pk__lt": found.upper, "pk__gte": found.upper - found.looked_through}
    length, step = _unit(AuditLog.objects.filter(**stretch).order_by("pk"))
    # The beginning of the time as text: SQLite would ask Python for each row what hour it was.
    began = Substr(Cast("timestamp", CharField()), 1, length)
    rows = _narrowed(wanted.without("category")).filter(**stretch).order_by().annotate(at=began)
    categories: Counter[str] = Counter()
    columns: Counter[tuple[datetime, bool]] = Counter()
    for category, level, at, count in rows.values_list("category", "level", "at").annotate(
        rows=Count("pk")
    ):
        categories[category] += count
        if category in (wanted.values("category") or [category]):
            columns[_moment(at), level in _BAD] += count
    known = [(one, categories[one]) for one in AuditCategory if categories[one]]
    return Tally(known, list(_course(columns, step)), step)


def _unit(stretch: QuerySet[AuditLog]) -> tuple[int, timedelta]:
    """Minutes, hours or days, by how long the stretch is; as so many characters of a time."""
    moments = stretch.values_list("timestamp", flat=True)
    began, ended = moments.first(), moments.last()
    lasted = ended - began if began and ended else timedelta(0)
    return next((unit for unit in _UNITS if lasted < unit[1] * MOST_COLUMNS), _UNITS[-1])


def _moment(text: str) -> datetime:
    """From 2026-11-25, 2026-11-25 04 or 2026-11-25 04:05."""
    whole = text + "0000-00-00 00:00"[len(text) :]
    return datetime.strptime(whole, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def _course(columns: Counter[tuple[datetime, bool]], step: timedelta) -> Iterator[Column]:
    """Those in which nothing happened as well."""
    if not columns:
        return
    at, end = min(columns)[0], max(columns)[0]
    while at <= end:
        yield Column(at, columns[at, False], columns[at, True])
        at += step


def _of_files(wanted: Filter, before: int | None) -> Portion:
    rows = _narrowed(wanted).filter(item__in=wanted.values("item"))
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: SHOWN + 1])
    return Portion(found[:SHOWN], found[SHOWN - 1].pk if len(found) > SHOWN else None, 0)


def _newest(wanted: Filter) -> int:
    """The number of the newest row, or of the newest of the sessions that are asked for."""
    rows = AuditLog.objects.all()
    if sessions := wanted.values("session"):
        newest = [rows.filter(session=pk).order_by("-timestamp", "-pk").first() for pk in sessions]
        return max((row.pk for row in newest if row), default=0)
    return rows.aggregate(newest=Max("pk"))["newest"] or 0


def _narrowed(wanted: Filter) -> QuerySet[AuditLog]:
    rows: QuerySet[AuditLog] = AuditLog.objects.get_queryset()
    for word, (column, nothing) in _COLUMNS.items():
        if values := wanted.values(word):
            # In a form that no index has: the stretch is to narrow the search, not half of the log.
            rows = rows.filter(In(Coalesce(F(column), Value(nothing)), values))
    for actor in wanted.values("actor"):
        rows = rows.filter(actor__startswith=actor)
    for word in sorted(name for name in wanted.words if name.startswith("details.")):
        rows = _of_detail(rows, word, wanted.values(word))
    for since in wanted.values("since"):
        rows = rows.filter(timestamp__gte=since)
    for until in wanted.values("until"):
        rows = rows.filter(timestamp__lt=until)
    return rows


def _of_detail(
    rows: QuerySet[AuditLog], word: str, alternatives: list[tuple[object, ...]]
) -> QuerySet[AuditLog]:
    """Keys as keys, whatever they are called: in a keyword, `contains` would be a lookup."""
    inner: F | KeyTransform = F("details")
    for key in word.split(".")[1:]:
        inner = KeyTransform(key, inner)
    is_wanted = Q()
    for value in (one for values in alternatives for one in values):
        is_wanted |= Q(detail=value)
    return rows.alias(detail=inner).filter(is_wanted)


def exported(wanted: Filter) -> Iterator[AuditLog]:
    """All that the filter asks for, newest first, up to MOST_EXPORTED."""
    left, before = MOST_EXPORTED, None
    while left > 0:
        found = portion(wanted, before)
        yield from found.rows[:left]
        left -= len(found.rows)
        if (before := found.older) is None:
            return
