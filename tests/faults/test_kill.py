"""SIGKILL at every boundary of a file effect or the database: nothing lost, stuck or untrue."""

import itertools
from errno import EACCES

import pytest

from tests.consistency import time_passed

from .boundaries import fail, kill
from .flow import cancel, retry
from .mending import (
    boundaries_of_repair,
    damage,
    loss,
    repair_killed_at,
    restore_killed_at,
    restoring,
    set_stray_aside,
)
from .place import SCENARIOS
from .trial import boundaries_of_undo, killed_at, killed_twice, undo_killed_at, verb_killed_at

COPY = ["copy on one disk"]
LONGEST = 16  # boundaries of a verb; a number beyond its last is a verb that is not killed


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_kill_at_any_boundary_is_recovered_by_one_run(trials, sampled):
    for boundary in sampled(trials.boundaries(), 8):
        killed_at(trials, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_kill_of_the_recovery_is_recovered_by_the_next(trials, sampled):
    for boundary, again in sampled(itertools.product(trials.boundaries(), range(1, 61)), 3, 60):
        killed_twice(trials, boundary, again)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_kill_of_a_cancel_is_recovered_by_one_run(trials, sampled):
    passed = len(trials.boundaries())
    for share, number in sampled(itertools.product((0.3, 0.6, 0.8), range(1, LONGEST)), 2):
        verb_killed_at(trials, cancel, kill(int(share * passed)), number)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_kill_of_a_retry_is_recovered_by_one_run(trials, sampled):
    renames = [at.number for at in trials.boundaries() if at.name.startswith("rename")]
    cannot_be_placed = fail(renames[-1], EACCES, for_good=False)
    for number in sampled(range(1, LONGEST), 2):
        verb_killed_at(trials, retry, cannot_be_placed, number)

    trials.assert_clean()


# Whether a foreign file stood at the place of a photo means nothing to its undo.
UNDONE = [name for name, scenario in SCENARIOS.items() if not scenario.taken]


@pytest.mark.parametrize("place", UNDONE, indirect=True)
def test_a_kill_of_an_undo_is_finished_by_one_sweep(trials, sampled):
    for boundary in sampled(boundaries_of_undo(trials), 3):
        undo_killed_at(trials, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", COPY, indirect=True)
@pytest.mark.parametrize("harm", [damage, loss])
def test_a_kill_of_a_repair_is_finished_by_the_next(trials, sampled, harm, monkeypatch):
    with time_passed(monkeypatch):
        for boundary in sampled(boundaries_of_repair(trials, harm), 4):
            repair_killed_at(trials, harm, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", COPY, indirect=True)
def test_a_kill_of_a_restore_leaves_the_file_at_one_place(trials, sampled, monkeypatch):
    with time_passed(monkeypatch):
        passed = restoring(trials, set_stray_aside(trials))
        for boundary in sampled(passed, 3):
            restore_killed_at(trials, boundary.number)

    trials.assert_clean()
