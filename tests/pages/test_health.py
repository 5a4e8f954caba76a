"""The health page, and what a machine may ask without signing in."""

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from local_import.doctor import POINTS
from local_import.models import Worker
from local_import.pages import probes
from local_import.services import configuration, timetable
from local_import.transactions import database_now

SETTINGS_PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
pytestmark = pytest.mark.django_db(transaction=True)


def beat_row(name="sweep", every=30, unit="seconds", **values):
    interval, _ = IntervalSchedule.objects.get_or_create(every=every, period=unit)
    return PeriodicTask.objects.create(
        name=name, task=f"local_import.{name}", interval=interval, **values
    )


def state_of(name):
    return next(entry.state for entry in timetable.entries() if entry.name == name)


PARTS = ("base", "work", "broker", "alarm", "disk", "workers", "timetable")


def parts_of(client, *names):
    return [client.get(f"/import/health/?part={name}").content.decode() for name in names]


def test_every_point_of_the_doctor_is_on_the_page_once(operator, library):
    labels = re.findall(r"<strong>([^<]*)</strong>", "".join(parts_of(operator, *PARTS[:4])))

    assert sorted(labels) == sorted(str(concern.label) for concern in POINTS.values())


def test_no_part_of_it_asks_much_of_the_database(operator, library, django_assert_max_num_queries):
    parts_of(operator, *PARTS)
    for name in PARTS:
        with django_assert_max_num_queries(12, info=name):
            parts_of(operator, name)


def test_each_role_sees_the_page_and_its_parts(client_of, role, library):
    client = client_of(role)

    for part in ("", *(f"?part={one}" for one in PARTS)):
        assert client.get(f"/import/health/{part}").status_code == 200, part


def test_an_operator_is_told_what_was_seen_and_what_to_type(operator, library):
    points = "".join(parts_of(operator, "work", "alarm"))

    assert str(library) in points
    assert 'data-copy="celery -A photonest beat"' in points


def test_a_viewer_is_told_no_place_and_no_host(viewer, library):
    page = viewer.get("/import/health/").content.decode()
    text = page + "".join(parts_of(viewer, *PARTS))

    assert str(django_settings.PHOTONEST_HOME) not in text
    assert str(library) not in text
    assert "Library" in text


def test_a_part_that_waits_for_the_broker_is_not_in_the_page_itself(viewer, monkeypatch):
    monkeypatch.setattr("local_import.doctor._comes_back", lambda *_: pytest.fail("asked"))

    page = viewer.get("/import/health/").content.decode()

    assert 'hx-get="/import/health/?part=broker" hx-trigger="load"' in page


def test_no_secret_is_in_the_settings(operator, settings):
    settings.PHOTONEST_METRICS_TOKEN = "token-token-token"
    settings.CELERY_BROKER_URL = "redis://user:pass-word@host:6379/0"
    settings.PHOTONEST_ALERT_APPRISE = ["tgram://bot-token/chat"]

    page = operator.get("/import/health/").content.decode()

    assert "redis://host/0" in page
    for secret in (settings.SECRET_KEY, "token-token", "pass-word", "bot-token"):
        assert secret not in page


def test_every_documented_setting_is_shown_and_no_other():
    documented = re.findall(r"^\| `([A-Z_]+)`", SETTINGS_PAGE.read_text(encoding="utf-8"), re.M)

    assert [one.name for one in configuration.SETTINGS] == documented


def test_where_a_setting_comes_from_is_told(monkeypatch):
    monkeypatch.setenv("PHOTONEST_WORKERS", "3")
    workers, zone = (
        next(one for one in configuration.SETTINGS if one.name == name)
        for name in ("PHOTONEST_WORKERS", "PHOTONEST_TIME_ZONE")
    )

    assert (str(workers.origin), str(zone.origin)) == ("file .env", "default")


def test_a_worker_is_listed_with_its_state(viewer):
    now = database_now()
    for name, heard in (("alive:1:1", now), ("silent:2:2", now - timedelta(hours=1))):
        host, pid, _ = name.split(":")
        Worker.objects.create(
            name=name, host=host, pid=int(pid), version="1", started_at=now, heartbeat_at=heard
        )

    page = viewer.get("/import/health/?part=workers").content.decode()

    assert "state-alive" in page and "state-silent" in page


