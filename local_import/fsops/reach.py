"""Reach: whether what was opened is still found by its path.

A descriptor works on when its directory was renamed, covered by a mount or detached by `umount -l`;
what is brought there is then where nobody looks for it.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from .problems import Displaced, LinkOnTheWay
from .tree import Tree, inode_of

_ANOTHER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # nothing, a file, a link


def require_in_place(tree: Tree) -> None:
    """Raises Displaced where the tree's path leads to another directory by now, or to none."""
    with _anew(tree):
        pass


def out_of_reach(tree: Tree, paths: Collection[bytes]) -> set[bytes]:
    """Those of the paths whose directory is not the one that stands at its path now.

    It is compared with those that were used since `tree.forget`. Each is looked up once, from the
    tree's own path. Raises Displaced as above, and OSError where it cannot be told.
    """
    directories = {path: path.rpartition(b"/")[0] for path in paths}
    with _anew(tree) as anew:
        moved = {d for d in set(directories.values()) if d and not _is_in_place(tree, anew, d)}
    return {path for path, directory in directories.items() if directory in moved}


@contextmanager
def _anew(tree: Tree) -> Iterator[Tree]:
    try:
        anew = tree.anew()
    except LinkOnTheWay as link:
        raise Displaced(tree.root) from link
    except OSError as error:
        if error.errno not in _ANOTHER:
            raise
        raise Displaced(tree.root) from error
    with anew:
        if inode_of(anew.descriptor) != inode_of(tree.descriptor):
            raise Displaced(tree.root)
        yield anew


def _is_in_place(tree: Tree, anew: Tree, directory: bytes) -> bool:
    try:
        return tree.entered(directory) <= {anew.directory(directory)}
    except OSError as error:
        if error.errno not in _ANOTHER:
            raise
        return False
    finally:
        anew.forget()  # the tree itself holds descriptors enough
