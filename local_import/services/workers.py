"""The worker processes there are: where each runs, what it holds, and when it was last heard of."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from ..models import ImportItem, Worker
from ..pipeline.lease import LEASE
from ..processes import is_provably_dead
from ..transactions import database_now


def workers() -> list[dict[str, Any]]:
    """One entry for each, the newest first; `items` are the files it holds now.

    `state` is `alive`, `silent` when it was not heard of for longer than a lease, or `dead` when its
    process is known to have ended.
    """
    now = database_now()
    held = ImportItem.objects.held().values_list("owner").annotate(Count("pk"))
    items = dict(held.order_by())
    return [_entry(row, items.get(row.name, 0), now) for row in Worker.objects.order_by("-pk")]


def _entry(row: Worker, items: int, now: Any) -> dict[str, Any]:
    silent = now - row.heartbeat_at
    state = "dead" if is_provably_dead(row.name) else "alive" if silent < LEASE else "silent"
    return {
        "worker": row.name,
        "state": state,
        "host": row.host,
        "pid": row.pid,
        "version": row.version,
        "queue": row.queue,
        "session": row.session_id,
        "items": items,
        "started_at": row.started_at.isoformat(),
        "silent_s": round(silent.total_seconds(), 1),
    }
