"""A directory tree reached through one descriptor, component by component.

No component is ever followed through a symbolic link, so nobody who can write into the tree can
lead us out of it; and no path is too long, because the kernel only sees one name at a time.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self, TypeVar

T = TypeVar("T")

OPEN_DIRECTORIES = 64  # descriptors kept for the directories used last
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Tree:
    """Raises OSError when the root is not a directory that can be opened."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self._fd = os.open(root, _DIRECTORY)
        self.device = os.fstat(self._fd).st_dev
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        while self._open:
            os.close(self._open.popitem()[1])
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

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
        return True

    def at(self, path: bytes, effect: Callable[[int, bytes], T], *, parents: bool = False) -> T:
        """Run `effect(descriptor of the parent, name)`; with `parents`, missing ones are made.

        A directory that was moved or replaced since it was opened is looked up anew.
        Errors of the system name the whole path.
        """
        parent, _, name = path.rpartition(b"/")
        known = parent in self._open
        try:
            try:
                return effect(self._directory(parent), name)
            except FileNotFoundError:
                if not known and not parents:
                    raise
                self._forget(parent)
                return effect(self._directory(parent, make=parents), name)
        except OSError as error:
            error.filename, error.filename2 = self.full(path), None
            raise

    def _directory(self, path: bytes, *, make: bool = False) -> int:
        if not path:
            return self._fd
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        fd = self._walk_down(path, make)
        self._open[path] = fd
        if len(self._open) > OPEN_DIRECTORIES:
            os.close(self._open.popitem(last=False)[1])
        return fd

    def _walk_down(self, path: bytes, make: bool) -> int:
        fd = self._fd
        for name in path.split(b"/"):
            try:
                below = _enter(fd, name, make)
            finally:
                if fd != self._fd:
                    os.close(fd)
            fd = below
        return fd

    def _forget(self, path: bytes) -> None:
        fd = self._open.pop(path, None)
        if fd is not None:
            os.close(fd)


def _enter(fd: int, name: bytes, make: bool) -> int:
    if name in (b"", b".", b".."):
        raise ValueError(f"not a name below the tree: {name!r}")
    flags: Any = _DIRECTORY | os.O_NOFOLLOW
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