def test_where_no_worker_is_the_page_says_how_to_start_one(viewer):
    assert "celery -A photonest worker" in viewer.get("/import/health/").content.decode()


def test_an_entry_is_late_when_its_time_has_passed():
    beat_row(last_run_at=timezone.now() - timedelta(minutes=3))
    assert state_of("sweep") == "late"

    PeriodicTask.objects.update(last_run_at=timezone.now() - timedelta(minutes=1))
    assert state_of("sweep") == "on_time"

    PeriodicTask.objects.update(enabled=False)
    assert state_of("sweep") == "off"


def test_what_beat_never_asked_for_is_not_called_late():
    assert {entry.state for entry in timetable.entries()} == {"never"}
    beat_row()

    assert state_of("sweep") == "never"


def test_an_entry_of_every_night_knows_its_next_time():
    at, _ = CrontabSchedule.objects.get_or_create(
        minute="10", hour="2", timezone=django_settings.TIME_ZONE
    )
    yesterday = timezone.now() - timedelta(days=1)
    row = PeriodicTask.objects.create(
        name="check files", task="x", crontab=at, last_run_at=yesterday
    )

    entry = next(one for one in timetable.entries() if one.name == "check files")
    local = timezone.localtime(entry.next_run_at)
    assert (local.hour, local.minute) == (2, 10)
    assert timedelta(0) < entry.next_run_at - yesterday <= timedelta(days=1)
    assert entry.in_words == "every day at 2:10 UTC"

    PeriodicTask.objects.filter(pk=row.pk).update(last_run_at=timezone.now() - timedelta(days=3))
    assert state_of("check files") == "late"


@pytest.mark.parametrize(
    ("every", "unit", "words"),
    [
        (30, "seconds", "every 30 seconds"),
        (10, "minutes", "every 10 minutes"),
        (1, "hours", "every hour"),
        (2, "days", "every 2 days"),
    ],
)
def test_an_interval_is_told_in_its_largest_unit(every, unit, words):
    beat_row("one more", every, unit)

    assert next(e.in_words for e in timetable.entries() if e.name == "one more") == words


def test_the_page_and_its_live_parts_take_few_queries(operator, django_assert_max_num_queries):
    beat_row()
    operator.get("/import/health/")

    with django_assert_max_num_queries(12):
        operator.get("/import/health/")
    for part in ("workers", "timetable"):
        with django_assert_max_num_queries(5 + 2):  # who asks: two
            operator.get(f"/import/health/?part={part}")


def test_a_machine_is_told_one_word_without_signing_in(client):
    assert client.get("/healthz").content == b"alive\n"
    assert client.get("/readyz").content == b"ready\n"
    assert client.head("/healthz").status_code == 200


def test_a_database_that_is_away_is_not_ready_and_names_no_place(client, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "NAME", "/nowhere/at all")
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"no database\n")
    assert client.get("/healthz").status_code == 200


def test_a_database_that_does_not_answer_is_not_ready(client, monkeypatch):
    monkeypatch.setattr(probes, "LOOK_S", 0.01)
    monkeypatch.setattr(probes, "_misfit", lambda: time.sleep(1))

    assert client.get("/readyz").status_code == 503


def test_tables_of_another_version_are_not_ready(client, monkeypatch):
    monkeypatch.setattr("local_import.versions.misfit", lambda: "Run: python manage.py migrate")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.content) == (503, b"other tables\n")


def test_the_slow_points_come_by_themselves_and_again_when_asked(screen, library):
    page = screen("operator", "/import/health/")
    for part, label in (
        ("base", "Database"),
        ("work", "Beat"),
        ("broker", "broker"),
        ("alarm", "Alerts"),
    ):
        page.locator(f"#part-{part}").get_by_text(label).first.wait_for(timeout=15_000)
    page.evaluate(
        "document.querySelectorAll('[data-once]').forEach((part) => { part.dataset.old = 1; })"
    )
    beat_row(last_run_at=timezone.now())

    page.get_by_role("button", name="Look again").press("Enter")

    page.locator("#part-work").get_by_text("It last asked for a sweep").wait_for(timeout=15_000)
    for part in ("base", "broker", "work", "alarm", "disk"):
        page.locator(f"#part-{part}[data-old]").wait_for(state="detached")  # it has come anew
