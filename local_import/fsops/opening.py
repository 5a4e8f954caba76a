"""Opening a directory by its absolute path, so that the path leads where it led when it was resolved."""

from __future__ import annotations

import os
import stat as modes
from typing import Any

from .problems import LibraryFound, LinkOnTheWay

DIRECTORY: Any = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_ON_THE_WAY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(path: bytes, mark: bytes = b"") -> int:
    """A descriptor of a directory. No component of its path may be a link, and neither it nor any
    directory above it may hold an entry that is called `mark`.

    Raises LinkOnTheWay, LibraryFound or OSError, and ValueError for a path that is not resolved.
    """
    parts = path.split(b"/")
    if not path.startswith(b"/") or b".." in parts:
        raise ValueError(f"not a resolved path: {path!r}")
    # What is mounted on demand is mounted by this, and not by opening it with O_PATH.
    os.close(os.open(path, DIRECTORY))
    try:
        return _descend([part for part in parts if part not in (b"", b".")], mark)
    except OSError as error:
        error.filename = path
        raise


def _descend(names: list[bytes], mark: bytes) -> int:
    here, shown = os.open(b"/", _ON_THE_WAY), b"/"
    try:
        refuse_library(here, shown, mark)
        for name in names:
            here, above = os.open(name, _ON_THE_WAY, dir_fd=here), here
            os.close(above)
            shown = os.path.join(shown, name)
            if modes.S_ISLNK(os.fstat(here).st_mode):
                raise LinkOnTheWay(shown)
            refuse_library(here, shown, mark)
        return os.open(b".", DIRECTORY, dir_fd=here)
    finally:
        os.close(here)


def refuse_library(fd: int, shown: bytes, mark: bytes) -> None:
    """Raises LibraryFound where the open directory holds the mark, OSError where nobody can tell."""
    if not mark:
        return
    try:
        os.stat(mark, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return
    raise LibraryFound(shown)
