"""A process stands still beyond its lease, or loses its database: it harms nobody."""

import itertools

import pytest
from django.db import connection

from .place import ALONE, SCENARIOS
from .trial import cut_off_at, frozen_at, swept_at

# How far the other process is when the frozen one goes on; None: it is done.
OTHERS = (None, *range(1, 61))


@pytest.mark.parametrize("place", [*SCENARIOS, ALONE.name], indirect=True)
def test_a_process_that_lost_its_lease_harms_nobody(trials, sampled):
    # Whoever is frozen while it holds a lock of the database keeps everybody waiting, until it goes
    # on or is killed: that is not the desk's to change.
    passed = trials.boundaries()
    claim = next(at.number for at in passed if at.name == "statement UPDATE local_import_item")
    free = [at for at in passed if at.number > claim and not at.holds_lock]

    for boundary, meanwhile in sampled(itertools.product(free, OTHERS), 4, 60):
        frozen_at(trials, boundary, meanwhile)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_process_that_lives_keeps_its_files_whatever_its_clock_says(trials, sampled):
    free = [at for at in trials.boundaries() if not at.holds_lock]

    for boundary in sampled(free, 3):
        swept_at(trials, boundary)

    trials.assert_clean()


@pytest.mark.parametrize("place", SCENARIOS, indirect=True)
def test_a_lost_connection_is_recovered_by_one_run(trials, sampled):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: SQLite has no connection that could be lost")

    for boundary in sampled(trials.boundaries(), 4):
        cut_off_at(trials, boundary)

    trials.assert_clean()
