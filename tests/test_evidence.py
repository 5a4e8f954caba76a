"""What a look adds to a diagnosis: facts from the disk, quickly, and once for many failures."""

import ctypes
import errno
import os
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from local_import import fsops
from local_import.errors import ErrorCode, ImportProblem
from local_import.fsops import Identity
from local_import.models import ImportItem
from local_import.troubleshooting import TroubleshootingEngine, recheck
from local_import.troubleshooting import evidence as evidence_module
from local_import.troubleshooting import probe as probe_module

from .builders import make_item, make_session
from .faults.child import in_child

NOBODY = 65534
LONGEST_S = 2.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changing owners and mounting needs root")


@pytest.fixture(autouse=True)
def forgotten():
    evidence_module.forget()
    probe_module._dead.clear()


def denied(path):
    return PermissionError(errno.EACCES, "Permission denied", os.fsencode(path))


def diagnose(error, path, **context):
    return TroubleshootingEngine().diagnose(error, {"file_path": os.fsencode(path)} | context)


def as_nobody(work):
    """The result of `work` in a child process without privileges."""

    def drop_and_work():
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        return work()

    ending = in_child(drop_and_work)
    assert not ending.error, ending.error
    return ending.result


@pytest.fixture
def open_path(tmp_path_factory):
    """A directory that everybody may enter."""

    with tempfile.TemporaryDirectory(prefix="evidence-") as path:
        Path(path).chmod(0o755)
        yield Path(path)


@needs_root
@pytest.mark.django_db
def test_a_refused_file_is_told_by_owner_mode_and_worker(open_path):
    photo = open_path / "a.jpg"
    photo.touch(0o600)
    os.chown(photo, 1000, 1000)

    found = as_nobody(lambda: diagnose(denied(photo), photo, session=7).as_failure())

    assert found["seen"] == [
        f"{photo} is owned by 1000:1000 with mode 0600; the worker runs as 65534:65534.",
        "It may not read it.",
    ]
    assert found["actions"][0]["command"] == f"chmod o+r {photo}"
    assert found["actions"][0]["then"] == "python manage.py import_photos --resume 7"


@needs_root
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("owner", "mode", "grant"),
    [((0, 0), 0o700, "o+rx"), ((NOBODY, 0), 0o077, "u+rx"), ((0, NOBODY), 0o707, "g+rx")],
)
def test_the_first_directory_that_refuses_is_named(open_path, owner, mode, grant):
    closed = open_path / "closed"
    (closed / "deep").mkdir(parents=True)
    photo = closed / "deep" / "a.jpg"
    photo.touch(0o600)
    os.chown(closed, *owner)
    closed.chmod(mode)

    found = as_nobody(lambda: diagnose(denied(photo), photo).as_failure())

    assert found["evidence"]["obstacle"] == str(closed)
    assert found["actions"][0]["command"] == f"chmod {grant} {closed}"


def test_the_first_missing_component_is_named(tmp_path):
    photo = tmp_path / "gone" / "deep" / "a.jpg"
    (tmp_path / "another").mkdir()

    found = diagnose(FileNotFoundError(errno.ENOENT, "No such file"), photo)

    assert found.code == "source_directory_missing"
    assert found.evidence["missing"] == str(tmp_path / "gone")


def test_an_empty_source_is_a_disk_that_is_not_mounted(tmp_path):
    photo = tmp_path / "DCIM" / "a.jpg"

    found = diagnose(FileNotFoundError(errno.ENOENT, "No such file"), photo, source=tmp_path)

    assert (found.code, found.evidence["mount"]) == ("source_unmounted", str(tmp_path))


@pytest.mark.django_db(transaction=True)
def test_a_source_that_another_import_has_emptied_is_no_unmounted_disk(tmp_path):
    source = os.fsencode(tmp_path)
    mover = make_item(make_session(source=source, mode="move"), state="imported").session
    ImportItem.objects.update(source_disposition="moved")
    mine = make_session(source=source)

    gone = FileNotFoundError(errno.ENOENT, "No such file")
    found = diagnose(gone, tmp_path / "a.jpg", source=source, session=mine.pk)

    assert found.code == "source_missing"
    assert found.seen[-1] == f"Session {mover.pk} moves files of this source into the library."


