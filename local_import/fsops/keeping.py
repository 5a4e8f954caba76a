"""A cache of small files: each is whole or not there, and the oldest go before it grows too large.

Nothing in it is the only copy of anything, so it may be removed as a whole at any time.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

SHARDS = 256  # directories, by the first two hexadecimal digits of a name
WRITTEN_WITHIN_S = 60.0  # what is being written for longer was left by a process that is gone
_BEING_WRITTEN = b"new-"
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


def kept(root: bytes, name: bytes) -> tuple[bytes, float] | None:
    """Content and age in seconds of a file of the cache; to be read keeps it from going early."""
    path = os.path.join(_shard(root, name), name)
    try:
        fd = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return None
    try:
        found = os.fstat(fd)
        content = os.pread(fd, found.st_size, 0)
    finally:
        os.close(fd)
    with suppress(OSError):  # the time of access says what was wanted last, on any mount
        os.utime(path, ns=(time.time_ns(), found.st_mtime_ns))
    return content, (time.time_ns() - found.st_mtime_ns) / 1e9


def keep(root: bytes, name: bytes, content: bytes, *, most_bytes: int) -> None:
    """Put a file into the cache, which holds `most_bytes` at most.

    Raises OSError; then what was there under that name is still whole.
    """
    shard = _shard(root, name)
    os.makedirs(shard, 0o700, exist_ok=True)
    _make_room(shard, most_bytes // SHARDS - len(content))
    new = os.path.join(shard, _BEING_WRITTEN + b"%d-%d" % (os.getpid(), threading.get_ident()))
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(fd, left) :]
        os.fsync(fd)  # or a power loss might leave the name without the bytes
    except BaseException:
        os.unlink(new)
        raise
    finally:
        os.close(fd)
    os.rename(new, os.path.join(shard, name))


def _shard(root: bytes, name: bytes) -> bytes:
    return os.path.join(root, name[:2])


def _make_room(shard: bytes, most_bytes: int) -> None:
    """Remove what was not wanted for longest, until the shard has `most_bytes` at most."""
    found = list(_finished(shard))
    whole = sum(one.st_size for one, _path in found)
    for one, path in sorted(found, key=lambda pair: pair[0].st_atime_ns):
        if whole <= most_bytes:
            return
        with suppress(FileNotFoundError):  # another process makes room too
            os.unlink(path)
        whole -= one.st_size


def _finished(shard: bytes) -> Iterator[tuple[os.stat_result, bytes]]:
    """The files of a shard that nobody is writing now, and that nobody has removed meanwhile."""
    with os.scandir(shard) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                young = time.time() - found.st_mtime < WRITTEN_WITHIN_S
                if not (young and entry.name.startswith(_BEING_WRITTEN)):
                    yield found, entry.path
