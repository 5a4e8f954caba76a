"""Parts: a batch that cannot be written at once is written in parts, so that one row's trouble is its own.

A batch is one transaction. Where it is refused, what somebody else has by now is left to them, and the
rest is halved until the row is found that the database does not take.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..door import StaleRows
from ..isolation import is_refusal
from ..models import ImportItem
from .lease import end_lease
from .work import Work

logger = logging.getLogger(__name__)


def is_of_rows(error: BaseException) -> bool:
    """Whether a batch was refused for what is in its rows."""
    return isinstance(error, StaleRows) or is_refusal(error)


def in_parts(
    works: Sequence[Work],
    write: Callable[[Sequence[Work]], object],
    expected: Callable[[Work], str],
    alone: Callable[[Work, Exception], None],
) -> None:
    """Write all of `works`, at once where that can be.

    `expected` is the state in which a row must be to be ours. `alone` is called for each one that is
    ours and is refused by itself; where that is refused, too, the row is left to the recovery.
    """
    try:
        write(works)
    except Exception as error:
        if not is_of_rows(error):
            raise
        held = _still_ours(works, expected)
        middle = len(held) // 2
        if len(held) == 1 and len(works) == 1:
            _set_apart(held[0], error, alone)
            return
        parts = [held] if len(held) < len(works) else [held[:middle], held[middle:]]
        for part in filter(None, parts):
            in_parts(part, write, expected, alone)


def _still_ours(works: Sequence[Work], expected: Callable[[Work], str]) -> list[Work]:
    """Marks the others: nothing of theirs is written, and what was placed of them stays there."""
    rows = ImportItem.objects.filter(pk__in=[work.item_id for work in works])
    found = {pk: told for pk, *told in rows.values_list("pk", "fence", "state")}
    for work in works:
        work.stale = found.get(work.item_id) != [work.fence, expected(work)]
        if work.stale:
            logger.warning("item %s is not held by this worker any more", work.item_id)
            work.placed = False
    return [work for work in works if not work.stale]


def _set_apart(work: Work, error: Exception, alone: Callable[[Work, Exception], None]) -> None:
    logger.warning("item %s cannot be written", work.item_id, exc_info=error)
    try:
        alone(work, error)
    except Exception as again:
        if not is_of_rows(again):
            raise
        logger.exception("nor can its failure; it is left to the recovery")
        work.stale, work.placed = True, False
        end_lease(work.item_id, work.fence)
