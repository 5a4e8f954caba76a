"""Window: the metrics of a span of time, as plain data for commands, pages and alerts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from ..models import ImportItem, MetricBucket
from ..models.metric_bucket import Measure
from .folding import DAY, EVER, FOLDS, HOUR, MINUTE, begin
from .tally import COLUMNS, Key, Tally, added

TOP = 10  # codes and files that are told of
CHUNK = 2000  # rows that are read at a time
_OF_A_PIECE = (Measure.FILE, Measure.BATCH, Measure.WAIT, Measure.FINDING)
_WIDTHS_S = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY)
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """Everything that was measured from `since` to before `until`, added up."""

    since: datetime
    until: datetime
    tallies: dict[Key, Tally]

    @property
    def seconds(self) -> float:
        return (self.until - self.since).total_seconds()

    def of(self, measure: Measure) -> Iterator[tuple[Key, Tally]]:
        return ((key, tally) for key, tally in self.tallies.items() if key.measure == measure)

    def whole(self, measure: Measure) -> Tally:
        return added(tally for _, tally in self.of(measure))

    def by(self, measure: Measure, part: Callable[[Key], str]) -> dict[str, Tally]:
        """Added up by a part of the key, those with the most first."""
        sums: defaultdict[str, Tally] = defaultdict(Tally)
        for key, tally in self.of(measure):
            sums[part(key)].take_in(tally)
        return dict(sorted(sums.items(), key=lambda pair: (-pair[1].count, pair[0])))


def load(since: datetime, until: datetime | None = None) -> Window:
    """What was measured since then. The beginning is moved back to where a bucket begins."""
    until = until or timezone.now()
    since = begin(since, _resolution_s(since))
    tallies: defaultdict[Key, Tally] = defaultdict(Tally)
    for _, key, values in _rows(since, until, Measure):
        tallies[key].take_row(*values)
    return Window(since, until, tallies)


def pieces(since: datetime, until: datetime, width_s: int) -> Iterator[Window]:
    """The same in pieces of this width, also those in which nothing was measured."""
    found: defaultdict[datetime, defaultdict[Key, Tally]]
    found = defaultdict(lambda: defaultdict(Tally))
    for at, key, values in _rows(since, until, _OF_A_PIECE):
        found[begin(at, width_s)][key].take_row(*values)
    at = begin(since, width_s)
    while at < until:
        end = at + timedelta(seconds=width_s)
        yield Window(max(at, since), min(end, until), found[at])
        at = end


def _rows(
    since: datetime, until: datetime, measures: Iterable[Measure]
) -> Iterator[tuple[datetime, Key, Sequence[Any]]]:
    buckets = MetricBucket.objects.filter(measure__in=list(measures), at__gte=since, at__lt=until)
    rows = buckets.exclude(width_s=EVER).values_list("at", *COLUMNS)
    for at, measure, form, code, *values in rows.iterator(chunk_size=CHUNK):
        yield at, Key(measure, form, code), values


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
        "outcomes": _listed("code", window.by(Measure.FILE, _code)),
        "errors": _errors(window)[:TOP],
        "findings": _findings(window),
        "slowest": slowest(window),
    }


def series(since: datetime, until: datetime | None = None, *, points: int = 120) -> list[Entry]:
    """The same over time, in at most so many pieces, none narrower than what is still known."""
    until = until or timezone.now()
    resolution_s = _resolution_s(since)
    since = begin(since, resolution_s)
    narrowest = max(resolution_s, (until - since).total_seconds() / points)
    width_s = next((width for width in _WIDTHS_S if width >= narrowest), _WIDTHS_S[-1])
    return [_piece(piece) for piece in pieces(since, until, width_s)]


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
    codes = window.by(Measure.FILE, _code)
    return [
        {"code": code, "failed": tally.failures} for code, tally in codes.items() if tally.failures
    ]


def _findings(window: Window) -> Entry:
    """Inconsistencies that were not there before: in all, by rule, and by day of the present zone."""
    rules = {rule: tally.count for rule, tally in window.by(Measure.FINDING, _code).items()}
    days: Counter[str] = Counter()
    for at, _, (count, *_values) in _rows(window.since, window.until, [Measure.FINDING]):
        days[timezone.localtime(at).date().isoformat()] += count
    number = sum(rules.values())
    per_day = _share(number * DAY, window.seconds)
    return {
        "count": number,
        "per_day": per_day,
        "rules": rules,
        "days": dict(sorted(days.items())),
    }


def _code(key: Key) -> str:
    return key.code


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
