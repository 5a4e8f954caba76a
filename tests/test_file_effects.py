"""Every file effect: nothing overwritten, nothing lost, nobody led out of the tree."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import pytest

from local_import import fsops
from local_import.fsops import Fingerprint, Tree, effects, reading
from tests.conftest import ROOT

CONTENT = b"the only copy"
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def source(tmp_path):
    (tmp_path / "source" / "sub").mkdir(parents=True)
    (tmp_path / "source" / "a.jpg").write_bytes(CONTENT)
    with Tree(os.fsencode(tmp_path / "source")) as tree:
        yield tree


@pytest.fixture
def library(tmp_path):
    (tmp_path / "library").mkdir()
    with Tree(os.fsencode(tmp_path / "library")) as tree:
        yield tree


@pytest.fixture
def other_disk():
    """A directory on another filesystem than the temporary files of the tests."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path, Tree(os.fsencode(path)) as tree:
        yield tree


def known(tree, path=b"a.jpg"):
    return Fingerprint.of(tree.stat(path))


def read(tree, path):
    with fsops.open_source(tree, path) as file:
        return file.read_at(0, 1000)


def full_disk(effect_name, number=errno.ENOSPC):
    def fault(effect, path):
        if effect == effect_name:
            raise OSError(number, os.strerror(number), path)

    return fault


def test_a_moved_file_is_at_its_destination_only(source, library):
    fsops.move(source, b"a.jpg", known(source), library, b"2020/01/02/x.jpg")

    assert read(library, b"2020/01/02/x.jpg") == CONTENT
    assert not source.exists(b"a.jpg")


@pytest.mark.parametrize("verb", ["move", "publish", "quarantine"])
def test_a_directory_that_was_removed_since_it_was_used_is_made_again(source, library, verb):
    """An undo or a person cleans up; a file that cannot land there would be called missing."""
    place = b"quarantine/held" if verb == "quarantine" else b"2020/01/02"
    part = b".incoming/1.part"
    fsops.create(library, place + b"/before.jpg", b"somebody else's")
    fsops.create(library, part, CONTENT)
    os.unlink(library.full(place) + b"/before.jpg")
    os.rmdir(library.full(place))

    if verb == "move":
        fsops.move(source, b"a.jpg", known(source), library, place + b"/x.jpg")
    else:
        getattr(fsops, verb)(library, part, place + b"/x.jpg")

    assert read(library, place + b"/x.jpg") == CONTENT
    assert os.listdir(library.full(place)) == [b"x.jpg"]


@pytest.mark.parametrize("verb", ["move", "publish", "quarantine"])
def test_nothing_is_ever_overwritten(source, library, verb):
    taken = b"quarantine/x" if verb == "quarantine" else b"x"
    fsops.create(library, taken, b"somebody else's")
    fsops.create(library, b".incoming/1.part", CONTENT)

    with pytest.raises(fsops.DestinationTaken):
        if verb == "move":
            fsops.move(source, b"a.jpg", known(source), library, taken)
        elif verb == "publish":
            fsops.publish(library, b".incoming/1.part", taken)
        else:
            fsops.quarantine(library, b".incoming/1.part", taken)

    assert read(library, taken) == b"somebody else's"
    assert read(source, b"a.jpg") == read(library, b".incoming/1.part") == CONTENT


def test_a_file_that_was_replaced_is_not_moved(source, library):
    before = known(source)
    fsops.create(source, b"b.jpg", b"other bytes!!")
    os.rename(source.full(b"b.jpg"), source.full(b"a.jpg"))

    with pytest.raises(fsops.SourceChanged):
        fsops.move(source, b"a.jpg", before, library, b"x.jpg")

    assert read(source, b"a.jpg") == b"other bytes!!"
    assert not library.exists(b"x.jpg")


def test_a_file_replaced_in_the_last_moment_goes_back(source, library, monkeypatch):
    def replace(effect, path):
        monkeypatch.setattr(effects, "fault_point", effects._nothing)
        fsops.create(source, b"b.jpg", b"other bytes!!")
        os.rename(source.full(b"b.jpg"), source.full(b"a.jpg"))

    before = known(source)
    monkeypatch.setattr(effects, "fault_point", replace)

    with pytest.raises(fsops.SourceChanged):
        fsops.move(source, b"a.jpg", before, library, b"x.jpg")

    assert read(source, b"a.jpg") == b"other bytes!!"
    assert not library.exists(b"x.jpg")


