"""How fast a session goes, and how long it takes: a range, or why there is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_import import pace


def at_speed(files_per_s, seconds, *, every=1.0, size=1000, start=0.0, done=0, known=None):
    """The pace after counting an even run once every so many seconds."""
    known, moment = known or {}, 0.0
    while moment <= seconds:
        files = done + int(files_per_s * moment)
        known = pace.followed(known, start + moment, files, files * size)
        moment += every
    return known


def rate_of(known):
    return pace.rate(known, (known["at"], known["files"], known["files"] * 1000))


def test_an_even_run_is_told_as_it_is():
    found = rate_of(at_speed(50, 120))

    assert found.files == pytest.approx(50, rel=0.05)
    assert found.bytes == pytest.approx(50_000, rel=0.05)


def test_the_last_minutes_weigh_most():
    slow = at_speed(10, 120)
    found = rate_of(at_speed(100, 120, start=120, done=1200, known=slow))

    assert 55 < found.files <= 100


def test_a_pause_tells_nothing_of_the_pace():
    before = at_speed(50, 60)
    found = rate_of(at_speed(50, 60, start=5000, done=3000, known=before))

    assert found.files == pytest.approx(50, rel=0.05)


def test_nothing_is_estimated_from_too_little():
    assert rate_of(at_speed(1, 8)) is None
    assert rate_of(at_speed(100, 5)) is None
    assert pace.rate({}, (0, 0, 0)) is None


def test_what_is_offered_again_begins_a_new_count():
    done = at_speed(50, 60)
    again = pace.followed(done, 61, 10, 10_000)

    assert again["points"] == [[61, 10, 10_000]]


def test_few_points_are_kept_however_long_it_takes():
    assert len(at_speed(50, 3600)["points"]) == pace.POINTS


def test_it_is_stalled_when_no_file_came_to_rest_for_a_minute_while_somebody_counts():
    known = at_speed(50, 30)
    for second in range(31, 100):
        known = pace.followed(known, second, known["files"], 0)

    assert pace.stalled_since(known, 99, known["files"]) == pytest.approx(30, abs=1)
    assert pace.stalled_since(known, 99, known["files"] + 1) is None
    assert pace.stalled_since({}, 99, 0) is None


def test_who_goes_on_after_a_pause_is_not_stalled_at_once():
    known = at_speed(50, 30)
    known = pace.followed(known, 5000, known["files"], 0)

    assert pace.stalled_since(known, 5001, known["files"]) is None


def test_files_and_bytes_tell_the_range():
    found = pace.left(pace.Rate(files=10, bytes=1000, spread=0), files=100, size=50_000)

    assert (found.shortest, found.longest) == (10, 50)
    assert pace.left(pace.Rate(), files=100, size=100) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 200), st.integers(-500, 500), st.integers(0, 10**9)), max_size=60
    )
)
def test_whatever_is_counted_the_estimate_is_a_range_of_positive_times(counts):
    known, at, files = {}, 0.0, 0
    for seconds, more, size in counts:
        at, files = at + seconds, max(files + more, 0)
        known = pace.followed(known, at, files, size)
    found = pace.rate(known, (at, files, 0))
    estimate = pace.left(found, 1000, 10**6) if found else None

    assert len(known.get("points", ())) <= pace.POINTS
    assert estimate is None or 0 < estimate.shortest <= estimate.longest
