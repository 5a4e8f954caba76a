"""Every file of a session with its outcome, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from .. import names
from ..errors import ErrorCode
from ..models import ImportItem, ImportSession
from ..states import ITEM_UNRESOLVED, ItemState
from ..wording import retell

CHUNK = 2_000
# Those that need somebody first.
ORDER = (*ITEM_UNRESOLVED, *(state for state in ItemState if state not in ITEM_UNRESOLVED))
_READ = (
    *("pk", "path", "state", "error_code", "skip_reason", "failure", "incident_id"),
    *("incident__code", "size_bytes", "sha256", "media__path", "state_changed_at"),
)


def files(session_id: int) -> Iterator[dict[str, Any]]:
    """The files by outcome, what failed first; paths are absolute and escaped."""
    session = ImportSession.objects.get(pk=session_id)
    root = bytes(session.source_path)
    for state in ORDER:  # one state after the other: an index has them in this order, unsorted
        items = ImportItem.objects.in_session(session_id).filter(state=state).order_by("pk")
        for row in items.values(*_READ).iterator(chunk_size=CHUNK):
            yield _file(root, row)


def _file(root: bytes, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "item": row["pk"],
        "path": names.shown(os.path.join(root, bytes(row["path"]))),
        "outcome": row["state"],
        "code": code_of(row),
        "incident": row["incident_id"],
        "summary": retell(row["failure"]).get("summary", ""),
        "bytes": row["size_bytes"],
        "sha256": row["sha256"],
        "library_path": (row["media__path"] or "") if _is_in_library(row["state"]) else "",
        "since": row["state_changed_at"].isoformat(),
    }


def code_of(row: Mapping[str, Any]) -> str:
    """The reason of the outcome: of a missing file it is that of its incident."""
    if row["state"] == ItemState.MISSING:
        return row["incident__code"] or ErrorCode.SOURCE_MISSING.value
    return str(row["error_code"] or row["skip_reason"])


def _is_in_library(state: str) -> bool:
    """A duplicate names the library's file that has its bytes."""
    return state in (ItemState.IMPORTED, ItemState.SKIPPED)
