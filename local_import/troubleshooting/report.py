"""A session's failures by code."""

from __future__ import annotations

from typing import Any

from ..models import ImportItem, ImportSession
from ..models.audit_log import AuditLog
from ..states import ITEM_UNRESOLVED


def generate_troubleshooting_report(session_id: int) -> dict[str, Any]:
    """A session's failures by code, each with its texts and how many items it holds back."""
    session = ImportSession.objects.get(pk=session_id)
    by_code: dict[str, dict[str, Any]] = {}
    unresolved = ImportItem.objects.in_session(session_id).filter(state__in=ITEM_UNRESOLVED)
    for item in unresolved.order_by("pk").iterator():
        entry = by_code.setdefault(item.code, {"count": 0, "examples": [], **item.failure})
        entry["count"] += 1
        if len(entry["examples"]) < 5:
            entry["examples"].append(item.shown_path)
    return {
        "session_id": session_id,
        "state": session.state,
        "failure": session.failure,
        "errors_logged": AuditLog.objects.get_errors(session_id=session_id).count(),
        "problems": sorted(by_code.values(), key=lambda entry: -entry["count"]),
    }
