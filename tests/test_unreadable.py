"""What cannot be read is neither equal, different nor absent: every caller asks again, and says so."""

import errno
import os

import pytest

from local_import import fsops
from local_import.consistency import breaker, findings, imports, look, rebuild, repair, scheduled
from local_import.consistency.approve import repair_findings
from local_import.consistency.rule import CannotRepair, Depth, Look
from local_import.fsops import Answer, Tree, comparing
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from local_import.pipeline import analyse, worker
from local_import.services import sessions, undo
from local_import.services.sweeper import sweep
from local_import.troubleshooting import recheck
from tests.consistency import OPERATOR, imported, repaired, rules_found, time_passed
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


# The check and its repairs.
@pytest.fixture
def damaged(inbox, library, monkeypatch):
    """A photo of three with other bytes in the library, found an hour later."""
    session = imported(inbox)
    path = library / Media.objects.first().path
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with time_passed(monkeypatch):
        yield session


@pytest.mark.parametrize("number", ERRORS, ids=errno.errorcode.get)
def test_a_repair_of_contents_changes_nothing_while_they_cannot_be_read(damaged, disk, number):
    assert rules_found() == ["media_content"]
    finding = kept("media_content")
    before, disk.error = rows(), number

    outcome = repair_findings([finding], actor=OPERATOR)

    ((_, why),) = outcome.refused
    assert os.strerror(number) in why
    assert rows() == before
    assert Finding.objects.get(pk=finding.pk).state == "open"
    assert errno.errorcode[number] in Finding.objects.get(rule="content_unreadable").summary
    disk.error = 0
    repaired()
    assert rules_found() == []
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"}


def kept(rule):
    findings.keep(look.take(depth=Depth.CONTENTS))
    return Finding.objects.get(rule=rule)


def test_a_repair_refuses_when_the_disk_fails_between_its_looks(damaged, inbox, disk, monkeypatch):
    """The look before the repair read other bytes, and the repair itself cannot read any."""
    finding = kept("media_content")
    again = look.again

    def seen_and_gone(*arguments):
        seen = again(*arguments)
        disk.error = errno.EIO
        return seen

    before = rows()
    monkeypatch.setattr(look, "again", seen_and_gone)
    outcome = repair_findings([finding], actor=OPERATOR)

    assert [why for _, why in outcome.refused] != []
    assert rows() == before


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_copy_that_cannot_be_brought_fails_no_item(damaged, monkeypatch, number):
    finding = kept("media_content")
    before = rows()

    def refuse(*arguments):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fsops, "copy", refuse)
    outcome = repair_findings([finding], actor=OPERATOR)

    ((_, why),) = outcome.refused
    assert os.strerror(number) in why
    assert rows() == before


def test_a_finding_is_not_over_because_nobody_can_look(damaged, library, disk):
    finding = kept("media_content")
    disk.error = errno.EIO
    findings.keep(look.take(depth=Depth.CONTENTS))
    assert Finding.objects.get(pk=finding.pk).state == "open"
    disk.error = 0

    (library / ".photonest-library").rename(library / "mark")
    scheduled.check_contents()

    assert Finding.objects.get(pk=finding.pk).state == "open"


def test_the_nightly_reading_counts_what_it_could_not_read_apart(inbox, library, disk):
    imported(inbox)
    disk.error = errno.EIO

    told = scheduled.check_contents()

    assert (told["found"], told["unreadable"]) == (0, 3)
    finding = Finding.objects.order_by("pk")[0]
    assert finding.rule == "content_unreadable"
    assert "Input/output error (EIO)" in finding.summary
    assert "dmesg" in finding.proposal
    assert not Media.objects.filter(verified_at__isnull=False).exists()
    disk.error = 0
    scheduled.check_contents()
    assert set(Finding.objects.values_list("state", flat=True)) == {"gone"}


@pytest.mark.parametrize("kind", ["different", "unreadable"])
@pytest.mark.parametrize("by", ["check", "night"])
def test_many_contents_that_are_wrong_at_once_freeze_everything(inbox, library, disk, kind, by):
    imported(inbox, breaker.FEWEST + 5)
    held = {}
    if kind == "unreadable":
        disk.error = errno.EIO
    else:
        for media in Media.objects.all():
            path = library / media.path
            held[path] = path.read_bytes()
            path.write_bytes(held[path][:-1] + b"!")
    before = rows()

    if by == "night":
        scheduled.check_contents()
    else:
        findings.keep(look.take(depth=Depth.CONTENTS))
    outcome = repair.repair(depth=Depth.CONTENTS, actor=OPERATOR)

    assert (outcome.repaired, outcome.refused) == ([], [])
    assert rows() == before
    finding = Finding.objects.get()
    assert (finding.rule, finding.severity) == ("contents_wrong_at_once", "critical")
    assert str(breaker.FEWEST + 5) in finding.summary
    scheduled.check(Depth.FILES)
    assert findings.is_frozen()  # a look that reads no contents knows nothing better
    disk.error = 0
    for path, content in held.items():
        path.write_bytes(content)
    scheduled.check_contents()
    assert not findings.is_frozen()


def test_rows_that_differ_are_not_reconciled_by_a_file_that_cannot_be_read(
    inbox, library, disk, monkeypatch
):
    imported(inbox)
    item = ImportItem.objects.first()
    ImportItem.objects.filter(pk=item.pk).update(destination="elsewhere.jpg")
    before, disk.error = rows(), errno.EIO

    (suspect,) = imports.find(Look(item.state_changed_at), None)
    with Tree(bytes(library)) as tree, pytest.raises(CannotRepair, match="could not be read"):
        imports.reconcile(Look(item.state_changed_at, tree), suspect, OPERATOR)

    assert rows() == before


def test_a_rebuild_leaves_out_what_it_cannot_read_and_promises_nothing(inbox, library, monkeypatch):
    (library / "2001").mkdir(parents=True)
    (library / "2001" / "a.jpg").write_bytes(jpeg(1))

    def refuse(source):
        raise OSError(errno.EIO, "Input/output error", b"/a.jpg")

    monkeypatch.setattr(fsops.Source, "sha256", refuse)
    with Tree(bytes(library)) as tree:
        done = rebuild.rebuild(tree, apply=True, actor=OPERATOR)

    ((name, why),) = done.left_out
    assert (done.listed, name) == (0, "2001/a.jpg")
    assert "tried again" not in why


def test_a_recheck_does_not_say_that_a_file_is_wrong_which_it_cannot_read(tmp_path, disk):
    (tmp_path / "a.jpg").write_bytes(b"content")
    known = {"raw_library_file": bytes(tmp_path / "a.jpg"), "sha256": "0" * 64}
    assert recheck("library_file_wrong", known).gone is False

    disk.error = errno.EIO

    assert recheck("library_file_wrong", known).gone is None
