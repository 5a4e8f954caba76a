"""Walking a source: every entry is told of once, as it is found; no link is followed."""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .tree import Tree

PORTION = 4096  # names of a directory that are held at a time
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Directories and files that systems and NAS boxes keep for themselves.
SYSTEM_NAMES = frozenset(
    {
        b"@eadir",
        b"#recycle",
        b"#snapshot",
        b"$recycle.bin",
        b"system volume information",
        b"lost+found",
        b"thumbs.db",
        b"ehthumbs.db",
        b"desktop.ini",
        b"__macosx",
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    path: bytes  # below the tree
    kind: str  # file, special, unreadable_directory or left_out
    size_bytes: int = 0
    mtime_ns: int = 0
    reason: str = ""  # of left_out: hidden, system or symlink; of an unreadable directory: why


def walk(tree: Tree, path: bytes = b"") -> Iterator[Found]:
    """Depth first, in the disk's order; of each level one portion of names is held at a time.

    Raises OSError when the tree itself cannot be listed.
    """
    stack = [_listing(tree, path)]
    while stack:
        try:
            entry = next(stack[-1], None)
        except OSError as error:
            stack.pop()
            where = _of(error, tree)
            if not where:
                raise
            yield Found(where, "unreadable_directory", reason=error.strerror or "")
            continue
        if entry is None:
            stack.pop()
        elif entry.kind == "directory":
            stack.append(_listing(tree, entry.path))
        else:
            yield entry


def find(tree: Tree, path: bytes) -> Found | None:
    """What a walk tells of one path: of itself, or of the first thing above it that is left out.

    None when it is not there.
    """
    found, here = None, b""
    for name in path.split(b"/"):
        here = os.path.join(here, name)
        found = _entry(tree, here, name)
        if found is None or found.kind != "directory":
            return found
    return found


def is_empty(tree: Tree) -> bool:
    """Whether nothing at all stands at the top of the tree, as in a mount point without its disk."""
    return next(_portions(tree, b"")) == []


def listing(tree: Tree, path: bytes) -> list[bytes] | None:
    """What a directory holds that a walk would tell of; None for anything else.

    Raises OSError when that cannot be found.
    """
    if not modes.S_ISDIR(tree.stat(path).st_mode):
        return None
    return [found.path for found in _listing(tree, path) if found.kind != "left_out"]


@dataclass(frozen=True, slots=True)
class Glance:
    """What stands in one directory, as far as was looked."""

    directories: tuple[bytes, ...]  # their names, in order
    files: int
    is_cut: bool  # there is more than was looked at


def glance(tree: Tree, path: bytes, most: int) -> Glance:
    """Look at up to so many entries of one directory; what a walk leaves out is not told of.

    Raises OSError when it cannot be listed, and ValueError for a path that leads out of the tree.
    """
    directories, files, looked = [], 0, 0
    fd = _opened(tree, path)
    try:
        with os.scandir(fd) as entries:
            for looked, entry in enumerate(entries, 1):
                if looked > most:
                    break
                if is_left_out(name := os.fsencode(entry.name)):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    directories.append(name)
                files += entry.is_file(follow_symlinks=False)
    finally:
        os.close(fd)
    return Glance(tuple(sorted(directories)), files, looked > most)


def is_left_out(name: bytes) -> bool:
    """Whether a walk leaves out whatever has this name."""
    return name.startswith(b".") or name.lower() in SYSTEM_NAMES


def _of(error: OSError, tree: Tree) -> bytes:
    full = os.fsencode(error.filename or tree.root)
    return full[len(tree.root) :].lstrip(b"/")


def _listing(tree: Tree, path: bytes) -> Iterator[Found]:
    for names in _portions(tree, path):
        for name in names:
            try:
                found = _entry(tree, os.path.join(path, name), name)
            except PermissionError as error:
                error.filename = tree.full(path)  # it may be listed, and not entered
                raise
            if found is not None:
                yield found


def _portions(tree: Tree, path: bytes) -> Iterator[list[bytes]]:
    """The names in a directory; the last portion is never a full one, and may be empty.

    Only while there are more is its descriptor open, so that a deep tree needs none for a level.
    """
    try:
        with _open(tree, path) as entries:
            while len(portion := _names(entries)) == PORTION:
                yield portion
    except OSError as error:
        error.filename = tree.full(path)
        raise
    yield portion


def _open(tree: Tree, path: bytes) -> Any:
    fd = _opened(tree, path)
    try:
        return os.scandir(fd)
    finally:
        os.close(fd)


def _opened(tree: Tree, path: bytes) -> int:
    """A descriptor of a directory, which the caller closes.

    A new description, also of the root: others may be reading the same directory.
    """
    here = os.path.join(path, b".")  # so that it is entered, which the tree may refuse
    return tree.at(here, lambda parent, name: os.open(name, _DIRECTORY, dir_fd=parent))


def _names(entries: Iterator[os.DirEntry[str]]) -> list[bytes]:
    return [os.fsencode(entry.name) for entry in islice(entries, PORTION)]


def _entry(tree: Tree, path: bytes, name: bytes) -> Found | None:
    if name.startswith(b"."):
        return Found(path, "left_out", reason="hidden")
    if name.lower() in SYSTEM_NAMES:
        return Found(path, "left_out", reason="system")
    try:
        found = tree.stat(path)
    except FileNotFoundError:
        return None  # gone since it was listed: it was never accepted
    if modes.S_ISLNK(found.st_mode):
        return Found(path, "left_out", reason="symlink")
    if modes.S_ISDIR(found.st_mode):
        return Found(path, "directory")
    kind = "file" if modes.S_ISREG(found.st_mode) else "special"
    return Found(path, kind, found.st_size, found.st_mtime_ns)
