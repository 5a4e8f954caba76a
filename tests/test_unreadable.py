"""What cannot be read is neither equal, different nor absent: every caller asks again, and says so."""

import errno
import os

import pytest

from local_import import fsops
from local_import.fsops import Answer, Tree, comparing
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline import analyse, worker
from local_import.services import sessions, undo
from local_import.services.sweeper import sweep
from local_import.troubleshooting import recheck
from tests.consistency import OPERATOR, imported
from tests.faults.flow import run_here
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
ERRORS = (
    *(errno.EIO, errno.EACCES, errno.ESTALE, errno.ENXIO, errno.ETIMEDOUT, errno.EMFILE),
    *(errno.ENOTCONN, errno.ENOMEM),
)


@pytest.fixture
def disk(monkeypatch):
    """A disk that refuses to be read while its `error` is set; `spares` are still read."""

    class Disk:
        error = 0
        spares = ()

        def digest(self, tree, path, **options):
            if self.error and tree.exists(path) and not path.endswith(self.spares or b"\0"):
                raise OSError(self.error, os.strerror(self.error), tree.full(path))
            return read(tree, path, **options)

    read = comparing.digest
    disk = Disk()
    monkeypatch.setattr(comparing, "digest", disk.digest)
    monkeypatch.setattr(analyse, "FIRST_RETRY_S", 0.0)
    return disk


def rows():
    return (
        list(ImportItem.objects.order_by("pk").values("pk", "state", "sha256", "media", "failure")),
        list(Media.objects.order_by("pk").values("pk", "path", "sha256", "size_bytes")),
        list(ImportSession.objects.order_by("pk").values("pk", "state")),
    )


def files(tree):
    return {p.relative_to(tree): p.read_bytes() for p in tree.rglob("*") if p.is_file()}


# The answer itself.
@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_an_error_of_the_system_is_no_answer(tmp_path, disk, number):
    (tmp_path / "a").write_bytes(b"content")
    disk.error = number

    with Tree(bytes(tmp_path)) as tree:
        told = fsops.compare(tree, b"a", "0" * 64)

    assert (told.answer, told.error.errno) == (Answer.UNREADABLE, number)


def test_the_other_answers(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    right = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"

    with Tree(bytes(tmp_path)) as tree:
        told = {
            name: fsops.compare(tree, name, right).answer
            for name in (b"file", b"link", b"directory", b"pipe", b"none", b"file/below", b"../x")
        }
        other = fsops.compare(tree, b"file", "0" * 64)

    different, absent = Answer.DIFFERENT, Answer.ABSENT
    assert list(told.values()) == [Answer.EQUAL, *[different] * 3, *[absent] * 3]
    assert (other.answer, other.sha256) == (different, right)


def test_a_file_that_changes_while_it_is_read_and_a_tree_that_was_removed_are_no_answers(
    tmp_path, monkeypatch
):
    (tmp_path / "library").mkdir()
    with Tree(bytes(tmp_path / "library")) as tree:
        (tmp_path / "library").rmdir()
        assert fsops.compare(tree, b"a", "").answer is Answer.UNREADABLE

    def changed(tree, path, **options):
        raise fsops.SourceChanged(path)

    monkeypatch.setattr(comparing, "digest", changed)
    with Tree(bytes(tmp_path)) as tree:
        assert fsops.compare(tree, b"a", "").answer is Answer.UNREADABLE


# Imports.
def test_a_duplicate_waits_for_the_file_of_the_library_that_cannot_be_read(
    inbox, library, tmp_path, disk
):
    imported(inbox, 1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "again.jpg").write_bytes(jpeg(1))
    session = sessions.create(bytes(other))
    number = iter(range(10**6))

    def once(tree, path, **options):
        if next(number) == 0:
            raise OSError(errno.EIO, "Input/output error", tree.full(path))
        return read(tree, path, **options)

    read, comparing.digest = comparing.digest, once
    run_here(session.pk)

    item = ImportItem.objects.get(session=session)
    assert (item.state, item.skip_reason, item.retries) == ("skipped", "duplicate", 1)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EIO, "io_error"), (errno.EACCES, "permission_denied")]
)
def test_a_duplicate_that_can_wait_no_longer_names_the_file_and_why(
    inbox, library, tmp_path, settings, disk, number, code
):
    settings.PHOTONEST_RETRIES = 1
    imported(inbox, 1)
    other = tmp_path / "other"
    other.mkdir()
    (other / "again.jpg").write_bytes(jpeg(1))
    session, disk.error = sessions.create(bytes(other)), number

    assert run_here(session.pk).state == "failed"

    item = ImportItem.objects.get(session=session)
    assert item.error_code == code
    assert str(library / Media.objects.get().path) in item.failure["summary"]
    assert "again.jpg" in item.failure["diagnosis"]
    disk.error = 0
    run_here(sessions.resume(session.pk, actor=OPERATOR).pk)
    assert ImportItem.objects.get(session=session).skip_reason == "duplicate"


