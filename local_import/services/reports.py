"""What there is to say of a session, as plain data; commands print it, pages will draw it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from math import ceil
from typing import Any

from django.utils import timezone

from .. import names
from ..counting import Young, young
from ..fsops import Spool
from ..models import ImportItem, ImportSession
from ..pipeline.work import Work, code_of, state_after
from ..reporting import incidents_of
from ..state_machine import counted
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_RUNNING, ItemState, SessionState
from ..wording import retell


def session_report(session: ImportSession) -> dict[str, Any]:
    """The session with its items counted now; found = the sum of the ten counts. `failures` can be gone
    through once: there may be a million."""
    snapshot = StateSynchronizer().get_session_snapshot(session.pk)
    return {
        "session": session.pk,
        "label": session.label,
        "source": session.source,
        "mode": session.mode,
        "state": str(session.state),
        "total": snapshot.total,
        "counts": dict(snapshot.counts),
        "young": _young(session, snapshot.counts),
        "bytes": snapshot.size_bytes,
        "seconds": _seconds(session),
        "left_out": session.left_out,
        "paused": session.paused_reason or None,
        "error": retell(session.failure) or None,
        "incidents": incidents_of(session),
        "failures": failures(session),
    }


def _young(session: ImportSession, counts: Mapping[str, int]) -> dict[str, int] | None:
    """The files that wait because they changed a moment ago, and for how long at most."""
    if session.state not in SESSION_RUNNING or not counts[ItemState.PENDING]:
        return None
    found = young([session.pk], timezone.now()).get(session.pk)
    return asdict(found) if found else None


def _seconds(session: ImportSession) -> float:
    """From the start to the end, or until now while it runs."""
    if session.started_at is None:
        return 0.0
    running = session.state in SESSION_RUNNING and session.paused_at is None
    end = timezone.now() if running else session.finished_at or session.paused_at
    return round(((end or timezone.now()) - session.started_at).total_seconds(), 3)


def failures(session: ImportSession) -> Iterator[dict[str, Any]]:
    """What failed or is missing, with what to do about it."""
    items = ImportItem.objects.in_session(session.pk).unresolved().select_related("session")
    for item in items.order_by("pk").iterator():
        about = {"item": item.pk, "path": item.shown_absolute_path, "code": item.code}
        yield about | _texts(_LACKING | retell(item.failure) | {"code": item.code})


def items_report(session: ImportSession, state: str = "") -> Iterator[dict[str, Any]]:
    """The items, oldest first, optionally those in one state."""
    items = ImportItem.objects.in_session(session.pk).select_related("session", "media")
    if state:
        items = items.filter(state=state)
    return map(_item, items.order_by("pk").iterator())


def item_report(item: ImportItem) -> dict[str, Any]:
    """One item, with its failure where it has one."""
    return _item(item) | {"session": item.session_id, "failure": retell(item.failure) or None}


def _item(item: ImportItem) -> dict[str, Any]:
    media = item.media
    return {
        "item": item.pk,
        "path": item.shown_absolute_path,
        "state": str(item.state),
        "code": item.code,
        "sha256": item.sha256,
        "size": item.size_bytes,
        "destination": media.path if media and item.state == ItemState.IMPORTED else "",
    }


def preview_report(works: Iterable[Work], root: bytes, left_out: dict[str, int]) -> dict[str, Any]:
    """The report of a dry run, in the shape of a session's. `items` and `failures` are spools."""
    items, found = Spool(), Spool()
    counts, size = counted(()), 0
    waits: list[float] = []
    for work in works:
        waits += [work.wait_s] if work.wait_s else []
        planned = _planned(work, names.shown(root + b"/" + work.path))
        items.add(planned)
        counts[planned["state"]] += 1
        size += work.size_bytes
        if work.verdict is not None and work.verdict.failure:
            found.add({"item": None, "path": planned["path"]} | _texts(work.verdict.failure))
    unresolved = counts[ItemState.FAILED] + counts[ItemState.MISSING]
    state = SessionState.FAILED if unresolved else SessionState.IMPORTED
    return {
        "session": None,
        "dry_run": True,
        "state": str(state if items else SessionState.READY),
        "total": len(items),
        "counts": counts,
        "young": asdict(Young(len(waits), ceil(max(waits)))) if waits else None,
        "bytes": size,
        "left_out": left_out,
        "error": None,
        "failures": found,
        "items": items,
    }


def _planned(work: Work, path: str) -> dict[str, Any]:
    return {
        "item": None,
        "path": path,
        "state": state_after(work.verdict),
        "code": code_of(work.verdict),
        "sha256": work.sha256,
        "size": work.size_bytes,
        "destination": work.destination if work.verdict is None else "",
    }


_LACKING: dict[str, Any] = {  # in the failures of another importer
    **dict.fromkeys(("summary", "diagnosis", "seen_at"), ""),
    **{name: [] for name in ("recommended_actions", "actions", "seen")},
    "retryable": True,
}


def _texts(failure: dict[str, Any]) -> dict[str, Any]:
    return {name: failure[name] for name in ("code", *_LACKING)}
