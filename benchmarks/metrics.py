"""Time metrics and alerts at a million items and a year of imports: `python benchmarks/metrics.py`.

On SQLite, or on the empty PostgreSQL database that DATABASE_URL names. The buckets are those of a desk
that never rested, by which the table is as large as it gets. Ends with 1 when a median is above its
target.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.desk import new_desk

ROUNDS = 7
FORMATS = ("jpeg", "png", "avif", "")
CODES = ("", "duplicate", "damaged")
TARGETS_MS = {
    "a batch of 512 files": 15,
    "the last hour": 50,
    "the last day": 400,
    "the last 30 days": 1500,
    "a series of a day": 400,
    "a scrape": 500,
    "an evaluation of all rules": 500,
    "a fold that has nothing to do": 50,
}


def build() -> int:
    """A year of buckets, as they are folded; returns how many rows there are."""
    from django.utils import timezone

    from local_import.metrics import folding
    from local_import.metrics.tally import write
    from local_import.models import MetricBucket

    now = timezone.now()
    for ago, width_s in spans():
        write(folding.begin(now - ago, width_s), width_s, _tallies())
    return MetricBucket.objects.count()


def spans() -> Iterator[tuple[timedelta, int]]:
    from local_import.metrics.folding import DAY, HOUR, MINUTE, QUARTER

    yield from ((timedelta(minutes=n), MINUTE) for n in range(2, 6 * 60))
    yield from ((timedelta(minutes=15 * n), QUARTER) for n in range(6 * 4, 3 * 24 * 4))
    yield from ((timedelta(hours=n), HOUR) for n in range(3 * 24, 35 * 24))
    yield from ((timedelta(days=n), DAY) for n in range(35, 400))


def _tallies() -> dict[object, object]:
    from local_import.metrics import Measure
    from local_import.metrics.tally import Key, Tally

    tallies: dict[object, object] = {}
    keys = [Key(Measure.FILE.value, form, code) for form in FORMATS for code in CODES]
    keys += [Key(m, form) for m in ("analyse", "place") for form in FORMATS]
    keys += [Key(m) for m in ("wait", "check", "sync", "settle", "batch")]
    for key in keys:
        tally = Tally()
        for n in range(40):
            tally.add_all([0.5 * 1.2**n], size_bytes=1_000_000, item_ids=[n + 1])
        tallies[key] = tally
    return tallies


def batch() -> Callable[[], object]:
    """What a worker adds for a batch, without the batch itself."""
    from local_import.formats import Inspection
    from local_import.metrics import Measure
    from local_import.pipeline import measure
    from local_import.pipeline.work import Work

    works = [
        Work(n, 1, b"a.jpg", 1_000_000, waited_ms=float(n), read_ms=n / 7, place_ms=n / 11)
        for n in range(1, 513)
    ]
    for work in works:
        work.inspection = Inspection("jpeg", "a JPEG photo", "jpg")
    clock = measure.Clock()
    clock.steps_ms = {Measure.CHECK: 5.0, Measure.SYNC: 900.0, Measure.SETTLE: 40.0}
    return lambda: measure.record(works, clock)


def questions() -> dict[str, Callable[[], object]]:
    from django.utils import timezone
    from prometheus_client.exposition import generate_latest

    from local_import import metrics
    from local_import.alerts import evaluate
    from local_import.prometheus import Desk

    def since(**ago: float) -> datetime:
        return timezone.now() - timedelta(**ago)

    return {
        "a batch of 512 files": batch(),
        "the last hour": lambda: metrics.metrics(since(hours=1)),
        "the last day": lambda: metrics.metrics(since(days=1)),
        "the last 30 days": lambda: metrics.metrics(since(days=30)),
        "a series of a day": lambda: metrics.series(since(days=1)),
        "a scrape": lambda: generate_latest(Desk()),
        "an evaluation of all rules": evaluate.evaluate,
        "a fold that has nothing to do": metrics.fold,
    }


def measure(ask: Callable[[], object]) -> dict[str, float]:
    spent, of_processor = [], []
    for _ in range(ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        ask()
        spent.append((time.perf_counter() - began) * 1000)
        of_processor.append((time.process_time() - began_cpu) * 1000)
    return {
        "cpu_ms": round(statistics.median(of_processor[1:]), 1),  # of this process
        "first_ms": round(spent[0], 1),
        "median_ms": round(statistics.median(spent[1:]), 1),
        "worst_ms": round(max(spent), 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    options = parser.parse_args()
    with new_desk():
        return _run(options.items)


def _run(number: int) -> int:
    from django.db import connection

    from benchmarks import large

    large.build(number)
    head = {"database": connection.vendor, "items": number, "buckets": build()}
    print(json.dumps(head))
    slow = 0
    for name, ask in questions().items():
        found = measure(ask)
        slow += found["median_ms"] > TARGETS_MS[name]
        print(json.dumps({"asked": name, **found, "target_ms": TARGETS_MS[name]}))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
