"""Window: the metrics of a span of time, as plain data for commands, pages and alerts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ..models import ImportItem, MetricBucket
from ..models.metric_bucket import Measure
from .folding import DAY, EVER, FOLDS, HOUR, MINUTE, begin
from .tally import COLUMNS, Key, Tally, added, read

TOP = 10  # codes and files that are told of
_WIDTHS_S = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY)
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Everything that was measured from `since` to before `until`, by bucket."""

    since: datetime
    until: datetime
    rows: list[tuple[datetime, Key, Tally]]

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()

    def of(self, measure: Measure) -> Iterator[tuple[Key, Tally]]:
        return ((key, tally) for _, key, tally in self.rows if key.measure == measure)

    def whole(self, measure: Measure) -> Tally:
        return added(tally for _, tally in self.of(measure))

    def by(self, measure: Measure, part: Callable[[Key], str]) -> dict[str, Tally]:
        """Added up by a part of the key, those with the most first."""
        sums: defaultdict[str, Tally] = defaultdict(Tally)
        for key, tally in self.of(measure):
            sums[part(key)].take_in(tally)
        return dict(sorted(sums.items(), key=lambda pair: (-pair[1].count, pair[0])))

    def pieces(self, width_s: int) -> Iterator[Window]:
        """The same span in pieces of this width, also those in which nothing was measured."""
        rows: defaultdict[datetime, list[tuple[datetime, Key, Tally]]] = defaultdict(list)
        for row in self.rows:
            rows[begin(row[0], width_s)].append(row)
        at = begin(self.since, width_s)
        while at < self.until:
            end = at + timedelta(seconds=width_s)
            yield Window(max(at, self.since), min(end, self.until), rows[at])
            at = end


def load(since: datetime, until: datetime | None = None) -> Window:
    """What was measured since then. The beginning is moved back to where a bucket begins."""
    until = until or timezone.now()
    since = begin(since, _resolution_s(since))
    buckets = MetricBucket.objects.filter(at__gte=since, at__lt=until).exclude(width_s=EVER)
    rows = [(at, *read(values)) for at, *values in buckets.values_list("at", *COLUMNS)]
    return Window(since, until, rows)


def _resolution_s(moment: datetime) -> int:
    """How wide the buckets of that time may be by now."""
    age = timezone.now() - moment
    return max(
        [MINUTE, *(fold.into_s for fold in FOLDS if fold.into_s <= DAY and age > fold.after)]
    )


def metrics(since: datetime, until: datetime | None = None) -> Entry:
    """How much came to rest, how fast and how much of it failed, in all and by step, format and code.

    A file counts each time that it comes to rest: one that failed and was imported when it was tried
    again counts twice. Durations are in ms, rates in 1/s; None where nothing was measured. `busy_s` is
    the time that all workers together were at work.
    """
    window = load(since, until)
    return {
        "since": window.since.isoformat(),
        "until": window.until.isoformat(),
        "seconds": window.seconds,
        "files": _throughput(window),
        "steps": list(_steps(window)),
        "formats": _listed("format", window.by(Measure.FILE, lambda key: key.format)),
        "outcomes": _listed("code", window.by(Measure.FILE, lambda key: key.code)),
        "errors": _errors(window)[:TOP],
        "findings": _findings(window),
        "slowest": slowest(window),
    }


def series(since: datetime, until: datetime | None = None, *, points: int = 120) -> list[Entry]:
    """The same over time, in at most so many pieces, none narrower than what is still known."""
    window = load(since, until)
    narrowest = max(_resolution_s(window.since), window.seconds / points)
    width_s = next((width for width in _WIDTHS_S if width >= narrowest), _WIDTHS_S[-1])
    return [_piece(piece) for piece in window.pieces(width_s)]


def _piece(window: Window) -> Entry:
    return {
        "at": window.since.isoformat(),
        "seconds": window.seconds,
        **_throughput(window),
        "wait_p95_ms": window.whole(Measure.WAIT).quantile_ms(0.95),
        "errors": {one["code"]: one["failed"] for one in _errors(window)},
        "findings": window.whole(Measure.FINDING).count,
    }


def _throughput(window: Window) -> Entry:
    files, busy_s = window.whole(Measure.FILE), window.whole(Measure.BATCH).total_ms / 1000
    return _told(files) | {
        "files_per_s": _share(files.count, window.seconds),
        "bytes_per_s": _share(files.size_bytes, window.seconds),
        "busy_s": busy_s,
        "files_per_busy_s": _share(files.count, busy_s),
        "bytes_per_busy_s": _share(files.size_bytes, busy_s),
    }


def _steps(window: Window) -> Iterator[Entry]:
    """Each step in all, and by format where it is one of a file; `format` is None for all of them."""
    for measure in Measure:
        if measure == Measure.FINDING:
            continue
        yield {"step": measure.value, "format": None} | _told(window.whole(measure))
        for form, tally in window.by(measure, lambda key: key.format).items():
            if measure in (Measure.FILE, Measure.ANALYSE, Measure.PLACE):
                yield {"step": measure.value, "format": form} | _told(tally)


def _told(tally: Tally) -> Entry:
    return {
        "count": tally.count,
        "failed": tally.failures,
        "error_rate": _share(tally.failures, tally.count),
        "bytes": tally.size_bytes,
        "mean_ms": tally.mean_ms,
        "p50_ms": tally.quantile_ms(0.5),
        "p95_ms": tally.quantile_ms(0.95),
        "total_ms": tally.total_ms,
    }


def _listed(name: str, tallies: dict[str, Tally]) -> list[Entry]:
    return [{name: part} | _told(tally) for part, tally in tallies.items()]


def _errors(window: Window) -> list[Entry]:
    """The codes by which files failed, the most frequent first."""
    codes = window.by(Measure.FILE, lambda key: key.code)
    return [
        {"code": code, "failed": tally.failures} for code, tally in codes.items() if tally.failures
    ]


def _findings(window: Window) -> Entry:
    """Inconsistencies that were not there before: in all, by rule, and by day of the present zone."""
    days: Counter[str] = Counter()
    for at, key, tally in window.rows:
        if key.measure == Measure.FINDING:
            days[timezone.localtime(at).date().isoformat()] += tally.count
    rules = window.by(Measure.FINDING, lambda key: key.code)
    number = sum(days.values())
    return {
        "count": number,
        "per_day": _share(number * DAY, window.seconds),
        "rules": {rule: tally.count for rule, tally in rules.items()},
        "days": dict(sorted(days.items())),
    }


def slowest(window: Window) -> list[Entry]:
    """The files that took longest by themselves: of each bucket and kind, the slowest one."""
    found = sorted(window.of(Measure.FILE), key=lambda pair: -pair[1].slowest_ms)
    by_item: dict[Hashable, tuple[Key, Tally]] = {}
    for key, tally in found:
        by_item.setdefault(tally.slowest_item_id, (key, tally))
    top = list(by_item.values())[:TOP]
    paths = _paths([tally.slowest_item_id or 0 for _, tally in top])
    return [
        {
            "item": tally.slowest_item_id,
            "path": paths.get(tally.slowest_item_id or 0, ""),
            "format": key.format,
            "code": key.code,
            "duration_ms": tally.slowest_ms,
        }
        for key, tally in top
    ]


def _paths(ids: list[int]) -> dict[int, str]:
    items = ImportItem.objects.filter(pk__in=ids).select_related("session")
    return {item.pk: item.shown_absolute_path for item in items}


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
