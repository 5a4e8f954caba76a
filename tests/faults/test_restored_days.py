"""Library and database set back to any two days, and what is recommended is done: the laws hold."""

import itertools

import pytest

from local_import.consistency import breaker

from .boundaries import kill
from .days import Days, History

DAYS = 3
HISTORIES = [
    History(library, database, at_hand, mode)
    for library, database in itertools.product(range(DAYS + 1), repeat=2)
    for at_hand in (True, False)
    for mode in ("move", "copy")
]
LAST = 200  # the number of a boundary of the remedies; beyond their end nothing is killed


@pytest.fixture
def days(trials, monkeypatch):
    """Three photos a day are many here."""
    monkeypatch.setattr(breaker, "FEWEST", 3)

    def live(history):
        made = Days(trials, history)
        made.live(DAYS)
        return made

    return live


@pytest.mark.parametrize("place", ["copy on one disk"], indirect=True)
def test_whatever_was_set_back_is_put_right_by_what_is_recommended(trials, days, sampled):
    for history in sampled(HISTORIES, 10):
        restored = days(history)
        restored.put_right()
        restored.judge(str(history))

    trials.assert_clean()


@pytest.mark.parametrize("place", ["copy on one disk"], indirect=True)
def test_a_remedy_that_is_killed_anywhere_is_gone_on_with(trials, days, sampled):
    apart = [history for history in HISTORIES if history.library != history.database]
    for history, number in sampled(itertools.product(apart, range(1, LAST, 7)), 10, 150):
        restored = days(history)
        restored.put_right(kill(number))
        restored.judge(f"{history}, killed at {number}")

    trials.assert_clean()