def test_a_file_with_a_second_name_is_not_moved(source, library):
    os.link(source.full(b"a.jpg"), source.full(b"second.jpg"))

    with pytest.raises(fsops.CannotRename):
        fsops.move(source, b"a.jpg", known(source), library, b"x.jpg")


def test_a_file_does_not_travel_by_rename_to_another_filesystem(source, other_disk):
    if source.device == other_disk.device:
        pytest.fail("/dev/shm must be a filesystem of its own for this test")

    with pytest.raises(fsops.CannotRename):
        fsops.move(source, b"a.jpg", known(source), other_disk, b"x.jpg")

    assert read(source, b"a.jpg") == CONTENT


def test_a_copy_across_filesystems_is_whole_and_keeps_the_time(source, other_disk):
    part = b".incoming/1-1.part"

    fsops.copy(source, b"a.jpg", known(source), DIGEST, other_disk, part)
    fsops.publish(other_disk, part, b"2020/x.jpg")

    assert read(other_disk, b"2020/x.jpg") == CONTENT
    assert other_disk.stat(b"2020/x.jpg").st_mtime_ns == source.stat(b"a.jpg").st_mtime_ns
    assert not other_disk.exists(part)


@pytest.mark.parametrize("effect", ["create", "write"])
def test_a_full_disk_leaves_no_half_copy(source, library, monkeypatch, effect):
    monkeypatch.setattr(effects, "fault_point", full_disk(effect))

    with pytest.raises(OSError, match="No space"):
        fsops.copy(source, b"a.jpg", known(source), DIGEST, library, b".incoming/1-1.part")

    assert not library.exists(b".incoming/1-1.part")
    assert read(source, b"a.jpg") == CONTENT


def test_a_copy_of_other_bytes_than_were_hashed_is_thrown_away(source, library):
    with pytest.raises(fsops.SourceChanged):
        fsops.copy(source, b"a.jpg", known(source), "0" * 64, library, b".incoming/1-1.part")

    assert not library.exists(b".incoming/1-1.part")


@pytest.mark.parametrize("remembered", [True, False])
def test_a_source_is_released_only_when_it_is_what_was_copied(source, library, remembered):
    fsops.create(library, b"x.jpg", CONTENT)
    before = known(source) if remembered else None
    with open(source.full(b"a.jpg"), "ab") as file:
        file.write(b", edited")

    with pytest.raises(fsops.SourceChanged):
        fsops.release(source, b"a.jpg", before, DIGEST, library, b"x.jpg")

    assert read(source, b"a.jpg") == CONTENT + b", edited"


def test_a_source_that_is_what_was_copied_is_released(source, library):
    fsops.create(library, b"x.jpg", CONTENT)

    fsops.release(source, b"a.jpg", None, DIGEST, library, b"x.jpg")

    assert not source.exists(b"a.jpg")


@pytest.mark.parametrize("path", [b"2020/x.jpg", b".incoming/../2020/x.jpg", b"a.part"])
def test_only_temporary_files_are_discarded(library, path):
    with pytest.raises(ValueError, match="not a temporary file"):
        fsops.discard(library, path)


def test_quarantine_is_a_place_below_quarantine(library):
    with pytest.raises(ValueError, match="not below quarantine"):
        fsops.quarantine(library, b"2020/x.jpg", b"elsewhere/x.jpg")


