"""The cache of small files: bounded, whole or not there, whatever interrupts a writer."""

import errno
import os
import random
import threading
from pathlib import Path

import pytest

from local_import import fsops
from local_import.fsops import keeping

ROOM = 64 * 1024
SHARES = 4


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Of few shards, so that each is filled soon."""
    monkeypatch.setattr(keeping, "SHARDS", SHARES)
    return tmp_path / "cache"


def name_of(number):
    return b"%02x-%d" % (number % SHARES, number)


def keep(cache, number, content, most_bytes=ROOM):
    fsops.keep(os.fsencode(cache), name_of(number), content, most_bytes=most_bytes)


def kept(cache, number):
    found = fsops.kept(os.fsencode(cache), name_of(number))
    return found and found[0]


def files(cache):
    return [path for path in Path(cache).rglob("*") if path.is_file()]


def test_it_never_holds_more_than_it_may(cache):
    chance = random.Random(7)
    for number in range(400):
        content = os.urandom(chance.randrange(1, 3_000))
        keep(cache, number, content)

        assert kept(cache, number) == content
        assert sum(path.stat().st_size for path in files(cache)) <= ROOM


def test_a_file_that_is_larger_than_its_share_stands_there_alone(cache):
    keep(cache, 0, b"x" * 100)
    keep(cache, SHARES, b"y" * ROOM)

    assert kept(cache, 0) is None
    assert kept(cache, SHARES) == b"y" * ROOM
    keep(cache, 2 * SHARES, b"z")
    assert kept(cache, SHARES) is None, "it is the first to go"


def test_what_was_wanted_last_stays_longest(cache):
    share = ROOM // SHARES
    first, second, third = 0, SHARES, 2 * SHARES
    for number in (first, second):
        keep(cache, number, b"x" * (share // 2))
    assert kept(cache, first) is not None

    keep(cache, third, b"x" * (share // 2))

    assert kept(cache, first) is not None
    assert kept(cache, second) is None


class Ended(BaseException):
    """A process that is killed: nothing is tidied up after it."""


@pytest.mark.parametrize("step", ["open", "write", "fsync", "rename"])
@pytest.mark.parametrize("before", [b"", b"old" * 100], ids=["new", "there already"])
def test_a_writer_that_is_killed_anywhere_leaves_the_old_file_whole(
    cache, step, before, monkeypatch
):
    if before:
        keep(cache, 0, before)
    child = os.fork()
    if child == 0:
        _die_at(step)
        keep(cache, 0, b"new" * 1_000)
        os._exit(1)  # it lived through it
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

    assert kept(cache, 0) == (before or None)
    monkeypatch.setattr(keeping, "WRITTEN_WITHIN_S", 0.0)
    for number in range(0, 40 * SHARES, SHARES):
        keep(cache, number, os.urandom(1_000))
    assert not [path for path in files(cache) if path.name.startswith("new-")], "its rest goes too"


def _die_at(step):
    real = getattr(os, step)

    def die(*args, **options):
        if step == "write":
            real(args[0], bytes(args[1][:500]))
        elif step != "rename":
            real(*args, **options)
        os._exit(9)

    setattr(os, step, die)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(cache, monkeypatch, code):
    keep(cache, 0, b"old")
    write = os.write

    def fail(fd, data):
        if len(data) <= 500:
            raise OSError(code, os.strerror(code))
        return write(fd, data[:500])

    with monkeypatch.context() as patch, pytest.raises(OSError, match=os.strerror(code)):
        patch.setattr(os, "write", fail)
        keep(cache, 0, b"new" * 1_000)

    assert kept(cache, 0) == b"old"
    assert len(files(cache)) == 1


def test_readers_beside_writers_see_whole_files_only(cache):
    whole = {bytes([letter]) * size for letter in b"abcd" for size in (10, 4_000, 15_000)}
    ends = threading.Event()

    def write(seed):
        chance = random.Random(seed)
        contents = sorted(whole)
        while not ends.is_set():
            keep(cache, 0, chance.choice(contents))

    writers = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    try:
        seen = [kept(cache, 0) for _ in range(3_000)]
    finally:
        ends.set()
        for writer in writers:
            writer.join()

    assert set(seen) - {None} <= whole
    assert len(set(seen)) > 2


def test_a_link_in_its_place_is_not_followed(cache, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"a key")
    keep(cache, 0, b"picture")
    (place,) = files(cache)
    place.unlink()
    place.symlink_to(secret)

    assert kept(cache, 0) is None
    keep(cache, 0, b"picture")
    assert kept(cache, 0) == b"picture"
    assert secret.read_bytes() == b"a key"
