"""What was measured, added up in memory: a few dozen rows stand for any number of files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from .. import setwise
from ..models import MetricBucket
from .histogram import counted, quantile

COLUMNS = (
    *("measure", "format", "code", "count", "failures", "total_ms", "size_bytes"),
    *("histogram", "slowest_ms", "slowest_item_id"),
)


class Key(NamedTuple):
    """What the numbers are of."""

    measure: str
    format: str = ""  # the kind of file; empty where it was not recognised, or does not matter
    code: str = ""  # why a file was skipped or failed, or the rule of a finding


@dataclass(slots=True)
class Tally:
    count: int = 0
    failures: int = 0
    total_ms: float = 0.0
    size_bytes: int = 0
    histogram: dict[int, int] = field(default_factory=dict)
    slowest_ms: float = 0.0
    slowest_item_id: int | None = None

    def add(self, duration_ms: float, *, item_id: int | None = None) -> None:
        self.add_all([duration_ms], item_ids=[item_id])

    def add_all(
        self,
        durations_ms: Sequence[float],
        *,
        size_bytes: int = 0,
        failed: bool = False,
        item_ids: Sequence[int | None] = (),
    ) -> None:
        """Count what was measured of many files, of so many bytes together; each has its id, or none."""
        if not durations_ms:
            return
        slowest_ms = max(durations_ms)
        slowest = item_ids[durations_ms.index(slowest_ms)] if item_ids else None
        number = len(durations_ms)
        bins = counted(durations_ms)
        failures = number * failed
        total_ms = math.fsum(durations_ms)
        self.take_row(number, failures, total_ms, size_bytes, bins, slowest_ms, slowest)

    def take_in(self, other: Tally) -> None:
        self.take_row(
            other.count,
            other.failures,
            other.total_ms,
            other.size_bytes,
            other.histogram,
            other.slowest_ms,
            other.slowest_item_id,
        )

    def take_row(
        self,
        count: int,
        failures: int,
        total_ms: float,
        size_bytes: int,
        histogram: Mapping[int, int] | Mapping[str, int],
        slowest_ms: float,
        slowest_item_id: int | None,
    ) -> None:
        """What a row of COLUMNS holds after its key; JSON has texts for the numbers of bins."""
        self.count += count
        self.failures += failures
        self.total_ms += total_ms
        self.size_bytes += size_bytes
        bins = self.histogram
        for name, times in histogram.items():
            number = int(name)
            bins[number] = bins.get(number, 0) + times
        if slowest_ms >= self.slowest_ms:
            self.slowest_ms, self.slowest_item_id = slowest_ms, slowest_item_id

    def quantile_ms(self, share: float) -> float | None:
        """At most the longest duration that was seen."""
        found = quantile(self.histogram, share)
        return None if found is None else min(found, self.slowest_ms)

    @property
    def mean_ms(self) -> float | None:
        return self.total_ms / self.count if self.count else None


def added(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.take_in(tally)
    return whole


def write(at: datetime, width_s: int, tallies: dict[Key, Tally]) -> None:
    """Add a row for each, by one statement."""
    setwise.insert(
        MetricBucket,
        {"at": at, "width_s": width_s},
        COLUMNS,
        [_row(key, tally) for key, tally in tallies.items()],
    )


def _row(key: Key, tally: Tally) -> setwise.Row:
    return (
        *key,
        tally.count,
        tally.failures,
        float(tally.total_ms),
        tally.size_bytes,
        tally.histogram,
        float(tally.slowest_ms),
        tally.slowest_item_id,
    )
