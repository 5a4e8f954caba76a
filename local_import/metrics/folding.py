"""Fold: the rows of workers become one a minute, later one a quarter of an hour, an hour, a day,
and at last one.

Nothing that was counted is ever forgotten, only when it was: so the counters that a monitoring system
reads never go back, and the table stays small however long the desk runs. A fold takes rows away and
puts their sum there in one transaction; it may be killed anywhere, and two may run at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ..models import MetricBucket
from ..transactions import database_now, in_transaction
from .tally import COLUMNS, Key, Tally, write

UNFOLDED = 0
MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86_400
EVER = 2_000_000_000  # of what is older than all
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
CHUNK = 500  # rows folded in one transaction


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of one width become those of another once they are so old."""

    width_s: int
    into_s: int
    after: timedelta


FOLDS = (
    Fold(UNFOLDED, MINUTE, timedelta(minutes=2)),
    Fold(MINUTE, QUARTER, timedelta(hours=6)),
    Fold(QUARTER, HOUR, timedelta(days=3)),
    Fold(HOUR, DAY, timedelta(days=35)),
    Fold(DAY, EVER, timedelta(days=400)),
)


def fold() -> int:
    """Fold what is old enough; returns how many rows that were."""
    now = database_now()
    return sum(_fold(each, now - each.after) for each in FOLDS)


def _fold(each: Fold, before: datetime) -> int:
    number = 0
    while True:
        some = in_transaction(partial(_fold_some, each, before))
        number += some
        if some < CHUNK:
            return number


def _fold_some(each: Fold, before: datetime) -> int:
    rows = MetricBucket.objects.filter(width_s=each.width_s, at__lt=before).order_by("at", "pk")
    taken = list(rows.select_for_update(skip_locked=True).values_list("pk", "at", *COLUMNS)[:CHUNK])
    MetricBucket.objects.filter(pk__in=[pk for pk, *_ in taken]).delete()
    for at, tallies in _sums(taken, each.into_s).items():
        write(at, each.into_s, tallies)
    return len(taken)


def _sums(rows: Sequence[Sequence[Any]], width_s: int) -> dict[datetime, dict[Key, Tally]]:
    sums: defaultdict[datetime, defaultdict[Key, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for _, at, measure, form, code, *values in rows:
        sums[begin(at, width_s)][Key(measure, form, code)].take_row(*values)
    return {at: dict(tallies) for at, tallies in sums.items()}


def begin(at: datetime, width_s: int) -> datetime:
    """Where the bucket of this width begins that a moment lies in."""
    return _BEGINNING + (at - _BEGINNING) // timedelta(seconds=width_s) * timedelta(seconds=width_s)
