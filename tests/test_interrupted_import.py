"""Ctrl-C, SIGKILL and going on: nothing lost, nothing twice, nothing in work."""

import json
import os
import signal
import time

import pytest

from local_import.audit_logger import SYSTEM
from local_import.models import ImportSession
from local_import.pipeline.desk import open_desk
from local_import.pipeline.scan import FIRST_CHUNK, scan
from local_import.services import sessions
from tests import builders
from tests.photos import jpeg
from tests.processes import wait_for
from tests.test_import_photos import assert_library_is_true

PHOTOS = 1500


@pytest.fixture
def full_inbox(inbox):
    for seed in range(PHOTOS):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed + 1, size=(64 + seed, 64)))
    return inbox


def wait_for_imports(desk, process):
    """Until the first file is in the library."""
    for _ in range(2000):
        if list(desk.library.glob("[0-9]*/**/*.jpg")) or process.poll() is not None:
            return
        time.sleep(0.005)


def status(desk):
    return json.loads(desk.manage("import_status", "1", "--json").stdout)


def test_ctrl_c_leaves_nothing_in_work_and_the_same_command_goes_on(desk, full_inbox):
    process = desk.start("import_photos", str(full_inbox), "--mode", "move", "--workers", "2")
    wait_for_imports(desk, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    stopped = status(desk)
    working = sum(stopped["counts"][s] for s in ("analyzing", "checking", "moving", "updating"))
    assert working == 0
    assert process.returncode in (0, 130)
    if process.returncode == 130:  # what is left waits in the session, or was not yet found
        assert stopped["paused"] and stopped["state"] in ("expanding", "importing")
    assert len(os.listdir(full_inbox)) == PHOTOS - stopped["counts"]["imported"]

    desk.import_photos(str(full_inbox), "--mode", "move")

    # The first session is the one that went on, wherever it was when Ctrl-C came.
    done = status(desk)
    assert (done["state"], done["counts"]["imported"]) == ("imported", PHOTOS)
    assert done["paused"] is None
    assert os.listdir(full_inbox) == []
    assert_library_is_true(desk, desk.items(1))


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_killing_every_process_loses_nothing_and_a_plain_start_finishes(
    desk, full_inbox, mode, delay_s
):
    process = desk.start("import_photos", str(full_inbox), "--mode", mode, "--workers", "2")
    wait_for_imports(desk, process)
    time.sleep(delay_s)
    process.kill()  # its workers notice that it is gone, and stop
    process.communicate(timeout=60)

    desk.import_photos(str(full_inbox), "--mode", mode)

    first = status(desk)
    assert (first["state"], first["counts"]["imported"]) == ("imported", PHOTOS)
    assert_library_is_true(desk, desk.items(1))
    assert len(os.listdir(full_inbox)) == (PHOTOS if mode == "copy" else 0)


def test_a_session_that_another_process_runs_is_left_alone(desk, full_inbox):
    process = desk.start("import_photos", str(full_inbox), "--workers", "1")
    wait_for_imports(desk, process)

    second = desk.manage("import_photos", str(full_inbox))

    process.communicate(timeout=60)
    if second.returncode != 0:  # the first was still at work
        assert second.returncode == 2
        assert b"session_busy" in second.stderr
    assert status(desk)["counts"]["imported"] == PHOTOS


def test_resume_tries_again_what_failed(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (inbox / "b.jpg").write_bytes(jpeg(2)[:-100])
    failed = desk.import_photos(str(inbox), status=1)
    (inbox / "b.jpg").write_bytes(jpeg(2))

    done = desk.import_photos("--resume", str(failed["session"]))

    assert (done["state"], done["counts"]["imported"], done["failures"]) == ("imported", 2, [])


@pytest.mark.django_db
def test_no_session_is_left_whose_source_was_not_confirmed(inbox, library, monkeypatch):
    def fail(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sessions.door, "move", fail)
    with pytest.raises(KeyboardInterrupt):
        sessions.create(os.fsencode(inbox))

    assert not ImportSession.objects.exists()


@pytest.mark.django_db
def test_resuming_a_session_that_was_never_confirmed_confirms_it(inbox, library):
    session = builders.make_session(source=os.fsencode(inbox))

    resumed = sessions.resume(session.pk, actor=SYSTEM)

    assert resumed.state == "ready"


@pytest.mark.django_db(transaction=True)
def test_a_walk_that_is_stopped_at_once_has_recorded_its_first_files(inbox, library):
    for number in range(FIRST_CHUNK + 1):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    session = sessions.create(os.fsencode(inbox), mode="copy")

    with open_desk(session) as desk:
        assert not scan(desk, SYSTEM, lambda: True)
        assert session.items.count() == FIRST_CHUNK
        assert scan(desk, SYSTEM, lambda: False)

    assert session.items.count() == FIRST_CHUNK + 1


@pytest.mark.django_db(transaction=True)
def test_ctrl_c_before_the_end_of_the_walk_is_a_pause_although_no_file_found_waits(inbox, library):
    """What was not yet found is left to do, so the session is not at its end, and goes on."""
    for number in range(FIRST_CHUNK + 1):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    session = sessions.create(os.fsencode(inbox))
    found = session.items.exclude(state="imported")

    def interrupted():
        wait_for(lambda: not found.exists())
        return True

    stopped = sessions.run_to_end(session.pk, workers=1, actor=SYSTEM, interrupted=interrupted)
    done = sessions.run_to_end(
        sessions.resume(session.pk, actor=SYSTEM).pk, workers=1, actor=SYSTEM
    )

    assert (stopped.state, stopped.paused_at is None) == ("expanding", False)
    assert (done.state, done.paused_at) == ("imported", None)
    assert session.items.filter(state="imported").count() == FIRST_CHUNK + 1
