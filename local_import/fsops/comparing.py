"""Comparing: whether a file holds the bytes that it should. There are four answers, not two."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from enum import Enum

from .problems import FileEffectError, NotRegularFile
from .reading import digest
from .tree import Tree

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})


class Answer(Enum):
    EQUAL = "equal"
    DIFFERENT = "different"  # other bytes, or no regular file: a link, a directory, a pipe
    ABSENT = "absent"
    UNREADABLE = "unreadable"  # it may be any of the others: ask again


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a file was found to be."""

    answer: Answer
    sha256: str = ""  # of what stands there; empty where that is no regular file, or was not read
    error: OSError | FileEffectError | None = None  # why it is not known

    @property
    def is_equal(self) -> bool:
        return self.answer is Answer.EQUAL

    @property
    def is_unreadable(self) -> bool:
        return self.answer is Answer.UNREADABLE

    @property
    def why(self) -> str:
        """What the system said, where it could not be read."""
        return getattr(self.error, "strerror", None) or str(self.error or "")


def compare(tree: Tree, path: bytes, sha256: str, *, afresh: bool = True) -> Comparison:
    """Read a file to its end; from the disk, unless `afresh` is taken away. Never raises.

    A path that leads out of the tree names no file of it.
    """
    try:
        found, _ = digest(tree, path, afresh=afresh)
    except NotRegularFile:
        return Comparison(Answer.DIFFERENT)
    except (OSError, FileEffectError) as error:
        is_absent = isinstance(error, OSError) and error.errno in _ABSENT and not _is_removed(tree)
        return Comparison(Answer.ABSENT if is_absent else Answer.UNREADABLE, error=error)
    except ValueError:
        return Comparison(Answer.ABSENT)
    return Comparison(Answer.EQUAL if found == sha256 else Answer.DIFFERENT, found)


def _is_removed(tree: Tree) -> bool:
    """Whether the tree itself is gone: then nobody can tell what stands at its path now."""
    try:
        return os.fstat(tree.descriptor).st_nlink == 0
    except OSError:
        return True
