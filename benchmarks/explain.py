"""Time explain at a million items and six million audit rows: `python benchmarks/explain.py`.

On SQLite, or on the empty PostgreSQL database that DATABASE_URL names. Each target is asked for by
the same function that the command calls; the first answer is told apart, because it finds less in the
caches. Ends with 1 when a median is above the target.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.desk import new_desk

TARGET_MS = 100
ROUNDS = 15


def targets(number: int) -> dict[str, str]:
    """What is asked for, by what it is; the ids are those that large.build gives."""
    from benchmarks.large import library_path, path_of
    from local_import.models import ImportItem, ImportSession, Media

    pending = ImportItem.objects.filter(state="pending").latest("pk")
    states = ("failed", "moving", "imported", "skipped")
    items = {f"item {state}": ImportItem.objects.filter(state=state).first() for state in states}
    media = Media.objects.get(pk=number // 2)
    return {
        **{name: f"item:{item.pk}" for name, item in items.items() if item is not None},
        "item pending, the last": f"item:{pending.pk}",
        "session failed": "session:1",
        "session running": f"session:{ImportSession.objects.latest('pk').pk}",
        "incident of many": "incident:1",
        "absolute path": os.fsdecode(pending.absolute_path),
        "path below a source": os.fsdecode(path_of(number // 2)),
        "name of a file": os.path.basename(os.fsdecode(path_of(number // 3))),
        "name of nothing": "IMG_nothing.jpg",
        "absolute path of nothing": "/card/1/000/nothing.jpg",
        "SHA-256": media.sha256,
        "prefix of a SHA-256": media.sha256[:10],
        "SHA-256 of nothing": "0" * 64,
        "path in the library": library_path(number // 2),
        "a number": "7",
    }


def measure(target: str) -> dict[str, float]:
    from local_import.services.explain import explain

    spent = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        explain(target)
        spent.append((time.perf_counter() - began) * 1000)
    return {
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

    began = time.perf_counter()
    large.build(number)
    built_s = round(time.perf_counter() - began)
    print(json.dumps({"database": connection.vendor, "items": number, "built_s": built_s}))
    slow = 0
    for name, target in targets(number).items():
        found = measure(target)
        slow += found["median_ms"] > TARGET_MS
        print(json.dumps({"explain": name, **found, "target_ms": TARGET_MS}))
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
