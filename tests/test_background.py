"""Sessions in the background: real workers, real brokers, on real files."""

import json
import os
import shutil
import signal
import time

import psutil
import pytest

from tests.photos import jpeg
from tests.processes import is_alive, kill, wait_for
from tests.test_import_photos import assert_library_is_true

PHOTOS = 600
WORKING = ("analyzing", "checking", "moving", "updating")


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Photos that are drawn once and copied for each test."""
    path = tmp_path_factory.mktemp("album")
    for seed in range(PHOTOS):
        (path / f"{seed}.jpg").write_bytes(jpeg(seed + 1, size=(64 + seed, 64)))
    return path


@pytest.fixture
def full_inbox(inbox, album):
    shutil.copytree(album, inbox, dirs_exist_ok=True)
    return inbox


def begin(desk, inbox, *arguments):
    report = desk.import_photos(str(inbox), "--background", *arguments)
    assert report["state"] == "expanding"
    return report


def wait_for_imports(desk):
    """Until the first files are in the library."""
    wait_for(lambda: list(desk.library.glob("[0-9]*/**/*.jpg")))


def wait_for_end(desk):
    # After a death each file that was in work goes alone, in a batch of its own.
    wait_for(lambda: desk.status()["state"] in ("imported", "failed", "error"), seconds=90)
    return desk.status()


def messages(desk):
    return list((desk.home / "queue" / "messages").glob("*.msg"))


def assert_all_are_imported_once(desk):
    done = desk.status()
    assert (done["state"], done["counts"]["imported"], done["total"]) == (
        "imported",
        PHOTOS,
        PHOTOS,
    )
    assert_library_is_true(desk, desk.items(1))


def test_a_worker_imports_a_session_that_a_command_left_to_it(desk, full_inbox, worker):
    began = time.monotonic()
    begin(desk, full_inbox, "--mode", "move")
    took_s = time.monotonic() - began
    worker()

    wait_for_end(desk)

    assert took_s < 10
    assert_all_are_imported_once(desk)
    assert os.listdir(full_inbox) == []
    assert messages(desk) == []


def test_a_worker_that_is_told_to_stop_leaves_nothing_in_work_and_the_next_one_goes_on(
    desk, full_inbox, worker
):
    begin(desk, full_inbox)
    first = worker()
    wait_for_imports(desk)
    first.send_signal(signal.SIGTERM)
    output, _ = first.communicate(timeout=30)

    stopped = desk.status()
    assert sum(stopped["counts"][state] for state in WORKING) == 0, output
    assert first.returncode == 0
    assert (stopped["state"] == "imported") == (messages(desk) == [])

    worker()
    wait_for_end(desk)
    assert_all_are_imported_once(desk)


def test_doubled_messages_change_nothing(desk, full_inbox, worker):
    begin(desk, full_inbox)
    (message,) = messages(desk)
    for number in range(5):
        message.with_name(f"{number}_{message.name}").write_bytes(message.read_bytes())
    worker()

    wait_for_end(desk)

    assert_all_are_imported_once(desk)
    done = desk.manage("audit_log", "--session", "1", "--limit", "100000", "--json")
    actions = [row["action"] for row in json.loads(done.stdout)]
    assert [actions.count(name) for name in ("session.start", "session.walk", "item.finish")] == [
        1,
        1,
        PHOTOS,
    ]
    wait_for(lambda: messages(desk) == [])


def test_what_a_killed_worker_held_is_taken_up_after_a_sweep(desk, full_inbox, worker):
    begin(desk, full_inbox)
    first = worker()
    wait_for_imports(desk)
    kill(first)
    for message in messages(desk):
        message.unlink()

    worker()
    desk.call("local_import.sweep")

    wait_for_end(desk)
    assert_all_are_imported_once(desk)


def test_a_worker_of_which_a_process_is_killed_ends_and_the_next_one_finishes(
    desk, full_inbox, worker
):
    begin(desk, full_inbox)
    first = worker()
    wait_for_imports(desk)
    processes = psutil.Process(first.pid).children()
    processes[-1].kill()

    output, _ = first.communicate(timeout=30)
    assert (first.returncode, b"was killed by signal 9" in output) == (1, True), output
    wait_for(lambda: not any(is_alive(process) for process in processes))

    worker()
    desk.call("local_import.sweep")
    wait_for_end(desk)
    assert_all_are_imported_once(desk)


def test_a_redis_that_is_flushed_again_and_again_loses_no_file(desk, full_inbox, worker, redis):
    desk.environment["CELERY_BROKER_URL"] = f"redis+socket://{redis.socket_file}"
    begin(desk, full_inbox)
    first = worker("--without-gossip", "--without-mingle")
    wait_for_imports(desk)
    redis.flushall()
    kill(first)
    redis.flushall()

    worker("--without-gossip", "--without-mingle")
    desk.call("local_import.sweep")

    wait_for_end(desk)
    assert_all_are_imported_once(desk)


def test_a_broker_that_is_away_fails_no_command(desk, inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    desk.environment["CELERY_BROKER_URL"] = "redis://127.0.0.1:1/0"

    began = time.monotonic()
    done = desk.manage("import_photos", str(inbox), "--background", "--json")

    assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "expanding")
    assert b"the message broker cannot be reached" in done.stderr
    assert time.monotonic() - began < 10


def test_asking_twice_for_the_background_is_asking_once(desk, inbox, worker):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    first = begin(desk, inbox)
    second = begin(desk, inbox)

    assert first["session"] == second["session"]
    assert len(messages(desk)) == 1


@pytest.mark.parametrize("more", [["--dry-run"], ["--workers", "2"]])
def test_options_that_do_not_go_with_the_background_are_refused(desk, inbox, more):
    done = desk.manage("import_photos", str(inbox), "--background", *more)

    assert done.returncode == 2
    assert b"--background goes with neither" in done.stderr
