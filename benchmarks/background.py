"""Measure the import in the background: its rate beside the foreground's, and how soon a cancel is
obeyed. `make benchmark` runs it, on the database and with the broker that the environment names."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks import corpus, run
from benchmarks.desk import new_desk

ROOT = Path(__file__).resolve().parent.parent
RATE_TARGET = 0.8  # of the foreground, at least
ACKNOWLEDGED_S, QUIET_S = 1.0, 10.0  # at most
CANCELED_ITEMS, CANCELED_BYTES = 100_000, 2_000


@contextmanager
def worker() -> Iterator[None]:
    """A Celery worker of two processes that has come up."""
    from local_import.models import Worker

    Worker.objects.all().delete()
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "photonest", "worker", "-c", "2"]
    options = ["--without-gossip", "--without-mingle", "--loglevel", "error"]
    process = subprocess.Popen([*command, *options], cwd=ROOT)
    try:
        wait_for(Worker.objects.exists)
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for(truth: Callable[[], object]) -> None:
    while not truth():
        time.sleep(0.02)


def in_background(source: Path) -> float:
    """Seconds from the request until the session is at rest."""
    from local_import.audit_logger import SYSTEM
    from local_import.models import ImportSession
    from local_import.services import background, sessions

    began = time.perf_counter()
    pk = sessions.create(os.fsencode(source), mode="move").pk
    background.start(pk, actor=SYSTEM)
    wait_for(ImportSession.objects.filter(pk=pk, state="imported").exists)
    return time.perf_counter() - began


def rate(work: Path, rounds: int) -> dict[str, object]:
    number, size = run.SETS["small"]
    results: dict[str, list[float]] = {"foreground": [], "background": []}
    for turn in range(rounds):
        for kind in ("foreground", "background") if turn % 2 else ("background", "foreground"):
            source = work / f"{kind}-{turn}"
            corpus.make(source, number, size)
            run._empty_database()
            corpus.settle_disk()
            if kind == "foreground":
                results[kind].append(number / run.full_import(source)[0])
            else:
                with worker():
                    results[kind].append(number / in_background(source))
            shutil.rmtree(os.environ["PHOTONEST_LIBRARY"], ignore_errors=True)
    rates = {kind: round(statistics.median(found)) for kind, found in results.items()}
    ratio = round(rates["background"] / rates["foreground"], 3)
    return {"set": "background", "files_per_s": rates, "ratio": ratio, "target": RATE_TARGET}


def cancel(work: Path) -> dict[str, object]:
    """Seconds until a cancel in the middle of a large session is acknowledged, and until no file is
    in work any more and the session is canceled."""
    from local_import.audit_logger import SYSTEM
    from local_import.models import ImportItem, ImportSession
    from local_import.services import background, control, sessions

    source = work / "canceled"
    corpus.make(source, CANCELED_ITEMS, CANCELED_BYTES)
    run._empty_database()
    with worker():
        pk = sessions.create(os.fsencode(source), mode="move").pk
        background.start(pk, actor=SYSTEM)
        items = ImportItem.objects.in_session(pk)
        wait_for(lambda: items.filter(state="imported").count() > CANCELED_ITEMS / 2)
        began = time.perf_counter()
        control.cancel(pk, actor=SYSTEM, reason="The benchmark has seen enough.")
        acknowledged = time.perf_counter() - began
        wait_for(ImportSession.objects.filter(pk=pk, state="canceled").exists)
        quiet = time.perf_counter() - began
        assert not items.in_work().exists()
        done = items.filter(state="imported").count()
    return {
        "set": "cancel",
        "items": items.count(),
        "imported": done,
        "acknowledged_s": round(acknowledged, 3),
        "quiet_s": round(quiet, 3),
        "targets": [ACKNOWLEDGED_S, QUIET_S],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", choices=["background", "cancel"], action="append")
    options = parser.parse_args()
    with new_desk(PHOTONEST_LIBRARY="{home}/library", PHOTONEST_WORKERS="2") as work:
        from django.db import connection

        for name in options.set or ["background", "cancel"]:
            found = rate(work, options.rounds) if name == "background" else cancel(work)
            print(json.dumps(found | {"database": connection.vendor}))


if __name__ == "__main__":
    main()