def test_an_empty_directory_within_the_source_is_no_unmounted_disk(tmp_path):
    (tmp_path / "trip").mkdir()
    photo = tmp_path / "trip" / "a.jpg"

    found = diagnose(FileNotFoundError(errno.ENOENT, "No such file"), photo, source=tmp_path)

    assert found.code == "source_missing"


def test_a_full_disk_is_told_in_bytes(tmp_path):
    found = diagnose(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "a.jpg")

    assert found.code == "disk_full"
    assert "bytes free" in found.seen[0]


@pytest.fixture
def looks(monkeypatch):
    """The paths that were looked at."""
    seen = []

    def counted(path, *arguments):
        seen.append(path)
        return real(path, *arguments)

    real = fsops.probe
    monkeypatch.setattr(fsops, "probe", counted)
    return seen


@pytest.mark.django_db
def test_forty_thousand_equal_failures_cost_one_look(tmp_path, looks):
    began = time.monotonic()
    for number in range(40_000):
        path = tmp_path / f"{number}.jpg"
        found = diagnose(FileNotFoundError(errno.ENOENT, "gone"), path, session=1)
        assert str(path) in found.summary

    spent_s = time.monotonic() - began
    assert len(looks) <= 1 + spent_s / evidence_module.KEPT_S


def test_what_was_seen_of_a_neighbour_is_said_so(tmp_path):
    (tmp_path / "another").touch()
    diagnose(FileNotFoundError(errno.ENOENT, "gone"), tmp_path / "a.jpg")

    found = diagnose(FileNotFoundError(errno.ENOENT, "gone"), tmp_path / "b.jpg")

    assert found.seen[0] == f"Seen at {tmp_path / 'a.jpg'}, in the same directory:"
    assert str(tmp_path / "b.jpg") in found.summary


@pytest.fixture
def dead_mount(tmp_path):
    """A FUSE file system whose program never answers."""
    point = tmp_path / "share"
    point.mkdir()
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mount(b"dead", os.fsencode(point), b"fuse.dead", 0, options) == 0
    yield point
    libc.umount2(os.fsencode(point), 2)  # MNT_DETACH
    os.close(device)  # whoever waits is let go


@needs_root
@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="there is no /dev/fuse")
@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EACCES, errno.ENOENT, errno.ENOSPC, errno.ESTALE, errno.ELOOP]
)
def test_a_mount_that_does_not_answer_holds_up_no_diagnosis(dead_mount, number):
    began = time.monotonic()

    found = diagnose(OSError(number, os.strerror(number)), dead_mount / "a.jpg")

    assert time.monotonic() - began < LONGEST_S
    assert found.seen == [f"{dead_mount} did not answer within {probe_module.LIMIT_S} s."]


@needs_root
@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="there is no /dev/fuse")
def test_a_dead_mount_is_asked_once_and_not_for_each_file(dead_mount):
    began = time.monotonic()
    for number in range(1000):
        diagnose(OSError(errno.EIO, "x"), dead_mount / str(number) / "a.jpg")

    assert time.monotonic() - began < LONGEST_S
    assert recheck("io_error", {"raw_path": os.fsencode(dead_mount)}).gone is None
    assert recheck("source_missing", {"raw_path": os.fsencode(dead_mount)}).gone is False


