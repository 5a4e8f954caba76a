"""How many items a session has in each state, and where those stopped that left their way.

One statement, so that both tell of one moment; from indexes alone where no sizes are asked for.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from django.db.models import CharField, Count, Max, Sum, Value

from .models import ImportItem, ImportSession
from .models.import_item import ImportItemQuerySet
from .state_machine import counted
from .states import ITEM_AT_REST

_EVERYWHERE = Value("", CharField())


@dataclass(slots=True)
class Histogram:
    counts: dict[str, int] = field(default_factory=lambda: counted(()))
    stops: dict[str, dict[str, int]] = field(default_factory=dict)  # state → stopped_in → number
    size_bytes: int = 0
    done_bytes: int = 0  # of the files at rest

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def add(self, state: str, stopped_in: str, number: int, size_bytes: int) -> None:
        if stopped_in:
            self.stops.setdefault(state, {})[stopped_in] = number
            return
        self.counts[state] = number
        self.size_bytes += size_bytes
        self.done_bytes += size_bytes if state in ITEM_AT_REST else 0

    def is_of(self, session: ImportSession) -> bool:
        """Whether the picture that the session keeps shows the same."""
        same = self.counts == counted(()) | session.counts and self.stops == session.stops
        return bool(same)


@dataclass(frozen=True, slots=True)
class Young:
    """Files that wait because they changed a moment ago; none waits longer than `seconds`."""

    files: int
    seconds: int


def young(session_ids: Collection[int], now: datetime) -> dict[int, Young]:
    """By session, those that have any; from an index of these alone."""
    items = ImportItem.objects.filter(session__in=session_ids).waiting_to_be_still()
    rows = items.values_list("session").annotate(Count("pk"), Max("next_attempt_at")).order_by()
    return {
        session: Young(number, max(1, ceil((due - now).total_seconds())) if due else 0)
        for session, number, due in rows
    }


def histograms(items: ImportItemQuerySet, *, sizes: bool = False) -> dict[int, Histogram]:
    """By session; one without items is not there. Without `sizes`, the bytes stay 0."""
    size = Sum("size_bytes") if sizes else Value(0)
    everywhere = items.values_list("session", "state", _EVERYWHERE).annotate(Count("pk"), size=size)
    stopped = items.stopped().values_list("session", "state", "stopped_in")
    rows = everywhere.order_by().union(
        stopped.annotate(Count("pk"), size=Value(0)).order_by(), all=True
    )
    found: dict[int, Histogram] = {}
    for session, *told in rows.iterator():
        found.setdefault(session, Histogram()).add(*told)
    return found


def histogram(session_id: int, *, sizes: bool = False) -> Histogram:
    """The same for one session."""
    items = ImportItem.objects.in_session(session_id)
    return histograms(items, sizes=sizes).get(session_id, Histogram())
