"""Beat is silent, or it is not: whoever is asked says the same."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from local_import import doctor
from local_import.consistency import look
from local_import.consistency.rule import Depth
from local_import.services import attention, timetable
from local_import.services.explain import explain
from tests.test_explain import make_item, running_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beat_last_asked(library):
    """A function that sets how long ago beat wrote down that it asked; None: never."""
    library.mkdir()
    every, _ = IntervalSchedule.objects.get_or_create(every=30, period="seconds")
    task = settings.CELERY_BEAT_SCHEDULE["sweep"]["task"]
    row = PeriodicTask.objects.create(name="sweep", task=task, interval=every)

    def set_back(ago, age=timedelta(0)):
        now = timezone.now()
        last = None if ago is None else now - ago
        PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=last, date_changed=now - age)

    return set_back


def who_says_silent(session):
    said = {
        "doctor": any(point.name == "beat" and point.remedy for point in doctor.examine()),
        "overview": attention.machinery([]).beat_is_silent,
        "timetable": any(
            one.name == "sweep" and one.state == "late" for one in timetable.entries()
        ),
        "check": any(one.rule == "beat_silent" for one in look.take(depth=Depth.ROWS).suspects),
        "explain": any(
            sentence.code in ("sweep_silent", "sweep_never")
            for sentence in explain(f"session:{session.pk}").explanation.sentences
        ),
    }
    return {name for name, silent in said.items() if silent}


def waiting():
    session = running_session()
    make_item(session, state="pending")
    return session


@pytest.mark.parametrize("seconds", [1, 40, 80, 115])
def test_a_beat_that_is_a_little_late_is_well(beat_last_asked, seconds):
    """On a busy machine, where it asks every 30 seconds."""
    session = waiting()
    beat_last_asked(timedelta(seconds=seconds))

    assert who_says_silent(session) == set()


def test_all_find_out_together_that_it_is_silent(beat_last_asked):
    session = waiting()
    beat_last_asked(timedelta(seconds=160))

    assert who_says_silent(session) == {"doctor", "overview", "timetable", "check", "explain"}


def test_one_that_was_only_just_started_has_time_to_ask(beat_last_asked):
    session = waiting()
    beat_last_asked(None)
    assert who_says_silent(session) == set()

    beat_last_asked(None, age=timedelta(seconds=125))
    assert who_says_silent(session) >= {"doctor", "overview", "check", "explain"}
