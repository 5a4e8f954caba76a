"""Measure how much a purge slows an import: `python benchmarks/purge.py`.

The audit log holds five million rows that may go. Photos are imported alone and beside a purge in
turns, in one run, so that the ratio of the two can be compared between machines. In the end the purge
goes on beside a writer that only wants to write one row, and how long that has to wait is told.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import consistency, corpus
from benchmarks.desk import new_desk
from benchmarks.run import full_import

TARGET = 1.2  # seconds beside the purge, to seconds alone: at most
PHOTO_BYTES = 80_000
PAUSE_S = 0.01  # of the writer, between two rows
_SPAWN = get_context("spawn")


def _purge(stop: Any, results: Any) -> None:
    import django

    django.setup()
    from local_import.consistency import purge

    began = time.perf_counter()
    removed = purge.purge(should_stop=stop.is_set)
    results.put((removed, time.perf_counter() - began))


@contextmanager
def beside_a_purge(told: dict[str, float]) -> Iterator[Any]:
    """Yields the process; adds to `told` how many rows it removed, and in how many seconds."""
    stop, results = _SPAWN.Event(), _SPAWN.Queue()
    process = _SPAWN.Process(target=_purge, args=(stop, results))
    before = _oldest()
    process.start()
    while _oldest() <= before:  # it has not begun
        time.sleep(0.05)
    yield process
    stop.set()
    removed, seconds = results.get(timeout=60)
    process.join()
    told["removed"] = told.get("removed", 0) + removed
    told["seconds"] = told.get("seconds", 0) + seconds


def _oldest() -> int:
    from local_import.models import AuditLog

    return AuditLog.objects.order_by("pk").values_list("pk", flat=True)[0]


def waits(process: Any) -> list[float]:
    """Milliseconds that a writer of one row took, again and again until the purge has ended."""
    from local_import.audit_logger import AuditLogger, Entry
    from local_import.transactions import in_transaction

    found = []
    entry = Entry("performance", "Written beside a purge.")
    while process.is_alive():
        began = time.perf_counter()
        in_transaction(lambda: AuditLogger().record(entry))
        found.append((time.perf_counter() - began) * 1000)
        time.sleep(PAUSE_S)
    return found


def compare(directory: Path, photos: int, rounds: int) -> dict[str, object]:
    seconds: dict[str, list[float]] = {"alone": [], "beside": []}
    purged: dict[str, float] = {}
    for turn in range(rounds):
        for kind in ("alone", "beside") if turn % 2 else ("beside", "alone"):
            source = directory / f"{kind}-{turn}"
            corpus.make(source, photos, PHOTO_BYTES, seed=2 * turn + (kind == "alone"))
            corpus.settle_disk()
            if kind == "alone":
                seconds[kind].append(full_import(source)[0])
                continue
            with beside_a_purge(purged):
                seconds[kind].append(full_import(source)[0])
    with beside_a_purge(purged) as process:
        found = sorted(waits(process))
    medians = {kind: statistics.median(times) for kind, times in seconds.items()}
    return {
        "photos_per_s": {kind: round(photos / time) for kind, time in medians.items()},
        "ratio": round(medians["beside"] / medians["alone"], 3),
        "target": TARGET,
        "removed": int(purged["removed"]),
        "removed_per_s": round(purged["removed"] / purged["seconds"]),
        "wait_ms": {"p50": _share(found, 0.5), "p99": _share(found, 0.99), "max": _share(found, 1)},
    }


def _share(ordered: list[float], share: float) -> float:
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with new_desk() as home:
        from django.db import connection

        consistency.fill(options.rows // 6)
        consistency.write_files(0, home / "library")
        found = compare(home, options.photos, options.rounds)
        print(json.dumps({"database": connection.vendor, "rows": options.rows} | found))


if __name__ == "__main__":
    main()
