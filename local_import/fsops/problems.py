"""What can stand in the way of a file effect, beyond the errors of the system itself."""

from __future__ import annotations

import errno
import os
from typing import Any


def path_of(error: BaseException | None) -> Any:
    """The path that an error is about, ours or the system's; None where it names none."""
    found = getattr(error, "path", None) or getattr(error, "filename", None)
    return found if isinstance(found, str | bytes | os.PathLike) else None


class FileEffectError(Exception):
    """Nothing was changed on the disk; `path` is the file it is about."""

    text = "The file cannot be worked with"

    def __init__(self, path: bytes) -> None:
        shown = path.decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")
        super().__init__(f"{self.text}: {shown}")
        self.path = path


class SourceChanged(FileEffectError):
    text = "The file is not the one that was read before"


class NotRegularFile(FileEffectError):
    text = "A link, directory, pipe, socket or device stands where a file was expected"


class StillOpenForWriting(FileEffectError):
    text = "Another process has the file open for writing"


class DestinationTaken(FileEffectError):
    text = "A file stands at the destination already"


class CannotRename(FileEffectError):
    text = "The file cannot be renamed to its destination and must be copied"


class LinkOnTheWay(FileEffectError):
    text = "A link stands where a directory was before"


class LibraryFound(FileEffectError):
    """`path` is the directory that holds the mark."""

    text = "The directory is a library, or a part of one"


class OneFile(FileEffectError):
    text = "The file is the library's own"


class Displaced(OSError):
    """The path of a tree leads to another directory than was opened, or to none."""

    def __init__(self, root: bytes) -> None:
        super().__init__(errno.ENOENT, "Another directory stands there by now, or none", root)
