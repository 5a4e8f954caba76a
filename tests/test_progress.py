"""How far a session is, and what is to be expected of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from local_import.audit_logger import Actor
from local_import.models import ImportSession
from local_import.services import control, progress
from local_import.services.progress import progress_of, progress_of_many
from local_import.services.sweeper import sweep
from tests.builders import make_item, make_session, walk

KIM = Actor("kim")
pytestmark = pytest.mark.django_db


def running(waiting=30, done=10):
    session = make_session("importing")
    for number in range(done):
        make_item(session, b"d%d.jpg" % number, "imported", size_bytes=1000)
    for number in range(waiting):
        make_item(session, b"w%d.jpg" % number, "pending", size_bytes=1000)
    return walk(session)


def with_pace(session, *, points, moved_s_ago=0.0):
    """As if it had been counted so: (seconds ago, files at rest)."""
    now = timezone.now()
    known = [[now.timestamp() - ago, files, files * 1000] for ago, files in points]
    pace = {
        "at": now.timestamp(),
        "files": points[-1][1],
        "moved_at": now.timestamp() - moved_s_ago,
        "points": known,
    }
    ImportSession.objects.filter(pk=session.pk).update(
        pace=pace, counted_at=now, bytes_done=10_000, bytes_found=40_000
    )
    return ImportSession.objects.get(pk=session.pk)


def outlook(session):
    return progress_of(session).outlook


def test_an_even_pace_is_told_with_the_time_that_is_left():
    session = with_pace(running(), points=[(60, -50), (45, -35), (30, -20), (15, -5), (0, 10)])

    found = progress_of(session)

    assert found.rate.files == pytest.approx(1, rel=0.1)
    assert found.outlook.code == "left"
    assert "30 s" in found.outlook.text


def test_an_uneven_pace_is_told_as_a_range():
    session = with_pace(running(), points=[(45, -80), (30, -20), (15, -15), (0, 10)])

    assert " to " in outlook(session).text


def test_too_little_is_no_ground_for_an_estimate():
    assert outlook(with_pace(running(), points=[(2, 9), (0, 10)])).code == "estimating"


def test_a_session_whose_source_is_still_walked_has_no_end_yet():
    session = running()
    ImportSession.objects.update(walked_at=None)

    assert outlook(ImportSession.objects.get(pk=session.pk)).code == "walking"


def test_a_pause_is_told_and_nothing_is_estimated():
    session = running()
    control.pause(session.pk, actor=KIM, reason="Noise.")

    found = outlook(ImportSession.objects.get(pk=session.pk))

    assert (found.code, found.text) == ("paused", "paused")
    assert found.since is not None


def test_where_nothing_comes_to_rest_it_is_stalled_since_then():
    session = with_pace(running(), points=[(300, 5), (0, 10)], moved_s_ago=200)

    found = outlook(session)

    assert found.code == "stalled"
    assert timezone.now() - found.since == pytest.approx(
        timedelta(seconds=200), abs=timedelta(seconds=5)
    )


def test_a_session_at_rest_tells_how_long_it_took():
    session = running(waiting=0)
    started = session.finished_at - timedelta(seconds=90)
    ImportSession.objects.update(started_at=started)

    found = progress_of(ImportSession.objects.get(pk=session.pk))

    assert (found.outlook.code, found.took) == ("rest", "90 s")
    assert (found.done, found.percent) == (10, 100)


def test_an_old_picture_is_not_believed_of_a_session_that_runs():
    session = running()
    ImportSession.objects.update(counted_at=timezone.now() - timedelta(seconds=10), counts={})

    found = progress_of(ImportSession.objects.get(pk=session.pk))

    assert (found.total, found.done) == (40, 10)


@pytest.fixture
def no_waiting(monkeypatch):
    """Nothing is too young: what was written before a picture is in it."""
    monkeypatch.setattr(progress, "FRESH", timedelta(0))
    monkeypatch.setattr(progress, "SEEN_AFTER", timedelta(0))


def test_a_picture_is_believed_as_long_as_nothing_is_written_of_its_session(no_waiting):
    session, other = running(), running()
    ImportSession.objects.filter(pk=session.pk).update(counted_at=timezone.now(), counts={"x": 7})
    assert progress_of(ImportSession.objects.get(pk=session.pk)).total == 7

    make_item(other, b"more.jpg", "imported")
    assert progress_of(ImportSession.objects.get(pk=session.pk)).total == 7

    make_item(session, b"more.jpg", "imported")
    assert progress_of(ImportSession.objects.get(pk=session.pk)).total == 41


def test_a_picture_is_not_believed_while_a_change_may_have_been_unseen_when_it_was_taken(
    monkeypatch,
):
    monkeypatch.setattr(progress, "FRESH", timedelta(0))
    session = running()
    ImportSession.objects.update(counted_at=timezone.now(), counts={"x": 7})

    assert progress_of(ImportSession.objects.get(pk=session.pk)).total == 40


def test_the_sweep_looks_whether_an_old_picture_is_right_and_says_so():
    session = running()
    old = timezone.now() - timedelta(seconds=61)
    ImportSession.objects.filter(pk=session.pk).update(counted_at=old)

    assert "sessions_moved" not in sweep()

    row = ImportSession.objects.get(pk=session.pk)
    assert row.counted_at > old
    ImportSession.objects.filter(pk=session.pk).update(counted_at=old, counts={"x": 7})
    assert sweep()["sessions_moved"] == 1
    assert ImportSession.objects.get(pk=session.pk).counts["pending"] == 30


def test_two_queries_count_all_whose_pictures_are_old(django_assert_num_queries):
    """One the files by state, and one those that wait because they changed a moment ago."""
    sessions = [running(), running()]
    ImportSession.objects.update(counted_at=None)
    rows = list(ImportSession.objects.filter(pk__in=[session.pk for session in sessions]))

    with django_assert_num_queries(2):
        assert [one.total for one in progress_of_many(rows)] == [40, 40]


def test_all_but_one_is_not_a_hundred_per_cent():
    assert progress_of(running(waiting=1, done=199)).percent == 99
