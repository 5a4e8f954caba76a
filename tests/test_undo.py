"""Undo: every file back at its source, no byte lost, nothing overwritten, interrupted anywhere."""

import json
import os
import shlex
import signal
from hashlib import sha256

import pytest
from django.core.management import call_command
from django.db import connections

from local_import import operations
from local_import.audit_logger import Actor
from local_import.errors import ErrorCode, ImportProblem
from local_import.fsops import effects
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline import restore
from local_import.pipeline.claim import claim
from local_import.pipeline.crew import work_here
from local_import.pipeline.desk import open_desk
from local_import.pipeline.release import release_left
from local_import.pipeline.runner import hold
from local_import.pipeline.worker import run_batch
from local_import.services import sessions, sweeper, undo
from local_import.state_synchronizer import StateSynchronizer
from tests.builders import make_session
from tests.photos import jpeg
from tests.test_sweep import started

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("operator")
PHOTOS = {f"{number}.jpg": jpeg(number + 1) for number in range(3)}
PHOTOS["again.jpg"] = PHOTOS["0.jpg"]
PHOTOS["below/3.jpg"] = jpeg(9)


@pytest.fixture(params=["copy", "move"])
def mode(request):
    return request.param


@pytest.fixture(params=["one disk", "two disks"])
def disks(request, monkeypatch):
    """On two disks no rename leads from one tree to the other."""
    if request.param == "two disks":
        numbers = iter(range(10**6, 10**7))
        made = effects.Tree.__init__

        def make(self, root, **options):
            made(self, root, **options)
            self.device = next(numbers)

        monkeypatch.setattr(effects.Tree, "__init__", make)
    return request.param


@pytest.fixture
def imported(inbox, library, mode, disks):
    (inbox / "below").mkdir()
    for name, content in PHOTOS.items():
        (inbox / name).write_bytes(content)
    return run(started(inbox, mode))


def run(session):
    work_here(session.pk, lambda: False)
    with open_desk(session) as desk:
        release_left(desk, OPERATOR)
    StateSynchronizer().sync_session_with_items(session.pk)
    return ImportSession.objects.get(pk=session.pk)


def ask(session):
    return undo.undo(session.pk, actor=OPERATOR, reason="The wrong card.")


def states():
    return dict(ImportItem.objects.values_list("shown_path", "state"))


