"""What beat asks for: look, repair whatever is safe, and keep the findings."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..audit_logger import Actor
from . import deep, findings, look, purge, repair
from .rule import Depth

SCHEDULE = Actor("schedule")
NIGHT_S = 8 * 60.0  # a task of the night ends by itself after this, before its time limit


def check(depth: Depth) -> dict[str, int]:
    """How many findings there were, how many were repaired, and how many are left."""
    report = look.take(depth=depth)
    findings.keep(report)
    outcome = repair.repair_by_itself(report, actor=SCHEDULE)
    after = look.take(depth=depth) if outcome.number else report
    if outcome.number:
        findings.keep(after)
    return {
        "found": len(report.suspects),
        "repaired": outcome.number,
        "left": len(after.suspects),
    }


def check_contents() -> dict[str, int]:
    """Read what was not read for longest, for a while; see deep."""
    done = deep.read_on(should_stop=_after(NIGHT_S))
    if done.files:
        findings.keep(look.of_reading([*done.wrong, *done.unread], done.files))
    return {
        "files": done.files,
        "bytes": done.size_bytes,
        "found": len(done.wrong),
        "unreadable": len(done.unread),
    }


def purge_audit_log() -> dict[str, int]:
    return {"removed": purge.purge(actor=SCHEDULE, should_stop=_after(NIGHT_S))}


def _after(seconds: float) -> Callable[[], bool]:
    ends = time.monotonic() + seconds
    return lambda: time.monotonic() >= ends
