"""Where the bytes of a picture are: in the library once it is imported, before that at its source."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.conf import settings

from .. import fsops
from ..bounded import within
from ..errors import ErrorCode, ImportProblem
from ..fsops import Source, Tree
from ..models import ImportItem, Media
from ..pipeline.source import open_source_tree
from ..states import ItemState
from ..troubleshooting.probe import NoAnswer, look

VERSION = 1  # of the decoder: what an older one made is not shown
LOOK_S = 2.0  # how long a disk may take to answer


class Unreachable(Exception):
    """The bytes cannot be reached now; the code says why."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may be a picture."""

    root: bytes
    path: bytes  # below the root
    sha256: str = ""  # of a file of the library
    origins: Mapping[str, str] = field(default_factory=dict)  # of a source; see pipeline.source

    @contextmanager
    def opened(self) -> Iterator[Source]:
        """The open file. Raises Unreachable."""
        try:
            look(os.path.join(self.root, self.path))  # remembers which disks do not answer
            source = within(LOOK_S, self._open)
        except (NoAnswer, OSError, fsops.FileEffectError, ValueError) as error:
            told = getattr(error, "strerror", None) or str(error)
            raise Unreachable(_code(error), told) from error
        except ImportProblem as problem:
            raise Unreachable(problem.code, str(problem.facts.get("detail", ""))) from problem
        with source:
            yield source

    def _open(self) -> Source:
        with self._tree() as tree:
            return fsops.open_source(tree, self.path, refuse_writers=False)

    def _tree(self) -> Tree:
        if self.sha256:
            return Tree(self.root, follow_links=True)
        return open_source_tree(self.root, self.origins)


def key_of(picture: Picture, source: Source | None = None) -> str:
    """Names the content: by the hash of a file of the library; of another, by its place and times.

    Empty for a file that is not open and has no hash.
    """
    if not picture.sha256 and source is None:
        return ""
    known = picture.sha256 or (*source.fingerprint, picture.path)  # type: ignore[union-attr]
    return hashlib.blake2b(repr((VERSION, known)).encode(), digest_size=32).hexdigest()


def picture_of_item(item: ImportItem) -> Picture:
    """With its session and media, which are best loaded with it."""
    if item.state == ItemState.IMPORTED and item.media is not None:
        return picture_of_media(item.media)
    session = item.session
    return Picture(bytes(session.source_path), bytes(item.path), origins=session.source_origins)


def picture_of_media(media: Media) -> Picture:
    return Picture(os.fsencode(settings.PHOTONEST_LIBRARY), media.path.encode(), media.sha256)


def _code(error: Exception) -> ErrorCode:
    match error:
        case NoAnswer() | TimeoutError():
            return ErrorCode.NO_ANSWER
        case FileNotFoundError() | NotADirectoryError():
            return ErrorCode.SOURCE_MISSING
        case PermissionError():
            return ErrorCode.PERMISSION_DENIED
        case fsops.NotRegularFile() | ValueError():
            return ErrorCode.NOT_REGULAR_FILE
    return ErrorCode.IO_ERROR