def files(tree):
    """Relative path and content of the files of a tree, without its hidden ones."""
    return {
        str(path.relative_to(tree)): path.read_bytes()
        for path in tree.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def in_library(library):
    return {name for name in files(library) if not name.startswith(("quarantine", ".incoming"))}


def assert_nothing_lost(inbox, library):
    """Every content that was ever there stands whole in the source, the library or quarantine."""
    there = {
        sha256(content).digest() for tree in (inbox, library) for content in files(tree).values()
    }
    assert {sha256(content).digest() for content in PHOTOS.values()} <= there


def assert_undone(inbox, library):
    assert files(inbox) == PHOTOS
    assert in_library(library) == set()
    assert not Media.objects.exists()
    assert set(states().values()) <= {"source_restored", "skipped"}
    session = ImportSession.objects.get()
    assert (session.state, session.undo_requested_at) == ("canceled", None)
    assert os.listdir(library / ".incoming") == []
    assert not (inbox / ".incoming").exists()


def test_every_file_is_back_and_the_library_is_empty(imported, inbox, library):
    assert imported.state == "imported"

    report = ask(imported)

    assert (report.undone, report.refused) == (4, [])
    assert_undone(inbox, library)
    assert_nothing_lost(inbox, library)
    told = AuditLog.objects.filter(action="file.restore", actor="operator")
    assert told.count() == 4
    reasons = AuditLog.objects.filter(action="item.restore_source").values_list(
        "message", flat=True
    )
    assert set(reasons) == {"The wrong card."}


def test_an_undo_is_undone_by_importing_again(imported, inbox, library):
    ask(imported)

    sessions.resume(imported.pk, actor=OPERATOR)
    session = sessions.run_to_end(imported.pk, workers=1, actor=OPERATOR)

    assert session.state == "imported"
    assert Media.objects.count() == 4
    assert len(in_library(library)) == 4


def test_other_bytes_at_the_source_are_never_overwritten(imported, inbox, library):
    item = ImportItem.objects.filter(state="imported").first()
    path = inbox / item.shown_path
    path.write_bytes(b"something else")

    report = ask(imported)

    assert [refusal.failure["code"] for refusal in report.refused] == [ErrorCode.SOURCE_OCCUPIED]
    assert path.read_bytes() == b"something else"
    assert states()[item.shown_path] == "imported"
    assert (library / item.destination).exists()
    assert ImportSession.objects.get().state == "imported"
    path.write_bytes(PHOTOS[item.shown_path])
    assert ask(imported).undone == 1
    assert_undone(inbox, library)


def test_a_file_that_the_library_lost_is_told_of_unless_its_source_is_there(
    imported, inbox, library, mode
):
    item = ImportItem.objects.filter(state="imported").first()
    (library / item.destination).unlink()

    report = ask(imported)

    if mode == "copy":
        assert_undone(inbox, library)
    else:
        assert [one.failure["code"] for one in report.refused] == [ErrorCode.LIBRARY_FILE_WRONG]
        assert states()[item.shown_path] == "imported"


def test_a_duplicate_that_still_has_its_bytes_is_imported_instead(
    imported, inbox, library, tmp_path
):
    other = run(other_session(tmp_path, "1.jpg"))
    assert other.counts["skipped"] == 1

    report = ask(imported)

    assert (report.undone, report.refused) == (4, [])
    assert report.handed_over == {other.pk: 1}
    assert ImportSession.objects.get(pk=other.pk).rung_at is not None, "its workers are called"
    done = run(other)
    assert (done.state, done.counts["imported"]) == ("imported", 1)
    assert (library / Media.objects.get().path).read_bytes() == PHOTOS["1.jpg"]
    assert files(inbox) == PHOTOS


def test_who_undoes_is_told_which_session_imports_a_duplicate_instead(imported, tmp_path):
    other = run(other_session(tmp_path, "1.jpg"))

    undone = operations.carry_out(
        "undo", f"session:{imported.pk}", actor=OPERATOR, reason="Wrong card.", wait=True
    )

    assert undone.result["told"] == (
        f"Session {other.pk} imports 1 file that it had skipped as a duplicate."
    )


@pytest.mark.parametrize("fate", ["gone", "changed", "without its source", "unreadable"])
def test_a_file_that_is_the_only_copy_of_another_session_stays(
    imported, inbox, library, tmp_path, fate
):
    other = run(other_session(tmp_path, "1.jpg"))
    lose(tmp_path / "other/twin.jpg", fate)

    report = ask(imported)

    (refusal,) = report.refused
    assert refusal.failure["code"] == ErrorCode.STILL_NEEDED
    assert "twin.jpg" in refusal.failure["diagnosis"]
    assert states()["1.jpg"] == "imported"
    assert (report.undone, states()["twin.jpg"]) == (3, "skipped")
    assert (library / Media.objects.get().path).read_bytes() == PHOTOS["1.jpg"]
    assert ImportSession.objects.get(pk=other.pk).state == "imported"


def lose(duplicate, fate):
    if fate == "changed":
        duplicate.write_bytes(b"something else")
        return
    duplicate.unlink()
    if fate == "unreadable":
        duplicate.mkdir()
    if fate == "without its source":
        duplicate.parent.rmdir()


@pytest.mark.parametrize("remedy", ["bring_duplicate_back", "give_duplicate_up"])
def test_either_remedy_lets_the_undo_come_to_its_end(imported, inbox, library, tmp_path, remedy):
    other = run(other_session(tmp_path, "1.jpg"))
    duplicate = tmp_path / "other/twin.jpg"
    duplicate.rename(tmp_path / "other/elsewhere.jpg")  # else the source would seem unmounted
    (refusal,) = ask(imported).refused
    actions = {one["code"]: one for one in refusal.failure["actions"]}
    assert actions[remedy]["operation"] == "undo"

    if remedy == "bring_duplicate_back":
        (tmp_path / "other/elsewhere.jpg").rename(duplicate)
    else:
        with pytest.raises(SystemExit):  # 1: it is missing now
            call_command(*shlex.split(actions[remedy]["command"])[2:])
    report = ask(imported)

    assert (report.undone, report.refused) == (1, [])
    assert files(inbox) == PHOTOS
    done = run(other)
    ends = {"bring_duplicate_back": "imported", "give_duplicate_up": "missing"}
    assert states()["twin.jpg"] == ends[remedy]
    assert done.counts[ends[remedy]] == 1


def test_a_duplicate_of_what_was_undone_is_looked_at_again_with_the_session(
    imported, inbox, library, mode
):
    ask(imported)
    (inbox / "0.jpg").unlink()

    sessions.resume(imported.pk, actor=OPERATOR)
    session = sessions.run_to_end(imported.pk, workers=1, actor=OPERATOR)

    assert (session.state, states()["0.jpg"]) == ("failed", "missing")
    assert states()["again.jpg"] == "imported"
    assert_nothing_lost(inbox, library)


def other_session(tmp_path, name):
    """A session of another directory, which holds the same bytes as that photo."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "twin.jpg").write_bytes(PHOTOS[name])
    return started(other, "copy")


@pytest.mark.parametrize("moment", ["before the file goes back", "after it went back"])
def test_a_duplicate_that_comes_in_the_middle_is_imported_instead(
    imported, inbox, library, tmp_path, monkeypatch, moment
):
    other = other_session(tmp_path, "1.jpg")
    bring_back = restore._bring_back

    def meanwhile(desk, item):
        if item.shown_path == "1.jpg" and moment.startswith("before"):
            assert finish_once(other).get().skip_reason == "duplicate"
        bring_back(desk, item)
        if item.shown_path == "1.jpg" and moment.startswith("after"):
            assert finish_once(other).get().state == "pending"

    monkeypatch.setattr(restore, "_bring_back", meanwhile)
    report = ask(imported)

    assert (report.undone, report.refused) == (4, [])
    assert files(inbox) == PHOTOS
    ImportItem.objects.filter(session=other).update(next_attempt_at=None)
    done = run(other)
    assert (done.state, done.counts["imported"]) == ("imported", 1)
    media = Media.objects.get()
    assert (library / media.path).read_bytes() == PHOTOS["1.jpg"]


def finish_once(session):
    """One pass over what is due now."""
    with open_desk(session) as desk:
        batch = claim(session.pk, OPERATOR)
        while batch:
            batch = run_batch(desk, batch, OPERATOR, lambda: False)
    return ImportItem.objects.filter(session=session)


@pytest.mark.parametrize("state", ["ready", "expanding", "importing"])
def test_an_import_that_is_not_at_rest_is_not_undone(state):
    session = make_session(state)

    with pytest.raises(ImportProblem) as refusal:
        ask(session)

    assert refusal.value.code == ErrorCode.NOT_ALLOWED
    assert AuditLog.objects.latest("pk").action == "refused.undo"


def test_an_import_that_is_opened_while_its_undo_begins_is_not_undone(imported, monkeypatch):
    def reopened(session):
        skipped = session.items.filter(state="skipped").first()
        operations.carry_out("retry", f"item:{skipped.pk}", actor=OPERATOR, reason="Now.")
        return open_desk(session)

    monkeypatch.setattr(undo, "open_desk", reopened)
    with pytest.raises(ImportProblem) as refusal:
        ask(imported)

    session = ImportSession.objects.get(pk=imported.pk)
    assert (refusal.value.code, session.undo_requested_at) == (ErrorCode.NOT_ALLOWED, None)
    assert not ImportItem.objects.filter(state="source_restored").exists()


def test_ctrl_c_says_how_the_undo_goes_on(imported, inbox, library, monkeypatch, capsys):
    def interrupted(effect, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(effects, "fault_point", interrupted)
    with pytest.raises(SystemExit) as end:
        call_command("import_undo", str(imported.pk))
    monkeypatch.undo()

    assert end.value.code == 130
    assert f"import_undo {imported.pk}" in capsys.readouterr().err
    ask(imported)
    assert_undone(inbox, library)


def test_two_processes_do_not_undo_at_once(imported, monkeypatch):
    monkeypatch.setattr("local_import.pipeline.runner.identity", lambda: "elsewhere:1:1")
    hold(imported.pk)
    monkeypatch.undo()

    with pytest.raises(ImportProblem) as refusal:
        ask(imported)

    assert refusal.value.code == ErrorCode.SESSION_BUSY


def test_no_worker_takes_a_file_while_an_undo_is_under_way(imported):
    assert ImportSession.objects.runnable().filter(pk=imported.pk).exists()

    ImportSession.objects.filter(pk=imported.pk).update(undo_requested_at=imported.created_at)

    assert not ImportSession.objects.runnable().filter(pk=imported.pk).exists()


def test_what_is_being_undone_cannot_be_resumed(imported):
    ImportSession.objects.filter(pk=imported.pk).update(undo_requested_at=imported.created_at)

    with pytest.raises(ImportProblem) as refusal:
        sessions.resume(imported.pk, actor=OPERATOR)

    assert refusal.value.code == ErrorCode.NOT_ALLOWED


def killed_at(point, session):
    """Whether the undo reached that fault point, where its process was killed."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        passed = iter(range(10**6))

        def fault_point(effect, path):
            if next(passed) == point:
                os.kill(os.getpid(), signal.SIGKILL)

        effects.fault_point = fault_point
        try:
            ask(session)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_killed_anywhere_it_loses_nothing_and_a_second_run_finishes(imported, inbox, library):
    point = 0
    while killed_at(point, imported):
        assert_nothing_lost(inbox, library)
        ImportSession.objects.update(runner="", runner_lease_until=None)  # its process is gone
        begun = ImportSession.objects.filter(undo_requested_at__isnull=False).exists()
        if begun and point % 2:
            assert sweeper.sweep()
        else:
            ask(imported)
        assert_undone(inbox, library)
        before = (files(inbox), files(library), AuditLog.objects.count())
        sweeper.sweep()
        assert (files(inbox), files(library), AuditLog.objects.count()) == before
        sessions.resume(imported.pk, actor=OPERATOR)
        sessions.run_to_end(imported.pk, workers=1, actor=OPERATOR)
        point += 1
    assert point >= 4
    assert_undone(inbox, library)


def test_the_command_tells_what_was_undone_and_what_not(imported, inbox, capsys):
    call_command("import_undo", str(imported.pk), "--json")
    told = json.loads(capsys.readouterr().out)

    assert (told["undone"], told["refused"], told["state"]) == (4, [], "canceled")
