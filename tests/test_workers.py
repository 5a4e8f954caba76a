"""The workers are listed while they live, and one that does not fit the database takes no work."""

import json
import os
import signal
import time
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils import timezone

from local_import import tasks, versions
from local_import.audit_logger import SYSTEM
from local_import.models import ImportItem, ImportSession, Worker
from local_import.pipeline import crew
from local_import.processes import identity
from local_import.services import background, sessions
from tests.builders import make_item
from tests.photos import jpeg
from tests.processes import wait_for

NEWER = "9999_of_a_newer_photonest"


def make_worker(name, silent_s=0, session=None):
    host, pid, _ = name.rsplit(":", 2)
    heard = timezone.now() - timedelta(seconds=silent_s)
    return Worker.objects.create(
        name=name, host=host, pid=pid, version="1", queue="imports", session=session,
        started_at=heard, heartbeat_at=heard,
    )  # fmt: skip


def listed(capsys):
    call_command("import_workers", "--json")
    return {entry["worker"]: entry for entry in json.loads(capsys.readouterr().out)}


@pytest.mark.django_db
def test_the_list_tells_who_lives_what_he_holds_and_who_is_silent(capsys):
    me, ended = identity(), f"{os.uname().nodename}:999999999:1"
    item = make_item(state="analyzing")
    make_worker("elsewhere:1:1", silent_s=5, session=item.session)
    make_worker("far:2:1", silent_s=90)
    make_worker(ended)
    make_worker(me)
    type(item).objects.filter(pk=item.pk).update(owner="elsewhere:1:1")

    found = listed(capsys)

    assert {name: entry["state"] for name, entry in found.items()} == {
        me: "alive",
        "elsewhere:1:1": "alive",
        "far:2:1": "silent",
        ended: "dead",
    }
    assert found["elsewhere:1:1"]["items"] == 1
    assert found["elsewhere:1:1"]["session"] == item.session_id
    assert found["far:2:1"]["silent_s"] >= 90


@pytest.mark.django_db
def test_no_worker_at_all_is_said_with_what_to_do(capsys):
    call_command("import_workers")

    assert "make run" in capsys.readouterr().out


@pytest.mark.django_db
def test_the_admin_shows_the_workers_and_changes_none(admin_client):
    worker = make_worker("elsewhere:1:1")

    page = admin_client.get(reverse("admin:local_import_worker_changelist"))

    assert (page.status_code, b"elsewhere" in page.content) == (200, True)
    change = reverse("admin:local_import_worker_delete", args=(worker.pk,))
    assert admin_client.post(change, {"post": "yes"}).status_code == 403


def test_a_worker_is_listed_although_it_has_nothing_to_do_until_it_ends(desk):
    process = desk.start_worker()
    try:
        (entry,) = wait_for(lambda: workers_of(desk))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()

    assert (entry["pid"], entry["state"], entry["session"]) == (process.pid, "alive", None)
    assert entry["queue"] == "imports, sweeps"
    assert workers_of(desk) == []


def workers_of(desk):
    return json.loads(desk.manage("import_workers", "--json").stdout)


@pytest.fixture
def expanding(library, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = sessions.create(os.fsencode(inbox))
    return background.start(session.pk, actor=SYSTEM)


@pytest.mark.django_db
def test_a_worker_that_is_older_than_the_database_takes_no_work_and_says_so(
    expanding, caplog, library
):
    row = MigrationRecorder.Migration.objects.create(app="local_import", name=NEWER)

    for task in (tasks.advance_session, tasks.help_session):
        task(expanding.pk)
    assert tasks.sweep() is None

    assert ImportSession.objects.get(pk=expanding.pk).state == "expanding"
    assert not list(library.glob("[0-9]*"))
    assert caplog.text.count(NEWER) == 3
    row.delete()
    tasks.advance_session(expanding.pk)
    assert ImportSession.objects.get(pk=expanding.pk).state == "imported"


@pytest.mark.django_db
def test_a_worker_that_is_newer_than_the_database_asks_for_the_migration(expanding):
    MigrationRecorder.Migration.objects.filter(app="local_import").delete()

    assert "manage.py migrate" in versions.misfit()


@pytest.mark.django_db
@pytest.mark.parametrize("owner", ["", "somebody:1:1"])
def test_the_files_of_a_worker_are_found_without_reading_the_table(owner):
    if connection.vendor == "postgresql":  # a table so small would be read whole all the same
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")

    plan = ImportItem.objects.held(owner).explain()

    assert "item_in_work_owner" in plan, plan


def test_a_process_that_lingers_at_its_end_keeps_nobody_busy(monkeypatch):
    """It closes its files, which announces its end, before it is gone."""

    def linger(*_):
        os.closerange(3, 256)
        time.sleep(0.3)
        os._exit(0)

    monkeypatch.setattr(crew, "_work", linger)
    workers = crew.Crew(0, 1)

    looks = 0
    while workers.wait(60):
        looks += 1

    assert 0 < looks < 1_000


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_loses_the_database_is_replaced_without_a_stack_trace(
    inbox, library, monkeypatch, tmp_path, capfd
):
    work, lost = crew.work_here, tmp_path / "lost"

    def lose_once(*arguments):
        if not lost.exists():
            lost.touch()
            raise OperationalError("the connection is closed\nand more of it")
        work(*arguments)

    monkeypatch.setattr(crew, "work_here", lose_once)
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = sessions.create(os.fsencode(inbox))

    session = sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)

    assert (session.state, session.counts["imported"]) == ("imported", 1)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_a_last_worker_that_dies_just_after_it_was_looked_at_is_missed(inbox, library, monkeypatch):
    """Else the files wait, nobody is there for them, and the session tells of no trouble."""

    def wait_too_long(self, timeout_s):
        were_there = list(self._workers)
        for worker in were_there:
            worker.join()
        return bool(were_there)

    monkeypatch.setattr(crew, "_work", lambda *_: os._exit(9))
    monkeypatch.setattr(crew.Crew, "wait", wait_too_long)
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = sessions.create(os.fsencode(inbox))

    session = sessions.run_to_end(session.pk, workers=2, actor=SYSTEM)

    assert (session.state, session.error_code) == ("error", "worker_died")
