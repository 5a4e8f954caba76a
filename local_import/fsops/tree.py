"""A directory tree reached through one descriptor, component by component.

No component is ever followed through a symbolic link, so nobody who can write into the tree can
lead us out of it; and no path is too long, because the kernel only sees one name at a time.
"""

from __future__ import annotations

import errno
import os
import resource
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self, TypeVar

from .opening import DIRECTORY, open_directory, refuse_library
from .problems import LibraryFound

T = TypeVar("T")
Inode = tuple[int, int]  # device and number: what tells a directory from another of its name

OPEN_DIRECTORIES = 320  # descriptors kept for the directories used last, at most
SHARE = 3  # of so many that the process may open, one: the other tree and the database need theirs


class Tree:
    """No directory is entered that holds an entry called `mark`; nor is the root, or one below such.

    Raises OSError when the root is not a directory that can be opened, LinkOnTheWay when a link leads
    to it (unless the path is a setting, which may `follow_links`), and LibraryFound, also later.
    """

    def __init__(self, root: bytes, *, mark: bytes = b"", follow_links: bool = False) -> None:
        self.root, self._mark, self._follow_links = root, mark, follow_links
        self._fd = os.open(root, DIRECTORY) if follow_links else open_directory(root, mark)
        self.device = os.fstat(self._fd).st_dev
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self._entered: dict[bytes, set[Inode]] = {}
        self._most = _most()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.forget()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def anew(self) -> Tree:
        """What stands at the tree's path now, opened as this was. Raises as the class says."""
        return Tree(self.root, mark=self._mark, follow_links=self._follow_links)

    @property
    def descriptor(self) -> int:
        return self._fd

    def full(self, path: bytes) -> bytes:
        """The path as people write it; only for messages."""
        return os.path.join(self.root, path)

    def stat(self, path: bytes) -> os.stat_result:
        """What stands there; a link is not followed."""
        return self.at(path, lambda fd, name: os.stat(name, dir_fd=fd, follow_symlinks=False))

    def exists(self, path: bytes) -> bool:
        try:
            self.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except LibraryFound:  # which nobody looks into, so that it may be there
            return True
        return True

    def at(self, path: bytes, effect: Callable[[int, bytes], T], *, parents: bool = False) -> T:
        """Run `effect(descriptor of the parent, name)`; with `parents`, missing ones are made.

        Errors of the system name the whole path. Raises ValueError for a path that is absolute.
        """
        if path.startswith(b"/"):
            raise ValueError(f"not a path below the tree: {path!r}")
        parent, _, name = path.rpartition(b"/")
        try:
            try:
                return effect(self._directory(parent, make=parents), name)
            except FileNotFoundError:
                if not parents:
                    raise
                self._close_all()  # a directory that was removed since it was opened
                return effect(self._directory(parent, make=True), name)
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._close_all()  # others in this process need descriptors as well
            if not _is_whole(error.filename):  # else it is named already: the other end of a rename
                error.filename, error.filename2 = self.full(path), None
            raise

    def _directory(self, path: bytes, *, make: bool = False) -> int:
        """The descriptor of a directory; those above it stay open as well, so that a neighbour
        costs one step."""
        if not path:
            return self._fd
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        known, missing = self._deepest_open(path)
        for name in missing:
            known = known + b"/" + name if known else name
            above = self._open.get(known.rpartition(b"/")[0], self._fd)
            self._open[known] = fd = self._enter(above, name, make, known)
            self._entered.setdefault(known, set()).add(inode_of(fd))
            self._close_oldest(keep=known)
        return self._open[path]

    def _enter(self, above: int, name: bytes, make: bool, path: bytes) -> int:
        fd = _enter(above, name, make)
        try:
            refuse_library(fd, self.full(path), self._mark)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _deepest_open(self, path: bytes) -> tuple[bytes, list[bytes]]:
        """The nearest directory above that is open, and the names that lead on from it."""
        missing: list[bytes] = []
        while path and path not in self._open:
            path, _, name = path.rpartition(b"/")
            missing.insert(0, name)
        return path, missing

    def _close_oldest(self, keep: bytes) -> None:
        while len(self._open) > self._most:
            path, fd = self._open.popitem(last=False)
            if path == keep:  # the last one that may stay open
                self._open[path] = fd
                return
            os.close(fd)

    def forget(self) -> None:
        """Look every directory up anew from now on; call it where others may have moved some."""
        self._close_all()
        self._entered.clear()

    def _close_all(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    def directory(self, path: bytes) -> Inode:
        """What directory stands at a path. Raises OSError where there is none."""
        return inode_of(self._directory(path))

    def entered(self, path: bytes) -> set[Inode]:
        """The directories that were reached by a path since everything was looked up anew."""
        return self._entered.get(path, set())


def _most() -> int:
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if may_open == resource.RLIM_INFINITY:
        return OPEN_DIRECTORIES
    return min(OPEN_DIRECTORIES, may_open // SHARE)


def inode_of(fd: int) -> Inode:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _is_whole(name: Any) -> bool:
    return isinstance(name, bytes) and name.startswith(b"/")


def _enter(fd: int, name: bytes, make: bool) -> int:
    if name in (b"", b".", b".."):
        raise ValueError(f"not a name below the tree: {name!r}")
    flags: Any = DIRECTORY | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=fd)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(name, 0o755, dir_fd=fd)
    except FileExistsError:
        pass  # another worker was faster
    return os.open(name, flags, dir_fd=fd)
