"""What happened to one file, step by step and try by try, as the audit log tells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from django.db.models import F, OuterRef, QuerySet, Subquery

from ..models import AuditLog, ImportItem
from ..models.audit_log import AuditCategory
from ..states import ITEM_IN_WORK, ItemState

MOST_ROWS = 400  # the newest audit rows of a file that are read
NEAR = 10_000  # numbers that a neighbour in the session may be away


@dataclass(slots=True)
class Step:
    """A state that the file was brought to."""

    row: AuditLog
    lasted: timedelta | None = None  # None for the one that it is in

    @property
    def state(self) -> str:
        return self.row.to_state

    def get_state_display(self) -> object:
        return dict(ItemState.choices).get(self.state, self.state)


@dataclass(slots=True)
class Attempt:
    """A worker's try: from taking the file to what came of it."""

    number: int
    taken: AuditLog
    outcome: Step | None = None  # None while it is under way
    notes: list[AuditLog] = field(
        default_factory=list
    )  # what was recorded meanwhile, transitions aside

    @property
    def spent(self) -> timedelta | None:
        return self.outcome.row.timestamp - self.taken.timestamp if self.outcome else None


@dataclass(frozen=True, slots=True)
class Story:
    steps: list[Step]  # oldest first
    attempts: list[Attempt]  # newest first
    is_cut: bool  # older rows were left out


def story(item: ImportItem) -> Story:
    """One query."""
    newest = AuditLog.objects.of_item(item.pk).newest_first()[: MOST_ROWS + 1]
    rows = list(newest)[::-1]
    is_cut = len(rows) > MOST_ROWS
    steps = _steps(rows)
    return Story(steps, _attempts(item, rows, steps), is_cut)


def _steps(rows: list[AuditLog]) -> list[Step]:
    steps = [
        Step(row) for row in rows if row.category == AuditCategory.STATE_TRANSITION and row.to_state
    ]
    for step, following in pairwise(steps):
        step.lasted = following.row.timestamp - step.row.timestamp
    return steps


def _attempts(item: ImportItem, rows: list[AuditLog], steps: list[Step]) -> list[Attempt]:
    by_row = {step.row.pk: step for step in steps}
    found: list[Attempt] = []
    for row in rows:
        step = by_row.get(row.pk)
        if step and step.state == ItemState.ANALYZING:
            found.append(Attempt(0, row))
        elif step and found and not found[-1].outcome and step.state not in ITEM_IN_WORK:
            found[-1].outcome = step
        elif step is None and found:
            found[-1].notes.append(row)
    found.reverse()
    for back, attempt in enumerate(found):
        attempt.number = item.attempts - back
    return found


def with_neighbours(items: QuerySet[ImportItem]) -> QuerySet[ImportItem]:
    """Each with the numbers of the files before and after it: in its session, and in its incident there.

    Part of the query of the items, by indexes, at most NEAR rows each.
    """
    # A sum has no index, so SQLite walks the numbers nearby instead of all files of a large session.
    session = ImportItem.objects.alias(of=F("session_id") + 0).filter(of=OuterRef("session_id"))
    near = session.filter(pk__gt=OuterRef("pk") - NEAR, pk__lt=OuterRef("pk") + NEAR)
    alike = ImportItem.objects.filter(session=OuterRef("session"), incident=OuterRef("incident"))
    return items.annotate(
        before=_last(near),
        after=_first(near),
        alike_before=_last(alike),
        alike_after=_first(alike),
    )


def _last(items: QuerySet[ImportItem]) -> Subquery:
    return Subquery(items.filter(pk__lt=OuterRef("pk")).order_by("-pk").values("pk")[:1])


def _first(items: QuerySet[ImportItem]) -> Subquery:
    return Subquery(items.filter(pk__gt=OuterRef("pk")).order_by("pk").values("pk")[:1])
