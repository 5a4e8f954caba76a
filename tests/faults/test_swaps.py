"""Names that lead elsewhere: nothing is taken from what is not the source, nor from the library."""

import itertools

import pytest

from tests.mounts import missing_for_binds

from .place import SCENARIOS
from .swaps import (
    ALIASES,
    SWAPS,
    alias_at,
    boundaries_of_alias,
    swapped_at,
    undo_swapped_at,
)
from .trial import boundaries_of_undo

COPIES_AND_MOVES = [name for name in SCENARIOS if "disk" in name]


@pytest.mark.parametrize("place", COPIES_AND_MOVES, indirect=True)
def test_a_source_that_is_swapped_at_any_moment_takes_nothing_along(trials, sampled):
    for boundary, kind in sampled(itertools.product(trials.boundaries(), SWAPS), 12):
        swapped_at(trials, boundary, kind)

    trials.assert_clean()


@pytest.mark.parametrize("place", COPIES_AND_MOVES, indirect=True)
def test_a_source_that_is_swapped_while_it_is_restored_takes_nothing_along(trials, sampled):
    for boundary, kind in sampled(itertools.product(boundaries_of_undo(trials), SWAPS), 8):
        undo_swapped_at(trials, boundary, kind)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk", "move on one disk"], indirect=True)
@pytest.mark.parametrize("alias", ALIASES)
def test_a_library_that_is_its_own_source_keeps_every_file(trials, sampled, alias):
    if alias != "hard links" and (missing := missing_for_binds()):
        pytest.skip(missing)

    for boundary in [None, *sampled(boundaries_of_alias(trials, alias), 6)]:
        alias_at(trials, alias, boundary)

    trials.assert_clean()
