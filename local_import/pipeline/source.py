"""The source of a session: opened as the directory that it was when the session was made, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType

from .. import fsops, names
from ..audit_logger import SYSTEM, Actor, AuditLogger, Entry
from ..errors import ErrorCode, ImportProblem
from ..fsops import LibraryFound, LinkOnTheWay, Origin, Tree
from ..models import ImportSession
from ..models.audit_log import AuditCategory
from ..processes import host
from ..sayings import say
from ..transactions import in_transaction

MARK = b".photonest-library"  # in the root of every library
Recorded = Mapping[str, str]  # by host: what it saw there
_audit = AuditLogger()


def open_session_source(session: ImportSession) -> Tree:
    """The source of a session. Raises ImportProblem.

    What it is gets recorded where nothing is yet: by a session of an older version, or for a host that
    reaches it in another way than those before.
    """
    tree, found = _recognised(bytes(session.source_path), session.source_origins)
    if found not in session.source_origins.values():
        _record(session, session.source_origins | {host(): found}, SYSTEM, "First opened here.")
    return tree


def open_source_tree(path: bytes, recorded: Recorded = MappingProxyType({})) -> Tree:
    """A directory to import from, by its resolved path. Raises ImportProblem, also where another
    directory than the recorded one stands there."""
    return _recognised(path, recorded)[0]


def _recognised(path: bytes, recorded: Recorded) -> tuple[Tree, str]:
    tree, found = _opened(path)
    if not _is_another(found, recorded):
        return tree, found
    with tree:
        if fsops.is_empty(tree):  # a mount point without its disk
            raise ImportProblem(ErrorCode.SOURCE_MISSING, path=path)
    known = recorded.get(host()) or next(iter(recorded.values()))
    detail = say("source_is_another", recorded=known, found=found)
    raise ImportProblem(ErrorCode.SOURCE_REPLACED, path=path, detail=detail, recorded=known)


def _is_another(found: str, recorded: Recorded) -> bool:
    """Two hosts may see one directory as two: one as a disk of its own, the other over the network."""
    if found in recorded.values():
        return False
    ways = {_way(origin) for origin in recorded.values()}
    return host() in recorded or _way(found) in ways


def _way(origin: str) -> str:
    """Through what kind of mount it is reached; see fsops.Origin."""
    return origin.split(" ", 2)[2]


def _opened(path: bytes) -> tuple[Tree, str]:
    try:
        with ExitStack() as stack:
            tree = stack.enter_context(Tree(path, mark=MARK))
            found = str(Origin.of(tree))
            stack.pop_all()  # it stays open
            return tree, found
    except LinkOnTheWay as link:
        detail = say("link_on_the_way", path=names.shown(link.path))
        raise ImportProblem(ErrorCode.SOURCE_REPLACED, path=path, detail=detail) from link
    except LibraryFound as found:
        raise overlap(path, found) from found
    except FileNotFoundError as error:
        raise ImportProblem(ErrorCode.SOURCE_MISSING, path=path) from error
    except NotADirectoryError as error:
        raise ImportProblem(ErrorCode.SOURCE_NOT_DIRECTORY, path=path) from error
    except OSError as error:
        raise ImportProblem(
            ErrorCode.PERMISSION_DENIED, path=path, detail=error.strerror
        ) from error


def overlap(path: bytes, found: LibraryFound) -> ImportProblem:
    mark = found.path.rstrip(b"/") + b"/" + MARK
    facts = {"library": found.path, "mark": mark}
    return ImportProblem(ErrorCode.LIBRARY_OVERLAPS_SOURCE, path=path, **facts)


def origins_of(path: bytes) -> dict[str, str]:
    """What stands at a path, as a session records it. Raises ImportProblem."""
    tree, found = _opened(path)
    tree.close()
    return {host(): found}


def confirm(session: ImportSession, *, actor: Actor, reason: str) -> None:
    """What stands at the path is the source of the session from now on. Raises ImportProblem."""
    _record(session, origins_of(bytes(session.source_path)), actor, reason)


def _record(session: ImportSession, origins: dict[str, str], actor: Actor, reason: str) -> None:
    before, session.source_origins = session.source_origins, origins
    entry = Entry(
        AuditCategory.DB_OPERATION,
        reason,
        action="session.record_source",
        actor=actor,
        details={"from": before, "to": origins},
    )

    def write() -> None:
        ImportSession.objects.filter(pk=session.pk).update(source_origins=origins)
        _audit.record(entry.of_session(session.pk))

    in_transaction(write)
