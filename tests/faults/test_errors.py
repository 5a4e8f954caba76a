"""The system refuses a file effect, once or for good: nothing lost, and one run goes on from there."""

import errno
import itertools

import pytest

from .boundaries import is_effect
from .place import SCENARIOS
from .trial import edited_at, failed_at, forgotten_at, misread_at

ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EMFILE)


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_an_error_of_any_file_effect_is_recovered_by_one_run(trials, sampled):
    effects = [at for at in trials.boundaries() if is_effect(at.name)]
    points = itertools.product(effects, ERRORS, [False, True])

    for boundary, error, for_good in sampled(points, 8):
        failed_at(trials, boundary, error, for_good)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_photo_that_is_edited_at_any_moment_keeps_its_new_bytes(trials, sampled):
    for boundary in sampled(trials.boundaries(), 4):
        edited_at(trials, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk", "move across disks"], indirect=True)
def test_a_bit_that_flips_in_any_reading_is_noticed(trials):
    for number in range(1, 14):
        misread_at(trials, number)

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk", "copy across disks"], indirect=True)
def test_what_a_failed_sync_may_have_lost_is_not_believed(trials):
    for boundary in trials.boundaries():
        if boundary.name.startswith("sync"):
            forgotten_at(trials, boundary)

    trials.assert_clean()
