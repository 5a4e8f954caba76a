"""Where a session works: its source, the library, and the rules for both."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import tzinfo
from os import fsencode
from zoneinfo import ZoneInfo

from django.conf import settings

from .. import fsops, names
from ..errors import ErrorCode, ImportProblem
from ..fsops import Comparison, Displaced, FileEffectError, Fingerprint, LibraryFound, Tree
from ..models import ImportSession, Media
from ..sayings import say
from ..states import ImportMode, ItemState, SessionState
from ..troubleshooting import code_of
from .source import MARK, open_session_source, open_source_tree, overlap
from .takers import are_all_taken


@dataclass(frozen=True, slots=True)
class Desk:
    session_id: int
    source: Tree
    library: Tree
    moves: bool  # mode move: the source goes away once its bytes are safe
    zone: tzinfo  # assumed where a capture time has no offset
    quiet_s: float = 0.0  # for which a file must have been still
    earlier: tuple[int, ...] = ()  # the other sessions of the source

    @property
    def renames(self) -> bool:
        """Whether bytes can travel by a rename, without being copied."""
        return self.moves and self.source.device == self.library.device


@contextmanager
def open_desk(session: ImportSession) -> Iterator[Desk]:
    """Raises ImportProblem when the source or the library cannot be worked with, then or later."""
    with open_session_source(session) as source, open_library() as library:
        _refuse_unmounted_source(session, source)
        with _watched(source, library):
            yield _desk(session, source, library)


def _desk(session: ImportSession, source: Tree, library: Tree) -> Desk:
    moves = session.mode == ImportMode.MOVE
    quiet_s = 0 if session.no_quiet_time else settings.PHOTONEST_QUIET_TIME
    zone, earlier = ZoneInfo(settings.TIME_ZONE), _sessions_of(source.root, but=session.pk)
    return Desk(session.pk, source, library, moves, zone, quiet_s, earlier)


def _sessions_of(source: bytes, but: int = 0) -> tuple[int, ...]:
    sessions = ImportSession.objects.filter(source_path=source).exclude(pk=but)
    return tuple(sessions.values_list("pk", flat=True))


@contextmanager
def _watched(*trees: Tree) -> Iterator[None]:
    """An error of a disk that was not taken for that of one file is the session's."""
    try:
        yield
    except LibraryFound as found:
        raise overlap(trees[0].root, found) from found
    except (OSError, FileEffectError) as error:
        if not any(_is_about(tree, error) for tree in trees):
            raise
        detail = getattr(error, "strerror", None) or str(error)
        raise ImportProblem(code_of(error), path=fsops.path_of(error), detail=detail) from error


def _is_about(tree: Tree, error: BaseException) -> bool:
    """Whether an error names the tree or something in it."""
    path = fsops.path_of(error)
    return isinstance(path, bytes) and (path + b"/").startswith(tree.root.rstrip(b"/") + b"/")


def _refuse_unmounted_source(session: ImportSession, source: Tree) -> None:
    """An empty directory where files were found before is a mount point whose disk is gone.

    Files whose place was fixed once do not count: a late worker may have brought them there. Nor do
    those that another session has moved away.
    """
    waiting = session.items.filter(state=ItemState.PENDING, destination="").order_by("pk")
    if session.walked_at and fsops.is_empty(source) and not are_all_taken(session, waiting):
        raise ImportProblem(ErrorCode.SOURCE_MISSING, path=source.root)


@contextmanager
def open_for_recovery(session: ImportSession) -> Iterator[Desk]:
    """The same where the source may be out of reach: nothing of it is then called missing.

    Raises ImportProblem when the library cannot be worked with.
    """
    try:
        source = open_session_source(session)
    except ImportProblem:
        source = Unreachable(bytes(session.source_path))
    with source, open_library() as library, _watched(source, library):
        yield _desk(session, source, library)


@contextmanager
def open_to_look(source: bytes, mode: str, quiet_s: float) -> Iterator[Desk]:
    """For looking only, as a session would: nothing is made, not even the library's directory.

    Raises ImportProblem when the source or the library cannot be looked at, then or later.
    """
    with (
        open_source_tree(source) as tree,
        _library_to_look_at() as library,
        _watched(tree, library),
    ):
        _refuse_unmounted(library)
        zone = ZoneInfo(settings.TIME_ZONE)
        moves, earlier = mode == ImportMode.MOVE, _sessions_of(source)
        yield Desk(0, tree, library, moves, zone, quiet_s, earlier)


def _library_to_look_at() -> Tree:
    path = fsencode(settings.PHOTONEST_LIBRARY)
    try:
        return Tree(path, follow_links=True)
    except FileNotFoundError:
        return Absent(path)
    except OSError as error:
        raise _not_writable(path, error) from error


class Absent(Tree):
    """A tree that is not there: it holds nothing."""

    def __init__(self, root: bytes) -> None:
        self.root, self.device, self._fd = root, -1, -1
        self._mark, self._follow_links = b"", False
        self._open, self._entered = OrderedDict(), {}

    def exists(self, path: bytes) -> bool:
        return False


