"""Probing: what stands at a path and what is in the way to it, for a diagnosis. Changes nothing.

It may wait for ever on a dead network share, so whoever calls sets a limit (troubleshooting/probe.py).
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .mounts import Mount, expected_mount, mount_of

HEAD_BYTES = 16
READ, WRITE, ENTER = os.R_OK, os.W_OK, os.X_OK
_libc = ctypes.CDLL(None, use_errno=True)
# Source: statx(2): stx_attributes is the second word of 64 bits; the flags of chattr(1) i and a.
_ATTRIBUTES_AT, _IMMUTABLE, _STATX_BYTES = 8, 0x10 | 0x20, 256
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW = -100, 0x100


class Identity(NamedTuple):
    """Whom the system asks about: a process by its user and groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @classmethod
    def mine(cls) -> Identity:
        return cls(os.geteuid(), os.getegid(), tuple(sorted(os.getgroups())))


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a path that could be looked at; a link is not followed."""

    path: bytes
    mode: int  # with the type of the file
    uid: int
    gid: int
    size_bytes: int
    mtime_ns: int
    immutable: bool

    @property
    def is_directory(self) -> bool:
        return modes.S_ISDIR(self.mode)

    @property
    def is_regular(self) -> bool:
        return modes.S_ISREG(self.mode)

    @property
    def permissions(self) -> str:
        return f"{modes.S_IMODE(self.mode):04o}"

    def class_of(self, who: Identity) -> str:
        """Which of the three classes of the mode counts for a process: u, g or o."""
        if who.uid == self.uid:
            return "u"
        return "g" if self.gid in (who.gid, *who.groups) else "o"


@dataclass(frozen=True, slots=True)
class Room:
    """What a file system has left, for a process without privileges."""

    free_bytes: int
    size_bytes: int
    free_files: int
    files: int  # 0: the file system has no fixed number


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look at a path found. The parts end where it could not go on."""

    path: bytes
    who: Identity
    parts: tuple[Part, ...]
    missing: bytes = b""  # the first component that is not there
    obstacle: Part | None = None  # the first that refuses `who`
    wants: str = ""  # what it refuses: r, w or x
    error: int = 0  # errno of a look that failed otherwise
    mount: Mount | None = None
    awaited_mount: bytes = b""  # a mount point of /etc/fstab above it that is not mounted
    room: Room | None = None
    is_empty: bool = False  # of the last directory that is there
    head: bytes = b""  # the first bytes of a regular file that may be read

    @property
    def last(self) -> Part:
        return self.parts[-1]

    @property
    def is_there(self) -> bool:
        return self.last.path == self.path


def probe(path: bytes, wants: int = READ, who: Identity | None = None) -> Sight:
    """Look at an absolute path on behalf of a process; of this one when none is named."""
    who = who or Identity.mine()
    parts, missing, error = _walk(path)
    obstacle, letter = _obstacle(parts, path, wants, who)
    if error == errno.EACCES and obstacle is None:
        obstacle, letter = parts[-1], "x"
    last = parts[-1]
    return Sight(
        path,
        who,
        tuple(parts),
        missing,
        obstacle,
        letter,
        error,
        mount_of(path),
        expected_mount(path),
        _room(path if error else last.path),  # not that of another disk, where the look was stopped
        last.is_directory and _is_empty(last.path),
        _head(last) if last.path == path else b"",
    )


def _walk(path: bytes) -> tuple[list[Part], bytes, int]:
    """The components that are there, the first that is missing, and an errno that ended the walk."""
    parts: list[Part] = []
    for component in _components(path):
        try:
            found = os.lstat(component)
        except (FileNotFoundError, NotADirectoryError):
            return parts, component, 0
        except OSError as error:
            return parts, b"", error.errno or errno.EIO
        parts.append(_part(component, found))
    return parts, b"", 0


def _part(path: bytes, found: os.stat_result) -> Part:
    return Part(
        path,
        found.st_mode,
        found.st_uid,
        found.st_gid,
        found.st_size,
        found.st_mtime_ns,
        _is_immutable(path),
    )


def _components(path: bytes) -> Iterator[bytes]:
    yield b"/"
    names = [name for name in path.split(b"/") if name]
    for number in range(1, len(names) + 1):
        yield b"/" + b"/".join(names[:number])


def _obstacle(parts: list[Part], path: bytes, wants: int, who: Identity) -> tuple[Part | None, str]:
    for part in parts:
        for wanted, letter in _wanted(part, parts[-1].path, path, wants):
            if not _may(part, wanted, letter, who):
                return part, letter
    return None, ""


def _wanted(part: Part, last: bytes, path: bytes, wants: int) -> Iterator[tuple[int, str]]:
    """Directories are entered; where the way ends it is read or written, as is wanted.

    Where the path is not there yet, it would be made in the last directory that is.
    """
    if part.is_directory:
        yield ENTER, "x"
    if part.path == path and wants & READ:
        yield READ, "r"
    if part.path == last and wants & WRITE:
        yield WRITE, "w"


def _may(part: Part, wanted: int, letter: str, who: Identity) -> bool:
    """Of this process the system knows best (root, access lists); of another its mode must tell."""
    if who == Identity.mine():
        return modes.S_ISLNK(part.mode) or os.access(part.path, wanted, effective_ids=True)
    if who.uid == 0:
        return True
    shift = {"u": 6, "g": 3, "o": 0}[part.class_of(who)]
    return bool(part.mode >> shift & wanted)


def _is_immutable(path: bytes) -> bool:
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    if _libc.statx(_AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, 0, buffer) != 0:
        return False
    attributes = int.from_bytes(buffer.raw[_ATTRIBUTES_AT : _ATTRIBUTES_AT + 8], "little")
    return bool(attributes & _IMMUTABLE)


def _room(path: bytes) -> Room | None:
    try:
        found = os.statvfs(path)
    except OSError:
        return None
    return Room(
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail,
        found.f_files,
    )


def _is_empty(path: bytes) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def _head(part: Part) -> bytes:
    if not part.is_regular:
        return b""
    try:
        fd = os.open(part.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.pread(fd, HEAD_BYTES, 0)
    except OSError:
        return b""
    finally:
        os.close(fd)
