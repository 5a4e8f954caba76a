"""Faults from outside the process: at any system call, on a full disk, when the power fails."""

import itertools

import pytest

from .outside import FAILING, system_calls
from .place import SCENARIOS
from .test_errors import ERRORS
from .trial import (
    boundaries_of_undo,
    died_at,
    filled,
    hold_still,
    killed_in_call,
    power_lost_at,
    refused_in_call,
    undo_of_the_dead_at,
    undo_without_power_at,
)

COPIES_AND_MOVES = [name for name in SCENARIOS if "disk" in name]
ACROSS = [name for name, scenario in SCENARIOS.items() if scenario.across]
# Which of the two places the disk that fails holds: the library (near), or the source (far).
on_either_disk = pytest.mark.parametrize(
    ("place", "side"),
    [(name, "near") for name in COPIES_AND_MOVES] + [(name, "far") for name in ACROSS],
    indirect=["place"],
)


def calls(trials, names=None):
    """Each system call of an undisturbed import, as (name, number)."""
    counted = system_calls(hold_still(trials))
    wanted = names or sorted(counted)
    return [(name, number + 1) for name in wanted for number in range(counted[name])]


@pytest.mark.parametrize("place", COPIES_AND_MOVES, indirect=True)
def test_a_kill_at_any_system_call_is_recovered_by_one_run(trials, sampled, strace):
    for name, when in sampled(calls(trials), 25):
        killed_in_call(trials, name, when)

    trials.assert_clean()
    assert trials.missed <= trials.points / 10


@pytest.mark.parametrize("place", COPIES_AND_MOVES, indirect=True)
def test_an_error_of_any_system_call_is_recovered_by_one_run(trials, sampled, strace):
    points = itertools.product(calls(trials, FAILING), ERRORS, [False, True])

    for (name, when), error, for_good in sampled(points, 4, 150):
        refused_in_call(trials, name, when, error, for_good)

    trials.assert_clean()


@on_either_disk
@pytest.mark.parametrize("harm", [power_lost_at, died_at])
def test_a_disk_that_fails_at_any_boundary_is_recovered_by_one_run(
    harm, side, trials, sampled, disk
):
    setattr(trials.place, side, disk.path / side)
    for boundary in sampled(trials.boundaries(), 8):
        harm(trials, disk, boundary)

    trials.assert_clean()


@on_either_disk
@pytest.mark.parametrize("harm", [undo_without_power_at, undo_of_the_dead_at])
def test_an_undo_whose_disk_fails_at_any_boundary_is_finished_by_one_sweep(
    harm, side, trials, sampled, disk
):
    setattr(trials.place, side, disk.path / side)
    for boundary in sampled(boundaries_of_undo(trials), 4):
        harm(trials, disk, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", COPIES_AND_MOVES, indirect=True)
def test_a_full_disk_loses_nothing_and_room_is_all_it_needs(trials, sampled, memory):
    trials.place.near = memory.path / "near"

    room = [(files_left, 0) for files_left in range(10)]
    room += [(None, bytes_left) for bytes_left in (0, 4096, 65536, 1024 * 1024 + 4096)]

    for files_left, bytes_left in sampled(room, 4):
        filled(trials, memory, files_left, bytes_left)

    trials.assert_clean()
