"""Time every page and every live part of one: `python benchmarks/pages.py`.

At 10,000 and at 1,000,000 items, with six audit rows for each and 500 sessions; on SQLite, or on the empty
PostgreSQL database that DATABASE_URL names. Ends with 1 when a page takes more than 12 queries
or 200 ms, a live part more than 5 or 50 ms, or either more than 1.5 times what it took at 10,000 items.
A part that is asked once, when its page is there, may take what a page may.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from benchmarks.desk import new_desk

SIZES = (10_000, 1_000_000)
SESSIONS = 500
ROUNDS = 9
PAGE, PART = (12, 200.0), (5, 50.0)  # queries, ms
FLAT = 1.5
FLAT_MS = 20.0  # a page that is faster than this is not called slower
_ARGUMENT = re.compile(r"<int:\w+>")
_BOUNDS = re.compile(r"BEGIN|COMMIT|SET TRANSACTION")  # of a transaction; they ask nothing
_PART = re.compile(r'id="part-([a-z_]+)"')


def addresses() -> Iterator[tuple[str, str]]:
    """Each page by its name, for the largest object of its kind and for the one that moves."""
    from local_import.models import ImportItem, ImportSession, Incident
    from local_import.pages.urls import urlpatterns

    rows = {
        "sessions": ImportSession.objects,
        "items": ImportItem.objects.exclude(state="pending"),
        "incidents": Incident.objects,
    }
    for entry in urlpatterns:
        route = str(entry.pattern)
        kind = route.partition("/")[0]
        if not _ARGUMENT.search(route):
            yield route, f"/import/{route}"
        elif kind in rows:
            for which, order in (("the first", "pk"), ("the last", "-pk")):
                row = rows[kind].order_by(order).first()
                yield f"{route} {which}", "/import/" + _ARGUMENT.sub(str(row.pk), route)


def measure(client: Any, address: str) -> dict[str, Any] | None:
    """None for what answers with no page."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    spent, queries, body = [], 0, ""
    for _ in range(ROUNDS):
        with CaptureQueriesContext(connection) as captured:
            began = time.perf_counter()
            answer = client.get(address)
            if answer.status_code != 200 or answer.streaming:
                return None
            spent.append((time.perf_counter() - began) * 1000)
        queries = sum(not _BOUNDS.match(one["sql"]) for one in captured)
        body = answer.content.decode("utf-8", "replace")
    return {"queries": queries, "ms": round(statistics.median(spent), 1), "body": body}


def visit(client: Any) -> dict[str, dict[str, Any]]:
    """What each page and each part of it took."""
    found = {}
    for name, address in addresses():
        if (page := measure(client, address)) is None:
            continue
        found[name] = page | {"limits": PAGE}
        for part in sorted(set(_PART.findall(page.pop("body")))):
            if one := measure(client, f"{address}?part={part}"):
                limits = PART if "data-live" in one.pop("body") else PAGE
                found[f"{name} part {part}"] = one | {"limits": limits}
    return found


def run(number: int) -> dict[str, dict[str, Any]]:
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.test import Client

    from benchmarks import large
    from local_import.guards import open_gate

    with transaction.atomic(), open_gate("flush"):
        call_command("flush", interactive=False, verbosity=0)
    began = time.perf_counter()
    large.build(number, SESSIONS)
    told = {"database": connection.vendor, "items": number, "sessions": SESSIONS}
    print(json.dumps(told | {"built_s": round(time.perf_counter() - began)}), flush=True)
    rest()
    client = Client()
    client.force_login(User.objects.create_superuser("benchmark"))
    return visit(client)


def rest() -> None:
    """Wait until the session that runs has stood still for a while, and look at it as the sweep does."""
    from local_import.models import ImportSession
    from local_import.state_synchronizer import SEEN_AFTER, StateSynchronizer

    time.sleep(SEEN_AFTER.total_seconds() + 5)
    for session in ImportSession.objects.running():
        StateSynchronizer().is_behind(session.pk)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=SIZES)
    options = parser.parse_args()
    with new_desk(PHOTONEST_ALLOWED_HOSTS="testserver"):
        small, *larger = [run(number) for number in options.items]
        return report(small, larger[-1] if larger else small)


def report(small: dict[str, dict[str, Any]], large: dict[str, dict[str, Any]]) -> int:
    missed = 0
    for name, found in sorted(large.items()):
        queries, ms = found["limits"]
        before = small.get(name, found)["ms"]
        grown = found["ms"] > max(FLAT * before, FLAT_MS)
        kept = found["queries"] <= queries and found["ms"] <= ms and not grown
        missed += not kept
        told = {"page": name, "queries": found["queries"], "ms": found["ms"], "ms_small": before}
        print(json.dumps(told | {"kept": kept}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