def change(path):
    """What a look must not do: anything that the times of the directory would tell."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ctime_ns, sorted(os.listdir(path))


def test_a_diagnosis_changes_nothing(tmp_path, library):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    before = change(tmp_path)

    for number in (errno.EACCES, errno.ENOENT, errno.EIO, errno.EROFS, errno.ENOSPC, errno.ELOOP):
        diagnose(OSError(number, os.strerror(number)), photo)
    diagnose(ImportProblem(ErrorCode.DAMAGED, detail="x"), photo)

    assert change(tmp_path) == before
    assert not library.exists()


# Whether the cause is gone, before and after somebody has acted.


@needs_root
def test_a_recheck_asks_for_the_worker_and_not_for_who_looks(open_path):
    photo = open_path / "a.jpg"
    photo.touch(0o600)
    known = {"raw_path": os.fsencode(photo), "worker": f"{NOBODY}:{NOBODY}"}
    known |= {"obstacle": str(photo), "needs": "r"}

    assert recheck("permission_denied", known).gone is False
    photo.chmod(0o644)
    assert recheck("permission_denied", known).gone is True


def test_a_recheck_sees_a_file_that_came_back(tmp_path):
    photo = tmp_path / "a.jpg"
    known = {"raw_path": os.fsencode(photo)}

    assert recheck("source_missing", known).gone is False
    photo.touch()
    assert recheck("source_missing", known).gone is True


def test_a_recheck_of_a_pipe_sees_when_a_file_took_its_place(tmp_path):
    photo = tmp_path / "a.jpg"
    os.mkfifo(photo)
    known = {"raw_path": os.fsencode(photo), "path": str(photo)}

    assert recheck("not_regular_file", known).gone is False
    photo.unlink()
    photo.touch()
    assert recheck("not_regular_file", known).gone is True


def test_a_recheck_sees_that_a_writer_has_finished(tmp_path):
    photo = tmp_path / "a.jpg"
    known = {"raw_path": os.fsencode(photo)}

    with photo.open("wb"):
        assert recheck("source_busy", known).gone is False
    assert recheck("source_busy", known).gone is True


@pytest.mark.parametrize("code", [*ErrorCode.values, "nonsense"])
def test_a_recheck_answers_for_every_code_whatever_is_known(code, tmp_path):
    for known in ({}, {"raw_path": os.fsencode(tmp_path / "a")}, {"raw_path": b"/\xff"}):
        assert recheck(code, known).gone in (True, False, None)


def test_the_worker_of_another_group_is_judged_by_its_own_class(tmp_path):
    photo = tmp_path / "a.jpg"
    photo.touch(0o640)
    owner = photo.stat()
    stranger = Identity(owner.st_uid + 7, owner.st_gid + 7)
    member = Identity(owner.st_uid + 7, owner.st_gid + 7, (owner.st_gid,))

    sight = fsops.probe(os.fsencode(photo), fsops.READ, stranger)
    assert sight.last.class_of(stranger) == "o"
    assert sight.last.class_of(member) == "g"


def test_a_flag_of_the_file_system_is_seen(tmp_path):
    photo = tmp_path / "a.jpg"
    photo.touch()
    if subprocess.run(["chattr", "+i", photo], capture_output=True).returncode:
        pytest.skip("this file system knows no flag immutable, or it takes root to set it")
    try:
        assert fsops.probe(os.fsencode(photo)).last.immutable
        assert not fsops.probe(os.fsencode(tmp_path)).last.immutable
    finally:
        subprocess.run(["chattr", "-i", photo], check=True)


def test_what_could_not_be_looked_at_is_not_said_to_be_absent(tmp_path):
    path = os.fsencode(tmp_path) + b"/" + b"x" * 300

    found = TroubleshootingEngine().diagnose(FileNotFoundError(2, "No such file", path))

    assert f"{path.decode()} could not be looked at: File name too long." in map(str, found.seen)
    assert "does not exist" not in " ".join(map(str, found.seen))


def test_a_disk_that_fails_is_not_taken_for_the_one_above_it(monkeypatch):
    lstat = os.lstat

    def fail(path, **more):
        if path == b"/dev/shm":
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        return lstat(path, **more)

    monkeypatch.setattr(os, "lstat", fail)

    sight = fsops.probe(b"/dev/shm/library")

    assert (sight.mount.point, sight.room, sight.error) == (b"/dev/shm", None, errno.EIO)
