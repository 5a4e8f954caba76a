"""A read error is no answer: whichever comparison it strikes, of an import, of a recovery or of an undo,
nothing is called different or gone for it, and everything ends as it does without.

An undo beside an import of the same bytes, and two sources of which one holds the other, end alike.
"""

import errno
import itertools

import pytest

from .place import SCENARIOS
from .trial import (
    boundaries_of_undo,
    imported_beside_undo_at,
    taken_by_another_at,
    undo_unread_at,
    unread_at,
    unread_in_recovery_at,
)

ERRORS = (errno.EIO, errno.EACCES, errno.ESTALE)
MOST = range(1, 7)  # files that are compared in one of these imports, at most
COMPARING = ["duplicate, copy", "duplicate, move", "place taken, copy", "move across disks"]


@pytest.mark.parametrize("place", COMPARING, indirect=True)
def test_a_read_error_of_any_comparison_is_no_answer(trials, sampled):
    for number, error, for_good in sampled(itertools.product(MOST, ERRORS, [False, True]), 6):
        unread_at(trials, number, error, for_good)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_read_error_of_any_comparison_of_a_recovery_is_no_answer(trials, sampled):
    points = itertools.product(trials.boundaries(), MOST, [False, True])

    for boundary, number, for_good in sampled(points, 6, 500):
        unread_in_recovery_at(trials, boundary, number, for_good)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk", "move across disks"], indirect=True)
def test_a_read_error_of_any_comparison_of_an_undo_is_no_answer(trials, sampled):
    for number, error, for_good in sampled(itertools.product(MOST, ERRORS, [False, True]), 6):
        undo_unread_at(trials, number, error, for_good)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk", "move on one disk"], indirect=True)
def test_an_import_of_the_same_bytes_at_any_moment_of_an_undo_fails_nothing(trials, sampled):
    for boundary in sampled(boundaries_of_undo(trials), 5):
        imported_beside_undo_at(trials, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["move on one disk", "move across disks"], indirect=True)
def test_a_source_that_another_session_empties_at_any_moment_is_found_again(trials, sampled):
    for boundary in sampled(trials.boundaries(), 5):
        taken_by_another_at(trials, boundary)

    trials.assert_clean()