def test_a_directory_swapped_for_a_link_leads_nobody_out(source, library, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.jpg").write_bytes(b"not yours")
    os.rmdir(source.full(b"sub"))
    os.symlink(tmp_path / "secret", source.full(b"sub"))

    with pytest.raises(OSError):
        fsops.open_source(source, b"sub/x.jpg")


def test_a_library_directory_that_is_a_link_is_not_written_through(source, library, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", library.full(b"2020"))

    with pytest.raises(OSError):
        fsops.move(source, b"a.jpg", known(source), library, b"2020/x.jpg")

    assert os.listdir(tmp_path / "elsewhere") == []
    assert read(source, b"a.jpg") == CONTENT


@pytest.mark.parametrize("path", [b"../a.jpg", b"sub/../../a.jpg", b"./a.jpg"])
def test_no_path_leads_upwards(library, path):
    fsops.make_directory(library.full(b"sub"))

    with pytest.raises(ValueError, match="not a name below the tree"):
        fsops.create(library, path + b"/x", b"")


def test_a_link_is_no_file(source):
    os.symlink("a.jpg", source.full(b"link.jpg"))

    with pytest.raises(fsops.NotRegularFile):
        fsops.open_source(source, b"link.jpg")


def test_a_pipe_is_no_file_and_nobody_waits_for_it(source):
    os.mkfifo(source.full(b"pipe.jpg"))

    with pytest.raises(fsops.NotRegularFile):
        fsops.open_source(source, b"pipe.jpg")


def test_a_file_that_is_still_written_is_refused(source):
    with open(source.full(b"a.jpg"), "ab"), pytest.raises(fsops.StillOpenForWriting):
        fsops.open_source(source, b"a.jpg")


def test_a_file_that_grows_while_it_is_read_is_noticed(source):
    with fsops.open_source(source, b"a.jpg") as file:
        with open(source.full(b"a.jpg"), "ab") as writer:
            writer.write(b"more")

        with pytest.raises(fsops.SourceChanged):
            file.sha256()


def test_a_walk_goes_on_past_a_directory_that_cannot_be_listed(source, monkeypatch):
    fsops.create(source, b"sub/b.jpg", CONTENT)
    fsops.create(source, b"other/c.jpg", CONTENT)
    scandir = os.scandir

    def refuse(fd):
        if os.readlink(f"/proc/self/fd/{fd}").endswith("/sub"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(fd)

    monkeypatch.setattr(os, "scandir", refuse)
    found = {entry.path: entry.kind for entry in fsops.walk(source)}

    assert found == {b"a.jpg": "file", b"other/c.jpg": "file", b"sub": "unreadable_directory"}


def test_the_probe_of_a_writable_library_has_no_name(library, monkeypatch):
    seen = []
    monkeypatch.setattr(
        effects, "fault_point", lambda *_: seen.append(os.listdir(library.root + b"/.incoming"))
    )
    fsops.make_directory(library.full(b".incoming"))

    fsops.writable(library)

    assert seen == [[], []]
    assert os.listdir(library.root + b"/.incoming") == []


def test_a_filesystem_without_unnamed_files_is_probed_by_name(library, monkeypatch):
    real = os.open

    def refuse(path, flags, *arguments, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return real(path, flags, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    fsops.writable(library)

    assert os.listdir(library.root + b"/.incoming") == []


@pytest.mark.parametrize("path", [b"/etc/hostname", b"/made/by/us", b"../library/a"])
def test_no_path_leads_out_of_a_tree_and_nothing_is_made_on_the_way(library, tmp_path, path):
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(ValueError, match="not a "):
        fsops.create(library, path, CONTENT)

    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("may_open", [30, resource.RLIM_INFINITY])
def test_a_tree_leaves_descriptors_to_others(tmp_path, monkeypatch, may_open):
    """The database opens files of its own, just while a deep directory is being recorded."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (may_open, 4096))
    deep = b"/".join([b"d"] * 40)
    os.makedirs(os.fsencode(tmp_path) + b"/" + deep)

    with Tree(os.fsencode(tmp_path)) as tree:
        before = len(os.listdir("/proc/self/fd"))
        tree.stat(deep)
        held = len(os.listdir("/proc/self/fd")) - before

    assert held == (10 if may_open == 30 else 39)


REACH = """
import resource, sys
from hashlib import sha256
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
from local_import import fsops
from local_import.fsops import reading
deep = b"/".join([b"d"] * 100 + [b"a.jpg"])
with fsops.Tree(sys.argv[1].encode()) as tree:
    fsops.create(tree, deep, b"content")
    assert reading.digest(tree, deep)[0] == sha256(b"content").hexdigest()
"""


def test_a_path_deeper_than_a_process_may_open_files_is_reached(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", REACH, str(tmp_path)], capture_output=True, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr


def read_from_disk():
    """Bytes that this process had fetched from a disk so far."""
    with open("/proc/self/io", "rb") as file:
        return int(dict(line.split(b": ") for line in file)[b"read_bytes"])


@pytest.mark.parametrize("size", [fsops.reading.IN_MEMORY_BYTES // 4, 2 * 1024 * 1024])
def test_to_read_afresh_is_to_read_the_disk_and_not_what_is_remembered_of_it(size):
    """What a disk failed to write may still be in memory, where its hash is right."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as path, Tree(os.fsencode(path)) as tree:
        fsops.create(tree, b"a.jpg", b"x" * size)
        fsops.sync(tree)
        before = read_from_disk()
        assert reading.digest(tree, b"a.jpg")[0] == reading.digest(tree, b"a.jpg")[0]
        remembered = read_from_disk() - before
        assert reading.digest(tree, b"a.jpg", afresh=True)[1] == size
        afresh = read_from_disk() - before - remembered

    assert (remembered, afresh >= size) == (0, True)
