"""Measure the import against the bare minimum, in one run: `make benchmark`.

The minimum is SHA-256 of every byte and a rename to YYYY/MM/DD on the same filesystem, by two
processes that are told the destination. Both are timed inside a process that is already started;
their order alternates, and the ratio is taken of the medians.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import sys
import time
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import corpus
from benchmarks.desk import new_desk

SETS = {"small": (10_000, 80_000), "large": (300, 3_000_000)}
TARGETS = {
    ("sqlite", "small"): 0.40,
    ("sqlite", "large"): 0.80,
    ("postgresql", "small"): 0.35,
    ("postgresql", "large"): 0.75,
}
GROWTH_TARGET = 1.2  # at most


def _rename_all(files: list[tuple[str, str]], target: str) -> None:
    for name, day in files:
        with Path(name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        folder = f"{target}/{day}"
        try:
            os.rename(name, f"{folder}/{digest[:16]}.jpg")
        except FileNotFoundError:
            os.makedirs(folder, exist_ok=True)
            os.rename(name, f"{folder}/{digest[:16]}.jpg")


def minimum(source: Path, target: Path) -> float:
    """Seconds that the bare minimum takes."""
    files = []
    for path in sorted(source.rglob("*.jpg")):
        head = path.read_bytes()[:4096]
        at = head.index(b":", head.index(b"Canon")) - 4
        files.append((str(path), head[at : at + 10].decode().replace(":", "/")))
    target.mkdir()
    context = get_context("fork")
    began = time.perf_counter()
    workers = [
        context.Process(target=_rename_all, args=(files[part::2], str(target))) for part in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - began


def full_import(source: Path) -> tuple[float, dict[str, int]]:
    """Seconds of a whole import with two workers, from the request to the session at rest."""
    from local_import.audit_logger import SYSTEM
    from local_import.services import sessions

    began = time.perf_counter()
    session = sessions.create(os.fsencode(source), mode="move")
    session = sessions.run_to_end(session.pk, workers=2, actor=SYSTEM)
    seconds = time.perf_counter() - began
    assert session.state == "imported", (session.state, session.failure)
    return seconds, session.counts


def _empty_database() -> None:
    from django.core.management import call_command
    from django.db import connections, transaction

    from local_import.guards import open_gate

    with transaction.atomic(), open_gate("flush"):
        call_command("flush", interactive=False, verbosity=0)
    connections.close_all()


def compare(name: str, rounds: int, work: Path) -> dict[str, object]:
    number, size = SETS[name]
    results: dict[str, list[float]] = {"minimum": [], "import": []}
    for turn in range(rounds):
        for kind in ("minimum", "import") if turn % 2 else ("import", "minimum"):
            source = work / f"{name}-{kind}-{turn}"
            corpus.make(source, number, size)
            corpus.settle_disk()
            if kind == "minimum":
                seconds = minimum(source, work / f"target-{name}-{turn}")
            else:
                _empty_database()
                _new_library(work / f"library-{name}-{turn}")
                seconds, _ = full_import(source)
            results[kind].append(number / seconds)
    rates = {kind: round(statistics.median(found)) for kind, found in results.items()}
    return {
        "set": name,
        "files_per_s": rates,
        "ratio": round(rates["import"] / rates["minimum"], 3),
    }


GROWTH = (1_000, 100_000)
GROWTH_BYTES = 4_000


def growth(work: Path) -> dict[str, object]:
    """Seconds for an item in a small and in a large session, and the memory that the larger took.

    The photos are as small as photos get, so that the desk's own work is what is measured.
    """
    context = get_context("spawn")  # Pillow's memory is not to be counted
    costs = {}
    for number in GROWTH:
        source = work / f"growth-{number}"
        maker = context.Process(target=corpus.make, args=(source, number, GROWTH_BYTES))
        maker.start()
        maker.join()
        corpus.settle_disk()
        _empty_database()
        _new_library(work / f"library-growth-{number}")
        costs[number] = full_import(source)[0] / number
    small, large = (costs[number] for number in GROWTH)
    return {
        "set": "growth",
        "us_per_item": {number: round(cost * 1e6) for number, cost in costs.items()},
        "ratio": round(large / small, 3),
        "memory_mb": {
            "parent": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "largest_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
        },
    }


def _new_library(path: Path) -> None:
    from django.conf import settings

    settings.PHOTONEST_LIBRARY = path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", choices=[*SETS, "growth"], action="append")
    options = parser.parse_args()
    with new_desk() as home:
        from django.db import connection

        for name in options.set or [*SETS, "growth"]:
            if name == "growth":
                found = growth(home) | {"target": GROWTH_TARGET}
            else:
                found = compare(name, options.rounds, home)
                found["target"] = TARGETS[connection.vendor, name]
            found |= {
                "database": connection.vendor,
                "machine": platform.processor() or platform.machine(),
            }
            print(json.dumps(found))


if __name__ == "__main__":
    main()
