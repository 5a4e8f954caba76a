"""SIGKILL at every boundary of a file effect or the database: nothing lost, stuck or untrue."""

import itertools

import pytest

from .place import SCENARIOS
from .trial import killed_at, killed_twice


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
