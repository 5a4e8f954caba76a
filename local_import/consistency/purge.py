"""The purge: old rows of the audit log go away, in small chunks, while everything else goes on; and so
do findings that were closed long ago.

What has changed since keeps its rows, however old they are: so the log tells of everything that moves
from its beginning, and the check can rely on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, Q

from ..audit_log_repository import AuditLogQuerySet
from ..audit_logger import SYSTEM, Actor, AuditLogger, Entry
from ..guards import open_gate
from ..models import AuditLog, Finding, ImportItem, ImportSession
from ..models.audit_log import AuditCategory
from ..transactions import database_now, hold_unchanged, in_transaction

RETENTION = timedelta(days=30)
ACTION = "audit.purge"  # the rows of which tell up to when the log was purged; they stay
CHUNK = 2000  # rows looked at in one transaction: SQLite has one writer at a time
REST = 4.0  # times as long as a chunk took, the purge stands back for the others
_audit = AuditLogger()


def purge(
    retention: timedelta = RETENTION,
    *,
    actor: Actor = SYSTEM,
    should_stop: Callable[[], bool] = lambda: False,
) -> int:
    """Remove the rows that are older than the retention; returns how many.

    It may be stopped, or killed, anywhere: the next purge goes on.
    """
    before = database_now() - retention
    _announce(before, actor)
    Finding.objects.filter(closed_at__lt=before).delete()
    number, last = 0, 0
    while not should_stop():
        began = time.monotonic()
        ids = list(_old(before).filter(pk__gt=last).values_list("pk", flat=True)[:CHUNK])
        if not ids:
            break
        number += in_transaction(partial(_remove, ids, before))
        last = ids[-1]
        time.sleep((time.monotonic() - began) * REST)
    return number


def _announce(before: datetime, actor: Actor) -> None:
    """First, so that no check takes what is going away for a gap."""
    entry = Entry(
        AuditCategory.CONSISTENCY,
        f"Rows from before {before:%Y-%m-%d %H:%M} go away, of what has not changed since.",
        action=ACTION,
        actor=actor,
        details={"before": before.isoformat()},
    )
    _audit.record(entry)


def _old(before: datetime) -> AuditLogQuerySet:
    rows = AuditLog.objects.get_queryset().filter(timestamp__lt=before)
    return rows.exclude(action=ACTION).order_by("pk")


def _remove(ids: list[int], before: datetime) -> int:
    changed = Q(state_changed_at__gte=before)
    items = ImportItem.objects.filter(changed, pk=OuterRef("item_id"))
    sessions = ImportSession.objects.filter(changed, pk=OuterRef("session_id"))
    kept = Exists(items) | Q(item__isnull=True) & Exists(sessions)
    told = AuditLog.objects.filter(pk__in=ids)
    # What changed just now keeps its rows; whoever is about to change it waits.
    hold_unchanged(ImportSession.objects.filter(pk__in=told.values("session")).order_by("pk"))
    hold_unchanged(ImportItem.objects.filter(pk__in=told.values("item")).order_by("pk"))
    rows = told.exclude(kept)
    with open_gate("purge"):
        return int(rows._raw_delete(rows.db))


def purged_until() -> datetime | None:
    """What has not changed since then need not have rows any more."""
    row = _told().order_by("-pk").first()
    return datetime.fromisoformat(row.details["before"]) if row else None


def was_done_since(moment: datetime) -> bool:
    return _told().filter(timestamp__gte=moment).exists()


def _told() -> AuditLogQuerySet:
    rows = AuditLog.objects.get_queryset()
    return rows.filter(category=AuditCategory.CONSISTENCY, action=ACTION)
