"""What fails now, the heaviest first: incidents with the files that they hold back, by code and age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from ..errors import ErrorCode
from ..filters import Filter, Word, choice, exact, moment
from ..models import ImportItem, ImportSession, Incident
from ..models.finding import STANDING, Finding
from ..models.incident import IncidentState

NEWEST = 500  # unresolved incidents that are weighed
SHOWN_FINDINGS = 20
# By when it was last seen, each within the next; as the filter `since` writes them.
AGES = (
    ("1h", timedelta(hours=1)),
    ("3h", timedelta(hours=3)),
    ("24h", timedelta(hours=24)),
    ("3d", timedelta(days=3)),
    ("7d", timedelta(days=7)),
)
# Rules of the consistency check that tell of what stands still.
STUCK = ("lease_ended", "session_stalled", "undo_stalled", "retry_far_off", "lease_far_off")
WORDS: dict[str, Word] = {
    "state": choice(IncidentState.values),
    "code": choice(ErrorCode.values),
    "place": exact("/media/card"),
    "since": moment(),
}


@dataclass(slots=True)
class Weighed:
    """An incident with what it holds back: files that fail, and files of sessions that it stops."""

    incident: Incident
    files: int
    waiting: int
    weight: float  # held-back files times hours since it was first seen

    @property
    def held(self) -> int:
        return self.files + self.waiting


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the matrix: of one code, how many incidents were last seen within each age, and in all."""

    code: str
    cells: list[tuple[str, int]]  # age, number
    whole: int


def unresolved(wanted: Filter) -> list[Incident]:
    """The newest of those that the filter leaves; the failures that they store are left out."""
    rows = Incident.objects.defer("failure").most_recent_first()
    if "state" not in wanted.words:
        rows = rows.unresolved()
    for word, column in (("state", "state__in"), ("code", "code__in"), ("place", "place__in")):
        if word in wanted.words:
            rows = rows.filter(**{column: wanted.values(word)})
    if "since" in wanted.words:
        rows = rows.filter(last_seen_at__gte=max(wanted.values("since")))
    return list(rows[:NEWEST])


def weighed(incidents: Iterable[Incident], now: datetime) -> list[Weighed]:
    """The heaviest first. Two queries, each by an index of what fails alone."""
    known = {incident.pk: incident for incident in incidents}
    files = _failing(list(known))
    waiting = _waiting(list(known))
    found = [_weighed(one, files.get(pk, 0), waiting.get(pk, 0), now) for pk, one in known.items()]
    return sorted(found, key=lambda one: -one.weight)


def _weighed(incident: Incident, files: int, waiting: int, now: datetime) -> Weighed:
    hours = max((now - incident.first_seen_at).total_seconds() / 3600, 1 / 60)
    return Weighed(incident, files, waiting, (files + waiting) * hours)


def _failing(incidents: list[int]) -> dict[int, int]:
    rows = ImportItem.objects.filter(incident__in=incidents).order_by()
    return dict(rows.values_list("incident").annotate(number=Count("pk")))


def _waiting(incidents: list[int]) -> dict[int, int]:
    """What waits in the sessions that an incident stops, by the picture that each session keeps."""
    numbers: dict[int, int] = {}
    stopped = ImportSession.objects.filter(incident__in=incidents)
    for incident, counts in stopped.values_list("incident", "counts")[:NEWEST]:
        held = max(int(counts.get("pending", 0)), 1)  # the session itself where nothing was counted
        numbers[incident or 0] = numbers.get(incident or 0, 0) + held
    return numbers


def matrix(incidents: Iterable[Incident], now: datetime) -> list[Row]:
    """The codes with the most incidents first."""
    seen: dict[str, list[timedelta]] = {}
    for incident in incidents:
        seen.setdefault(incident.code, []).append(now - incident.last_seen_at)
    rows = [
        Row(code, [(name, sum(age <= limit for age in ages)) for name, limit in AGES], len(ages))
        for code, ages in seen.items()
    ]
    return sorted(rows, key=lambda row: (-row.whole, row.code))


def stuck() -> list[Finding]:
    """What stands still although it should not, as the last check of the rows saw it."""
    found = Finding.objects.filter(state__in=STANDING, rule__in=STUCK)
    return list(found.order_by("-last_seen_at", "-pk")[:SHOWN_FINDINGS])


def standing() -> int:
    """How many findings of the consistency check are open, whatever their rule."""
    return Finding.objects.filter(state__in=STANDING).count()
