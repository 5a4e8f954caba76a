"""Another program writes to a photo at every moment of its import."""

import os

import pytest

from .foreign import opened_at, without_leases, written_at
from .place import SCENARIOS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="to give a photo away needs root")


def nothing_less():
    """The desk may ask for a lease, as the owner of the photo or as root."""


def _points(trials):
    """Between the last look at a source and its removal there is an instant that Linux cannot close."""
    return [at for at in trials.boundaries() if not at.name.startswith("unlink")]


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_what_is_opened_at_any_moment_is_kept_whole(trials, sampled):
    for boundary in sampled(_points(trials), 4):
        opened_at(trials, boundary, nothing_less)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_what_is_written_at_any_moment_is_kept_whole(trials, sampled):
    for boundary in sampled(_points(trials), 4):
        written_at(trials, boundary, nothing_less)

    trials.assert_clean()


# Across disks a source is removed once it was still for the quiet time: whoever holds it open for
# longer without a word writes into nothing, and without a lease nobody can know.
OF_A_STRANGER = [name for name, found in SCENARIOS.items() if "move across" not in name]


@pytest.mark.parametrize("place", OF_A_STRANGER, indirect=True)
def test_what_another_user_writes_at_any_moment_is_kept_whole(trials, sampled):
    for boundary in sampled(_points(trials), 4):
        opened_at(trials, boundary, without_leases)
        written_at(trials, boundary, without_leases)

    trials.assert_clean()
