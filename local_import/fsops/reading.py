"""Reading: open without following links, read once, and notice every change meanwhile."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat as modes
import time
from typing import NamedTuple, Self

from .problems import NotRegularFile, SourceChanged, StillOpenForWriting
from .tree import Tree

IN_MEMORY_BYTES = 512 * 1024  # a file up to this size is read whole, once
BLOCK_BYTES = 1024 * 1024  # of a copy
HASH_BYTES = 256 * 1024  # fits the cache of a core; new pages for every file cost more than a read
RACY_NS = 2_000_000_000  # the coarsest clock, that of FAT
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Fingerprint(NamedTuple):
    """What tells a file from another, and from itself after a change."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Fingerprint:
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def is_one_file_with(self, other: Fingerprint) -> bool:
        """Whether both names lead to one inode; two mounts of one export have different devices."""
        if self.inode != other.inode:
            return False
        return self.device == other.device or self[2:] == other[2:]


class Source:
    """An open regular file.

    It is racy when it changed so lately that a change after the reading may fall into the same tick of
    the clock. Then its fingerprint never tells of that change, however old it is when it is compared.
    Source: git, Documentation/technical/racy-git.adoc.
    """

    def __init__(self, fd: int, path: bytes, fingerprint: Fingerprint) -> None:
        self.fd, self.path, self.fingerprint = fd, path, fingerprint
        self.size = fingerprint.size_bytes
        changed_ns = max(fingerprint.mtime_ns, fingerprint.ctime_ns)
        self.is_racy = changed_ns > time.time_ns() - RACY_NS  # asked before anything is read
        whole = self.size <= IN_MEMORY_BYTES
        self._memory = _read_all(fd, self.size) if whole else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes; fewer at the end of the file, none past it."""
        if self._memory:
            return self._memory[offset : offset + length]
        return os.pread(self.fd, length, offset)

    def sha256(self) -> str:
        """Hex digest of every byte. Raises SourceChanged when the file changed while it was read."""
        if self.size <= IN_MEMORY_BYTES:
            digest, count = hashlib.sha256(self._memory), len(self._memory)
        else:
            digest, count = hash_stream(self.fd)
        if count != self.size or Fingerprint.of(os.fstat(self.fd)) != self.fingerprint:
            raise SourceChanged(self.path)
        return digest.hexdigest()


def open_source(
    tree: Tree, path: bytes, *, refuse_writers: bool = True, afresh: bool = False
) -> Source:
    """With `afresh`, the disk is read and not what the kernel remembers of it, as far as it can
    forget: what a disk failed to write may still be remembered.

    Raises NotRegularFile, StillOpenForWriting or OSError; never waits on a pipe.
    """
    try:
        fd = tree.at(path, lambda parent, name: os.open(name, _READ, dir_fd=parent))
    except OSError as error:
        if error.errno == errno.ELOOP or _is_socket(tree, path, error):
            raise NotRegularFile(tree.full(path)) from error
        raise
    try:
        found = os.fstat(fd)
        if not modes.S_ISREG(found.st_mode):
            raise NotRegularFile(tree.full(path))
        if refuse_writers and _has_writer(fd):
            raise StillOpenForWriting(tree.full(path))
        if afresh:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return Source(fd, tree.full(path), Fingerprint.of(found))
    except BaseException:
        os.close(fd)
        raise


def _is_socket(tree: Tree, path: bytes, error: OSError) -> bool:
    """Whether that is why it cannot be opened; a disk that is gone says ENXIO as well."""
    return error.errno == errno.ENXIO and not modes.S_ISREG(tree.stat(path).st_mode)


def refuse_writer(tree: Tree, path: bytes) -> None:
    """Raises StillOpenForWriting where another process is known to have the file open for writing."""
    fd = tree.at(path, lambda parent, name: os.open(name, _READ, dir_fd=parent))
    try:
        if _has_writer(fd):
            raise StillOpenForWriting(tree.full(path))
    finally:
        os.close(fd)


def _has_writer(fd: int) -> bool:
    """Whether another process is known to have the file open for writing: a read lease is refused then.

    Source: fcntl(2), F_SETLEASE. Only the owner or root may ask, and not on every filesystem: False is
    no proof that nobody writes. What proves it better is that the file has been still for a while.
    """
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _read_all(fd: int, size: int) -> bytes:
    data = os.read(fd, size + 1)  # one more: a file that grew is noticed
    while len(data) < size:
        more = os.read(fd, size + 1 - len(data))
        if not more:
            break
        data += more
    return data


def hash_stream(fd: int) -> tuple[hashlib._Hash, int]:
    digest, count = hashlib.sha256(), 0
    block = memoryview(bytearray(HASH_BYTES))
    while length := os.preadv(fd, [block], count):
        digest.update(block[:length])
        count += length
    return digest, count


def digest_of_first(tree: Tree, path: bytes, size_bytes: int) -> str:
    """SHA-256 (hex) of so many bytes at the beginning of a regular file, or of all where it has fewer."""
    with open_source(tree, path, refuse_writers=False) as source:
        hasher, offset = hashlib.sha256(), 0
        while block := source.read_at(offset, min(BLOCK_BYTES, size_bytes - offset)):
            hasher.update(block)
            offset += len(block)
        return hasher.hexdigest()


def digest(tree: Tree, path: bytes, *, afresh: bool = False) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a regular file."""
    with open_source(tree, path, refuse_writers=False, afresh=afresh) as source:
        return source.sha256(), source.size
