"""Measure the consistency check on a large installation: `python benchmarks/consistency.py`.

Items, media and audit rows are written by SQL, six rows an item. Beside each look stands a bare scan
of the audit log by the same database, so that ratios can be compared between machines.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.desk import new_desk

CHAIN = ("", "pending", "analyzing", "checking", "moving", "updating", "imported")
_STEPS = " UNION ALL ".join(
    f"SELECT {n} AS n, '{source}' AS from_state, '{target}' AS to_state"
    for n, (source, target) in enumerate(pairwise(CHAIN))
)
BATCH = 512
TARGETS_S = {"trail": 5.0, "rows": 20.0, "files": 60.0}
MEMORY_MB = 150
_NOW = "2026-01-01 00:00:00+00"


def _numbers(vendor: str, number: int) -> str:
    if vendor == "postgresql":
        return f"SELECT generate_series(1, {number}) AS n"
    return (
        f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {number}) "
        "SELECT n FROM c"
    )


def fill(number: int) -> None:
    """One session with so many imported items, as an import would leave them."""
    from django.db import connection, transaction

    from local_import.guards import open_gate
    from local_import.models import ImportSession, Media

    vendor = connection.vendor
    counts = json.dumps({"imported": number})
    blob = r"'\x61'::bytea" if vendor == "postgresql" else "x'61'"
    text = "CAST(n AS text)"
    name = f"'2020/' || CAST(n % 365 AS text) || '/' || {text} || '.jpg'"
    series = _numbers(vendor, number)
    with transaction.atomic(), open_gate("benchmark"), connection.cursor() as cursor:

        def run(statement: str) -> None:
            cursor.execute(statement)

        ImportSession.objects.bulk_create([ImportSession(source_path=b"/none", source="/none")])
        run(
            f"INSERT INTO {Media._meta.db_table} (id, sha256, path, size_bytes, kind, captured_at, "
            "captured_offset_minutes, captured_source, captured_confidence, camera_make, "
            "camera_model, original_name, damage, imported_at) "
            f"SELECT n, 'sha' || {text}, {name}, 1, 'jpeg', '{_NOW}', 0, 'file_time', 'guess', "
            f"'', '', '', '', '{_NOW}' FROM ({series}) s"
        )
        run(
            "INSERT INTO local_import_item (id, session_id, path, path_digest, shown_path, state, "
            "stopped_in, state_changed_at, size_bytes, sha256, destination, media_id, "
            "source_disposition, owner, fence, attempts, retries, deaths, skip_reason, error_code, "
            "failure, accept_damage) "
            f"SELECT n, (SELECT MAX(id) FROM local_import_session), {blob}, {text}, {text}, "
            f"'imported', '', '{_NOW}', 1, 'sha' || {text}, {name}, n, 'kept', '', 1, 1, 0, 0, '', '', "
            f"'{{}}', FALSE FROM ({series}) s"
        )
        for first in range(1, number + 1, BATCH):  # in the order in which batches write them
            run(
                "INSERT INTO local_import_audit_log (timestamp, level, category, action, message, "
                "session_id, item_id, external_item, request_id, task_id, actor, details, "
                "error_type, error_message, stack_trace, recommended_actions, from_state, to_state) "
                f"SELECT '{_NOW}', 'info', 'state_transition', 'item.step', 'Because.', "
                "s.session_id, s.id, '', '', '', 'benchmark', '{}', '', '', '', '[]', "
                "w.from_state, w.to_state FROM local_import_item s CROSS JOIN "
                f"({_STEPS}) w WHERE s.id >= {first} AND s.id < {first + BATCH} ORDER BY w.n, s.id"
            )
        run(f"UPDATE local_import_session SET counts = '{counts}', bytes_found = {number}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write_files(number: int, library: Path) -> None:
    library.mkdir()
    (library / ".photonest-library").write_bytes(b"")
    for day in range(365):
        (library / "2020" / str(day)).mkdir(parents=True)
    for n in range(1, number + 1):
        descriptor = os.open(library / f"2020/{n % 365}/{n}.jpg", os.O_CREAT | os.O_WRONLY)
        os.write(descriptor, b"1")
        os.close(descriptor)


def write_strays(number: int, directory: Path) -> None:
    directory.mkdir()
    for n in range(number):
        os.close(os.open(directory / f"{n}.jpg", os.O_CREAT | os.O_WRONLY))


def bare_scan() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*), MIN(message) FROM local_import_audit_log")
        cursor.fetchone()


def trail() -> None:
    from local_import.consistency import look

    expect(look.take(codes=["item_audit_gap", "item_state_unaudited"]))


def rows() -> None:
    from local_import.consistency import look
    from local_import.consistency.rule import Depth

    expect(look.take(depth=Depth.ROWS))


def files() -> None:
    from local_import.consistency import look
    from local_import.consistency.rule import Depth

    expect(look.take(depth=Depth.FILES))


def strays() -> None:
    from local_import.consistency import findings, look, rule
    from local_import.models import Finding

    rule.GRACE = timedelta(0)  # they were written just now
    findings.keep(look.take(codes=["stray_file"]))
    assert Finding.objects.filter(rule="too_many").exists()


def expect(report: object) -> None:
    """The session itself has no rows in the log and no flags: of the items nothing is wrong."""
    told = {suspect.rule for suspect in report.suspects}  # type: ignore[attr-defined]
    wrong = told - {
        "stray_file",
        "too_many",
        "session_state_unaudited",
        "session_state",
        "purge_overdue",
        "reading_overdue",
    }
    assert not wrong, wrong


def _measured(work: Callable[[], None], results: object) -> None:
    import django

    django.setup()
    began = time.perf_counter()
    work()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    used = time.process_time()
    results.put((time.perf_counter() - began, used, memory))  # type: ignore[attr-defined]


def measure(work: Callable[[], None]) -> tuple[float, float, int]:
    """Seconds, processor seconds of it with the start, and the most memory in MB, in a process of its own."""
    context = get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_measured, args=(work, results))
    process.start()
    process.join()
    found: tuple[float, float, int] = results.get(timeout=1)  # Empty: the look failed
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--no-files", action="store_true")
    parser.add_argument("--strays", type=int, default=0, help="as many in one directory")
    options = parser.parse_args()
    with new_desk() as home:
        from django.db import connection

        fill(options.items)
        connection.close()
        write_files(0 if options.no_files else options.items, home / "library")
        write_strays(options.strays, home / "library" / "2001")
        print(json.dumps({"items": options.items, "database": connection.vendor}))
        measure(bare_scan)
        for name, work in {
            "bare scan": bare_scan,
            "trail": trail,
            "rows": rows,
            "files": files,
            "strays": strays,  # with the files, if there are any
        }.items():
            if (name == "files" and options.no_files) or (name == "strays" and not options.strays):
                continue
            seconds, used, memory = measure(work)
            told = {"look": name, "seconds": round(seconds, 2), "memory_mb": memory}
            told["cpu_s"] = round(used, 2)
            print(json.dumps(told | {"target_s": TARGETS_S.get(name), "target_mb": MEMORY_MB}))


if __name__ == "__main__":
    main()
