"""What must hold between a session and its items: laws over its state and the histogram of theirs.

Pure: the validator of the public API and the consistency check both ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from .errors import Text
from .states import ITEM_IN_WORK, ITEM_UNRESOLVED, SESSION_RUNNING, ItemState, SessionState


@dataclass(frozen=True, slots=True)
class Sums:
    """What the laws look at; counts are by item state, absent ones are zero."""

    total: int
    in_work: int
    unresolved: int
    unfinished: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Sums:
        in_work = sum(counts.get(name, 0) for name in ITEM_IN_WORK)
        unresolved = sum(counts.get(name, 0) for name in ITEM_UNRESOLVED)
        unfinished = in_work + counts.get(ItemState.PENDING, 0)
        return cls(sum(counts.values()), in_work, unresolved, unfinished)


@dataclass(frozen=True, slots=True)
class Law:
    """`issue` may name {state} and the sums."""

    code: str
    states: frozenset[str]  # of the session; in the others the law says nothing
    is_broken: Callable[[Sums], bool]
    issue: Text
    advice: Text


_SETTLED = frozenset({SessionState.IMPORTED, SessionState.FAILED})
LAWS = (
    Law(
        "at_rest_with_open_items",
        _SETTLED,
        lambda sums: sums.unfinished > 0,
        _("The session is {state}, but {unfinished} of its {total} items are not at rest."),
        _("Synchronise the session with its items, then finish the open ones."),
    ),
    Law(
        "imported_with_failures",
        frozenset({SessionState.IMPORTED}),
        lambda sums: sums.unresolved > 0,
        _("The session is {state}, but {unresolved} of its {total} items failed or are missing."),
        _("Synchronise the session with its items; retry or dismiss the failed ones."),
    ),
    Law(
        "failed_without_failures",
        frozenset({SessionState.FAILED}),
        lambda sums: sums.unresolved == 0,
        _("The session is {state}, but none of its items failed or is missing."),
        _("Synchronise the session with its items."),
    ),
    Law(
        "running_without_open_items",
        frozenset({SessionState.ENQUEUED, SessionState.IMPORTING}),
        lambda sums: sums.unfinished == 0,
        _("The session is {state}, but no item is waiting or in work."),
        _("Synchronise the session with its items."),
    ),
    Law(
        "stopped_with_items_in_work",
        frozenset({SessionState.ERROR, SessionState.CANCELED}),
        lambda sums: sums.in_work > 0,
        _("The session is {state}, but {in_work} items are in work."),
        _("Wait for the workers to stop, or take their expired leases back."),
    ),
    Law(
        "without_items",
        _SETTLED | SESSION_RUNNING - {SessionState.EXPANDING},
        lambda sums: sums.total == 0,
        _("The session is {state}, but it has no items."),
        _("Start the session again so that its source is walked."),
    ),
)


def broken(state: str, counts: Mapping[str, int]) -> list[Law]:
    """The laws that a session in this state with such items breaks."""
    sums = Sums.of(counts)
    return [law for law in LAWS if state in law.states and law.is_broken(sums)]
