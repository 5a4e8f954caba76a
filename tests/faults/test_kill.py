"""SIGKILL at every boundary of a file effect or the database: nothing lost, stuck or untrue."""

import pytest

from .place import SCENARIOS
from .trial import killed_at


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_kill_at_any_boundary_is_recovered_by_one_run(trials, sampled):
    for boundary in sampled(trials.boundaries(), 9):
        killed_at(trials, boundary)

    trials.assert_clean()
