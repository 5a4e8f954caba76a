"""How long the steps of a session took, and with which files longest: by the audit rows written last."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from ..models import AuditLog, ImportItem

MEASURED = 5_000  # audit rows that are looked at
SLOWEST = 10  # files that are told


@dataclass(frozen=True, slots=True)
class Step:
    """Durations in milliseconds."""

    action: str
    number: int
    median: float
    most: float  # 95 of 100 took no longer
    longest: float


@dataclass(frozen=True, slots=True)
class Speed:
    looked_at: int  # audit rows
    steps: list[Step]
    slowest: list[tuple[ImportItem, str, float]]  # the file, the step, milliseconds


def speed_of(session_id: int) -> Speed:
    """To look at all rows would take as long as a large import has rows."""
    rows = AuditLog.objects.of_session(session_id).order_by("-timestamp")
    found = list(rows.values_list("action", "duration_ms", "item_id")[:MEASURED])
    timed = [(action, ms, pk) for action, ms, pk in found if ms is not None and pk is not None]
    longest = heapq.nlargest(SLOWEST, timed, key=itemgetter(1))
    items = ImportItem.objects.defer("failure").in_bulk([pk for _action, _ms, pk in longest])
    slowest = [(items[pk], action, ms) for action, ms, pk in longest if pk in items]
    return Speed(len(found), _by_step(timed), slowest)


def _by_step(timed: Sequence[tuple[str, float, int]]) -> list[Step]:
    by_action: dict[str, list[float]] = {}
    for action, ms, _pk in timed:
        by_action.setdefault(action, []).append(ms)
    return [_step(action, sorted(times)) for action, times in sorted(by_action.items())]


def _step(action: str, ordered: Sequence[float]) -> Step:
    def at(share: float) -> float:
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    return Step(action, len(ordered), at(0.5), at(0.95), ordered[-1])