def test_a_source_stays_until_its_copy_can_be_read(inbox, library, disk, monkeypatch):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    monkeypatch.setattr("local_import.pipeline.desk.Desk.renames", False)
    session = sessions.create(bytes(inbox), mode="move")
    disk.error = errno.EIO

    run_here(session.pk)
    sweep()

    item = ImportItem.objects.get()
    assert (item.state, item.source_disposition) == ("imported", "release_due")
    assert (inbox / "a.jpg").exists()
    told = AuditLog.objects.filter(action="file.release").values_list("message", flat=True)
    assert list(told) == [
        "Kept for now: the copy in the library could not be read: Input/output error."
    ]
    disk.error = 0
    sweep()
    assert ImportItem.objects.get().source_disposition == "released"
    assert not (inbox / "a.jpg").exists()


def test_what_stands_at_the_place_of_a_photo_is_no_reason_for_another_name_while_it_is_unread(
    inbox, library, disk, settings
):
    settings.PHOTONEST_RETRIES = 0
    session = imported(inbox, 1)
    path = Media.objects.get().path
    undo.undo(session.pk, actor=OPERATOR, reason="Again.")
    (library / path).write_bytes(jpeg(1))  # a late worker's
    disk.error = errno.EIO

    run_here(sessions.resume(session.pk, actor=OPERATOR).pk)

    item = ImportItem.objects.get()
    assert (item.state, item.error_code) == ("failed", "io_error")
    disk.error = 0
    run_here(sessions.resume(session.pk, actor=OPERATOR).pk)
    item = ImportItem.objects.get()
    assert (item.state, item.destination) == ("imported", path)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_what_a_dead_worker_placed_is_asked_about_again(inbox, library, disk, mode):
    item = left_in_motion(inbox, library, mode)
    disk.error = errno.EIO

    sweep()

    left = ImportItem.objects.get()
    assert (left.state, left.destination) == (
        "pending" if mode == "copy" else "missing",
        item.destination,
    )
    if mode == "move":
        assert left.code == "io_error"
        assert item.destination in left.failure["summary"]
    disk.error = 0
    sweep()
    if mode == "copy":
        run_here(item.session_id)
    assert ImportItem.objects.get().state == "imported"
    assert (library / Media.objects.get().path).read_bytes() == jpeg(1)


def left_in_motion(inbox, library, mode):
    """The bytes are at their place, and the worker died before it recorded that."""
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = sessions.create(bytes(inbox), mode=mode)

    def die(*arguments, **options):
        raise RuntimeError("died")

    settle, worker.settle = worker.settle, die
    try:
        with pytest.raises(RuntimeError):
            run_here(session.pk)
    finally:
        worker.settle = settle
    ImportItem.objects.update(owner="elsewhere:1:1", lease_until=session.created_at)
    item = ImportItem.objects.get()
    assert (item.state, (library / item.destination).exists()) == ("moving", True)
    return item


def test_a_copy_of_a_dead_worker_that_cannot_be_read_is_not_thrown_away(inbox, library, disk):
    item = left_in_motion(inbox, library, "copy")
    part = library / ".incoming" / f"{item.pk}-{item.fence}.part"
    (library / item.destination).rename(part)
    (inbox / "a.jpg").unlink()
    disk.error, disk.spares = errno.EIO, (item.destination.encode(),)

    sweep()

    assert ImportItem.objects.get().state == "missing"
    assert jpeg(1) in files(library / "quarantine").values()


@pytest.mark.parametrize("refused", ["library", "source"])
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_an_undo_leaves_what_it_cannot_read_and_says_so(inbox, library, disk, mode, refused):
    session = imported(inbox, 1, mode)
    place = Media.objects.get().path
    if refused == "source" and mode == "move":
        (inbox / "0.jpg").write_bytes(jpeg(1))
    disk.error = errno.EIO
    disk.spares = (b"0.jpg",) if refused == "library" else (place.encode(),)
    before = (files(inbox), files(library))

    report = undo.undo(session.pk, actor=OPERATOR, reason="Wrong card.")

    (refusal,) = report.refused
    assert refusal.failure["code"] == "io_error"
    named = place if refused == "library" else "0.jpg"
    assert named in refusal.failure["summary"]
    assert (files(inbox), files(library)) == before
    disk.error = 0
    assert undo.undo(session.pk, actor=OPERATOR, reason="Wrong card.").undone == 1


def test_a_recheck_does_not_say_that_a_file_is_wrong_which_it_cannot_read(tmp_path, disk):
    (tmp_path / "a.jpg").write_bytes(b"content")
    known = {"raw_library_file": bytes(tmp_path / "a.jpg"), "sha256": "0" * 64}
    assert recheck("library_file_wrong", known).gone is False

    disk.error = errno.EIO

    assert recheck("library_file_wrong", known).gone is None
