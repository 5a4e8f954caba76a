"""An undo beside an import of the same bytes: whatever the moment, each file is imported or skipped in
the end, and none fails because of what was true a moment before."""

import os
import threading

import pytest
from django.db import connection

from local_import.consistency.rule import Depth
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline import check, duplicates, flags, restore
from local_import.services import sessions, undo
from tests.consistency import OPERATOR, found, imported
from tests.faults.flow import run_here
from tests.photos import jpeg
from tests.test_undo import finish_once

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 8


@pytest.fixture(params=["copy", "move"])
def first(request, inbox, library):
    """A session whose photos are in the library, and are about to be taken out again."""
    return imported(inbox, NUMBER, request.param)


@pytest.fixture
def other(tmp_path):
    """A session with the same bytes in a source of its own."""
    source = tmp_path / "other"
    source.mkdir()
    for index in range(NUMBER):
        (source / f"twin {index}.jpg").write_bytes(jpeg(index + 1))
    return sessions.create(os.fsencode(source))


def taken_back(first):
    return undo.undo(first.pk, actor=OPERATOR, reason="Wrong card.")


def in_process(work):
    """By another process, as another worker or command would."""
    connection.close()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def once(monkeypatch, place, name, before=None, after=None):
    """Let something happen once just before or after a function is called."""
    called, done = getattr(place, name), []

    def meanwhile(*arguments, **options):
        if before and not done:
            done.append(before)
            before()
        result = called(*arguments, **options)
        if after and not done:
            done.append(after)
            after()
        return result

    monkeypatch.setattr(place, name, meanwhile)


def assert_all_ended_well(other, library):
    done = ImportSession.objects.get(pk=other.pk)
    states = set(ImportItem.objects.filter(session=other).values_list("state", "skip_reason"))
    assert done.state == "imported"
    assert states <= {("imported", ""), ("skipped", "duplicate")}
    assert not ImportItem.objects.filter(state__in=("failed", "missing")).exists()
    assert not AuditLog.objects.filter(action="item.diagnose").exists()
    held = {(library / media.path).read_bytes() for media in Media.objects.all()}
    assert held == {jpeg(index + 1) for index in range(NUMBER)}
    assert found(depth=Depth.CONTENTS) == []


def test_the_files_go_after_the_rows_were_read(first, other, library, monkeypatch):
    """The whole undo, in another process, between the question to the database and that to the disk."""
    once(monkeypatch, check, "judge", before=lambda: in_process(lambda: taken_back(first)))

    run_here(other.pk)

    assert_all_ended_well(other, library)


def test_the_files_go_one_by_one_while_they_are_compared(first, other, library, monkeypatch):
    """The rows stand and the files are gone, when each is looked at; then the rows go as well."""
    moved, recorded = threading.Event(), threading.Event()
    record = restore._record

    def record_late(*arguments):
        moved.set()
        assert recorded.wait(20)
        return record(*arguments)

    monkeypatch.setattr(restore, "_record", record_late)
    undone = threading.Thread(target=in_thread, args=(taken_back, first), daemon=True)
    once(monkeypatch, check, "judge", before=lambda: (undone.start(), moved.wait(20)))
    once(monkeypatch, check, "compare", after=recorded.set)

    run_here(other.pk)
    undone.join(20)
    assert not undone.is_alive()
    if ImportSession.objects.get(pk=other.pk).state != "imported":
        run_here(sessions.resume(other.pk, actor=OPERATOR).pk)

    assert_all_ended_well(other, library)


def in_thread(work, *arguments):
    try:
        work(*arguments)
    finally:
        connection.close()


@pytest.mark.parametrize("moment", ["flag", "disk", "row", "end"])
def test_an_undo_that_is_cut_off_at_any_moment_is_waited_for(
    first, other, library, monkeypatch, moment
):
    """The request is written down; the files are back; the rows are gone; the request is taken back."""
    places = {
        "flag": (flags, "ask_to_undo", "after"),
        "disk": (restore, "_make_durable", "after"),
        "row": (restore, "_record", "after"),
        "end": (flags, "end_undo", "before"),
    }
    place, name, when = places[moment]
    seen = []

    def look():
        items = finish_once(other)
        seen.extend(items.values_list("state", "skip_reason"))
        ImportItem.objects.filter(session=other, state="pending").update(next_attempt_at=None)

    started(other)
    with monkeypatch.context() as patch:
        once(patch, place, name, **{when: look})
        taken_back(first)
    run_here(sessions.resume(other.pk, actor=OPERATOR).pk)

    assert len(seen) == NUMBER
    assert set(seen) <= {("pending", ""), ("skipped", "duplicate"), ("imported", "")}
    assert_all_ended_well(other, library)


def started(session):
    from local_import import door
    from local_import.door import Step
    from local_import.pipeline.desk import open_desk
    from local_import.pipeline.run import walk

    door.move(ImportSession, session.pk, Step("start", "Started."))
    with open_desk(session) as desk:
        walk(desk, OPERATOR, lambda: False)


def test_a_place_that_the_library_gave_to_another_file_meanwhile_is_looked_at_again(
    first, other, library, monkeypatch
):
    media = Media.objects.order_by("pk")[0]
    moved = media.path.replace(".jpg", "_moved.jpg")

    def move():
        (library / media.path).rename(library / moved)
        Media.objects.filter(pk=media.pk).update(path=moved)
        ImportItem.objects.filter(media=media).update(destination=moved)

    once(monkeypatch, check, "judge", before=move)

    run_here(other.pk)

    assert_all_ended_well(other, library)


def test_a_file_that_is_really_wrong_still_fails(first, other, library):
    media = Media.objects.order_by("pk")[0]
    (library / media.path).write_bytes(b"rotten")

    run_here(other.pk)

    item = ImportItem.objects.get(session=other, state="failed")
    assert (item.error_code, item.sha256) == ("library_file_wrong", media.sha256)


def test_a_wait_grows_with_the_tries(first, other, library):
    """An undo may be interrupted for hours; nobody asks for it five times a second."""
    ImportSession.objects.filter(pk=first.pk).update(undo_requested_at=first.created_at)
    for media in Media.objects.all():
        (library / media.path).unlink()
    started(other)
    waits = []
    for _ in range(4):
        items = finish_once(other)
        item = items.order_by("pk")[0]
        waits.append((item.next_attempt_at - item.state_changed_at).total_seconds())
        items.update(next_attempt_at=None)

    assert item.state == "pending"
    assert waits == sorted(waits)
    assert waits[-1] > 4 * waits[0]
    assert duplicates.LONGEST_WAIT.total_seconds() <= 60