class Unreachable(Absent):
    """A tree that cannot be opened now; what it holds nobody can tell."""

    def exists(self, path: bytes) -> bool:
        """Nothing may be taken for gone."""
        return True


def holds(tree: Tree, path: bytes, sha256: str, about: bytes = b"") -> bool:
    """Whether a file holds these bytes. Raises ImportProblem where it cannot be read: that is no no.

    `about` is the path of the file that it is compared for.
    """
    found = fsops.compare(tree, path, sha256)
    if found.is_unreadable:
        raise unreadable(tree, path, found, about)
    return found.is_equal


def unreadable(tree: Tree, path: bytes, found: Comparison, about: bytes = b"") -> ImportProblem:
    """What to say of a file that could not be read to be compared."""
    assert found.error is not None
    detail = found.why
    if about:
        detail = say("while_comparing", error=found.why, path=names.shown(about))
    problem = ImportProblem(code_of(found.error), path=tree.full(path), detail=detail)
    problem.__cause__ = found.error
    return problem


def is_library_file(source: Tree, path: bytes, library: Tree, destination: str) -> bool:
    """Whether a source is the very file at that place in the library: by a hard link, or because a
    part of the library is mounted there too.

    What cannot be seen now is compared once more before a source is removed.
    """
    try:
        found = Fingerprint.of(source.stat(path))
        return found.is_one_file_with(Fingerprint.of(library.stat(destination.encode())))
    except (OSError, FileEffectError):
        return False


def refuse_library_file(desk: Desk, path: bytes, destination: str) -> None:
    """Raises ImportProblem where a source is the library's own file."""
    if is_library_file(desk.source, path, desk.library, destination):
        raise ImportProblem(
            ErrorCode.SOURCE_IN_LIBRARY,
            path=desk.source.full(path),
            library_file=desk.library.full(destination.encode()),
        )


def of_library(library: Tree, error: Exception) -> ImportProblem:
    """What an error says of the library as a whole."""
    if isinstance(error, ImportProblem):
        return error
    detail = getattr(error, "strerror", None) or str(error)
    return ImportProblem(_code_of_library(error), path=library.root, detail=detail)


def _code_of_library(error: Exception) -> ErrorCode:
    if isinstance(error, Displaced):
        return ErrorCode.LIBRARY_UNMOUNTED
    if isinstance(error, FileNotFoundError):  # its root was removed while it was open
        return ErrorCode.LIBRARY_NOT_WRITABLE
    return code_of(error)


def confirm(library: Tree, places: Collection[bytes]) -> None:
    """Make durable what another has brought there. Raises ImportProblem where the disk does not, or
    one of the places is not found by its path any more."""
    try:
        fsops.sync(library)
        for place in fsops.out_of_reach(library, places):
            raise Displaced(library.full(os.path.dirname(place)))
    except OSError as error:
        raise of_library(library, error) from error


def displaced_source(source: Tree) -> ImportProblem | None:
    """What keeps a session from going on where its source is not at its path any more."""
    try:
        fsops.require_in_place(source)
    except LibraryFound as found:
        return overlap(source.root, found)
    except OSError as error:
        return ImportProblem(code_of(error), path=source.root, detail=error.strerror)
    return None


def open_library() -> Tree:
    """The library, made when it is new; refused when it is not the one the database knows."""
    path = fsencode(settings.PHOTONEST_LIBRARY)
    try:
        library = _made_where_new(path)
        _claim_mark(library)
    except OSError as error:
        raise _not_writable(path, error) from error
    return library


def _made_where_new(path: bytes) -> Tree:
    try:
        return Tree(path, follow_links=True)
    except FileNotFoundError:
        _refuse_unmounted(Absent(path))  # or the library could not be put back to its path
    fsops.make_directory(path)
    return Tree(path, follow_links=True)


def _not_writable(library: bytes, error: OSError) -> ImportProblem:
    return ImportProblem(ErrorCode.LIBRARY_NOT_WRITABLE, path=library, detail=error.strerror)


def _refuse_unmounted(library: Tree) -> None:
    """Raises ImportProblem where the database knows a library and this is not the one."""
    # Another first import may make the mark at any moment, and it makes it before its first Media.
    if not library.exists(MARK) and _is_known() and not library.exists(MARK):
        raise ImportProblem(ErrorCode.LIBRARY_UNMOUNTED, path=library.root)


def _is_known() -> bool:
    """Whether the database lists media, or a session waits for a library that was there before."""
    waiting = ImportSession.objects.filter(
        state=SessionState.ERROR, error_code=ErrorCode.LIBRARY_UNMOUNTED
    )
    return Media.objects.exists() or waiting.exists()


def _claim_mark(library: Tree) -> None:
    if not library.exists(MARK):
        _refuse_unmounted(library)
        with suppress(FileExistsError):
            fsops.create(library, MARK, b"This directory is a Photonest library.\n")
    fsops.writable(library)
