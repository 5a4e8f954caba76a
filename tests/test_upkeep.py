"""What the nights do: the purge, the reading of the library, and the schedule's own rules."""

import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from local_import.consistency import deep, purge, scheduled
from local_import.consistency.rule import Depth
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from local_import.transactions import database_now
from photonest import celery_app
from tests.consistency import OPERATOR, found, guards_away, imported, repaired, time_passed

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(days=60)


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox)
    with time_passed(monkeypatch):
        yield session


def age(by=LONG_AGO):
    """Everything there is becomes so much older."""
    then = database_now() - by
    with guards_away():
        AuditLog.objects.update(timestamp=then)
    ImportItem.objects.update(state_changed_at=then)
    ImportSession.objects.update(state_changed_at=then)


def told():
    return AuditLog.objects.exclude(action=purge.ACTION).count()


def test_rows_older_than_the_retention_go_away_and_nothing_misses_them(session):
    age()
    before = told()

    removed = purge.purge(actor=OPERATOR)

    assert (removed, told()) == (before, 0)
    assert found() == []


def test_what_has_changed_since_keeps_its_whole_trail(session):
    age()
    item = ImportItem.objects.first()
    ImportItem.objects.filter(pk=item.pk).update(state_changed_at=database_now())
    kept = AuditLog.objects.of_item(item.pk).count()

    purge.purge(actor=OPERATOR)

    assert told() == AuditLog.objects.of_item(item.pk).count() == kept
    assert found() == []


def test_young_rows_stay(session):
    before = told()

    assert purge.purge(actor=OPERATOR) == 0
    assert told() == before


def test_a_purge_that_is_stopped_leaves_no_findings_and_the_next_goes_on(session, monkeypatch):
    age()
    monkeypatch.setattr(purge, "CHUNK", 5)
    chunks = iter([False, True])
    total = told()

    first = purge.purge(actor=OPERATOR, should_stop=lambda: next(chunks))
    assert (first, found()) == (5, [])

    assert purge.purge(actor=OPERATOR) == total - 5


def test_the_command_says_how_many_rows_it_removed(session, capsys):
    age()
    before = told()

    call_command("purge_audit_log", "--days", "59", "--json")

    assert json.loads(capsys.readouterr().out) == {"removed": before}


@pytest.mark.parametrize("days", ["0", "-1", "99999999"])
def test_days_that_make_no_sense_are_refused(session, days):
    before = told()

    with pytest.raises(SystemExit) as ended:
        call_command("purge_audit_log", "--days", days)

    assert (ended.value.code, told()) == (2, before)


def test_a_missing_row_of_what_changed_lately_is_still_found_after_a_purge(session):
    age()
    purge.purge(actor=OPERATOR)
    item = ImportItem.objects.first()
    ImportItem.objects.filter(pk=item.pk).update(state_changed_at=database_now())

    assert found() == [("item_state_unaudited", str(item.pk))]


def test_an_overdue_purge_is_told_of_and_made(session):
    age()
    assert [rule for rule, _ in found()] == ["purge_overdue"]

    assert repaired().after.suspects == []
    assert told() < 5


def test_the_reading_takes_what_was_read_least_lately_and_goes_on_where_it_was(session):
    sizes = list(Media.objects.values_list("size_bytes", flat=True))
    deep.CHUNK, chunk = 1, deep.CHUNK
    try:
        first = deep.read_on(budget=1)
        earlier = database_now() - timedelta(hours=1)
        Media.objects.filter(verified_at__isnull=False).update(verified_at=earlier)
        again = deep.read_on(budget=sum(sizes) - 1)
    finally:
        deep.CHUNK = chunk

    assert (first.files, again.files) == (1, 3)
    assert not Media.objects.filter(verified_at=None).exists()


def test_a_file_that_the_reading_finds_wrong_becomes_a_finding_until_it_is_right(session, library):
    media = Media.objects.first()
    path = library / media.path
    right = path.read_bytes()
    path.write_bytes(right[:-1] + b"!")

    assert scheduled.check_contents()["found"] == 1
    wrong = Finding.objects.get()
    assert (wrong.rule, wrong.state) == ("media_content", "open")
    assert Media.objects.get(pk=media.pk).verified_at is None

    path.write_bytes(right)
    assert scheduled.check_contents() == {
        "files": 3,
        "bytes": sum(Media.objects.values_list("size_bytes", flat=True)),
        "found": 0,
        "unreadable": 0,
    }
    assert Finding.objects.get().state == "gone"


def test_the_reading_of_a_library_that_is_away_reads_nothing(session, library):
    (library / ".photonest-library").unlink()

    nothing = {"files": 0, "bytes": 0, "found": 0, "unreadable": 0}
    assert scheduled.check_contents() == nothing


def beat():
    DatabaseScheduler(app=celery_app).setup_schedule()
    return PeriodicTask.objects.filter(name="sweep")


def test_a_schedule_that_is_not_that_of_the_code_is_put_right(session):
    sweep = beat()
    row = sweep.get()
    row.interval.every = 9999
    row.interval.save()
    sweep.update(last_run_at=database_now() + timedelta(hours=1))
    assert found(depth=Depth.ROWS) == [("schedule_differs", "sweep")]

    assert repaired(Depth.ROWS).after.suspects == []
    assert sweep.get().interval.every == 30


def test_a_schedule_that_is_switched_off_is_left_to_a_person(session):
    beat().update(enabled=False)

    assert [suspect.rule for suspect in repaired(Depth.ROWS).after.suspects] == ["schedule_off"]
    assert not PeriodicTask.objects.get(name="sweep").enabled


def test_a_beat_that_is_silent_is_told_of(session):
    beat().update(last_run_at=database_now())  # an hour ago for the check

    assert found(depth=Depth.ROWS) == [("beat_silent", "sweep")]


def test_each_task_of_the_schedule_runs_on_a_healthy_system(session):
    celery_app.loader.import_default_modules()
    for entry in celery_app.conf.beat_schedule.values():
        celery_app.tasks[entry["task"]].run()

    assert not Finding.objects.exists()
    assert ImportSession.objects.get().state == "imported"
