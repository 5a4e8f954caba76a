"""The doctor says of each point what it saw, and what to do about whatever is not sound."""

import errno
import json
import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from local_import import doctor
from local_import.alerts import evaluate, outbox
from local_import.consistency import breaker, findings, look
from local_import.fsops import effects
from local_import.fsops.probing import Room
from local_import.metrics import Measure, Measurements
from local_import.models import Media, Worker
from local_import.transactions import database_now
from photonest import celery_app, queue
from tests.builders import make_media
from tests.consistency import imported

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def broker(settings, tmp_path):
    """The embedded broker, in a directory of its own."""
    directory = tmp_path / "queue"
    queue.prepare(settings.CELERY_BROKER_URL, directory)
    options = queue.transport_options(settings.CELERY_BROKER_URL, directory, longest_task_s=1)
    before = celery_app.conf.broker_transport_options
    celery_app.conf.broker_transport_options = options
    yield directory
    celery_app.conf.broker_transport_options = before


def points():
    return {point.name: point for point in doctor.examine()}


def unsound():
    return {point.name for point in doctor.examine() if not (point.is_sound or point.optional)}


def test_a_new_installation_is_sound(library, capsys):
    call_command("doctor", "--json")

    told = json.loads(capsys.readouterr().out)
    assert [point["name"] for point in told] == list(doctor.POINTS)
    assert not library.exists()


def test_that_nobody_is_told_is_told(library, settings):
    found = points()["alerts"]
    assert "never" in found.seen and "beat" in found.remedy and found.optional
    settings.PHOTONEST_ALERT_EMAILS = []
    evaluate.evaluate()
    assert "be-told" in points()["alerts"].remedy
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    assert points()["alerts"].is_sound


def test_a_channel_that_does_not_work_is_told_of_until_it_does(library, settings):
    settings.PHOTONEST_ALERT_EMAILS, settings.EMAIL_PORT = ["ada@example.org"], 1
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    outbox.send_test()
    assert "alerts" in unsound() and "refused" in points()["alerts"].seen

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox.send_test()

    assert "alerts" not in unsound()


def test_nothing_is_left_behind(library, broker):
    before = sorted(os.walk(broker))

    points()

    assert sorted(os.walk(broker)) == before


def test_workers_and_beat_are_missed_but_do_not_count(library):
    found = points()

    for name in ("workers", "beat"):
        assert found[name].remedy and found[name].optional


def test_what_a_shell_can_do_about_it_is_told_as_a_command(library, capsys):
    call_command("doctor")

    assert points()["beat"].command == "celery -A photonest beat"
    assert "\n    → Start beat.\n      celery -A photonest beat" in capsys.readouterr().out


def test_a_disk_that_does_not_answer_is_one_point_and_takes_no_longer_than_a_moment(
    library, monkeypatch
):
    library.mkdir()
    monkeypatch.setattr("local_import.runway.LOOK_S", 0.05)
    monkeypatch.setattr("local_import.fsops.probe", lambda path: time.sleep(5))

    found = points()["library"]

    assert not found.is_sound and "no answer within" in found.seen


def test_a_worker_that_is_heard_of_is_seen(library):
    now = database_now()
    Worker.objects.create(name="h:1:1", host="h", pid=1, started_at=now, heartbeat_at=now)

    assert points()["workers"].seen == "1 on h"


def test_a_database_that_may_lose_a_commit_is_not_sound(library, capsys):
    statement = (
        "PRAGMA synchronous=OFF"
        if connection.vendor == "sqlite"
        else ("SET synchronous_commit = off")
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        with pytest.raises(SystemExit) as ended:
            call_command("doctor")
    finally:
        connection.close()

    assert ended.value.code == 1
    assert "✖ database" in capsys.readouterr().out


def test_a_library_that_is_not_mounted_is_not_sound(library):
    library.mkdir()
    make_media()

    point = points()["library"]

    assert not point.is_sound and str(library) in point.seen


def measure(size_bytes):
    measured = Measurements()
    measured.of(Measure.FILE, format="jpeg").add_all([1.0], size_bytes=size_bytes)
    measured.write()


def test_a_library_whose_disk_fails_is_told_of_with_its_path(library, monkeypatch):
    def fail(effect, path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    library.mkdir()
    (library / ".photonest-library").touch()
    monkeypatch.setattr(effects, "fault_point", fail)

    point = points()["library"]

    assert point.seen == f"{library} could not be read or written."
    assert "dmesg" in point.remedy and "PATH" not in point.remedy


def test_times_are_told_in_the_zone_of_who_asks(library):
    PeriodicTask.objects.create(
        name="sweep",
        task="local_import.sweep",
        interval=IntervalSchedule.objects.create(every=30, period="seconds"),
    )
    assert "has not asked for a sweep yet" in points()["beat"].seen

    PeriodicTask.objects.update(last_run_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    with timezone.override("Asia/Tokyo"):
        assert "2026-01-02 12:04:05 JST" in points()["beat"].seen


def test_a_disk_that_is_soon_full_is_told_of(library, monkeypatch):
    make_media()
    library.mkdir()
    (library / ".photonest-library").touch()
    seen = SimpleNamespace(room=Room(10_000_000_000, 1_000_000_000_000, 1, 1))
    monkeypatch.setattr("local_import.fsops.probe", lambda path: seen)
    assert points()["library"].is_sound

    measure(7_000)
    assert "more than ten years" in points()["library"].seen
    measure(20_000_000_000 - 7_000)

    assert "4 days" in points()["library"].seen
    assert unsound() == {"library"}


def test_a_clock_that_is_wrong_is_told_of(library, monkeypatch):
    monkeypatch.setattr(doctor, "database_now", lambda: timezone.now() - timedelta(minutes=5))

    assert "clock" in unsound()


def test_guards_that_were_lost_are_told_of(library):
    on = " ON local_import_item" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER guard_item_state{on}")
    try:
        assert unsound() == {"migrations"}
    finally:
        doctor.guards.install()


def test_a_broker_that_cannot_be_reached_is_one_point_and_stops_no_other(library, monkeypatch):
    monkeypatch.setattr(doctor, "BROKER_S", 0.2)
    url = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(
        doctor.current_app, "connection_for_write", lambda **_: celery_app.connection(url)
    )

    found = points()

    assert not found["broker"].is_sound
    assert list(found) == list(doctor.POINTS)


def test_tables_that_are_newer_than_the_code_are_not_to_be_migrated():
    row = MigrationRecorder.Migration.objects.create(app="local_import", name="9999_newer")
    try:
        point = points()["migrations"]
    finally:
        row.delete()  # no flush takes it away

    assert not point.is_sound
    assert "Update Photonest" in point.remedy and point.command == ""


def test_what_freezes_every_repair_is_not_sound(inbox, library):
    imported(inbox, breaker.FEWEST)
    for media in Media.objects.all():
        (library / media.path).unlink()
    findings.keep(look.take())

    (point,) = doctor.examine(["consistency"])

    assert point.state == "wrong" and "gone at once" in point.seen


def test_a_library_that_nobody_has_looked_at_is_not_called_sound(inbox, library):
    imported(inbox)

    (before,) = doctor.examine(["consistency"])
    findings.keep(look.take())
    (after,) = doctor.examine(["consistency"])

    assert (before.state, after.state) == ("absent", "sound")
