"""Looking again after somebody has acted: is the cause gone?

A look is not a try: where only a try can tell, the answer is None.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import formats, fsops, names
from ..bounded import within
from ..errors import ErrorCode
from ..fsops import READ, WRITE, Identity, Origin, Sight, Tree
from ..sayings import say
from ..wording import sentences
from . import disks, paths
from .evidence import Evidence, Known, forget
from .probe import LIMIT_S, NoAnswer, look

ROOM_BYTES = 1024 * 1024  # as much as an import leaves free
READ_LIMIT_S = 0.6
WATCH_S = 0.3  # how long a file is watched to see whether it changes


@dataclass(frozen=True, slots=True)
class Recheck:
    gone: bool | None  # None: only another try can tell
    seen: list[str]
    seen_at: str  # ISO 8601, UTC


Check = Callable[[Known], tuple[bool | None, Sequence[str]]]


def recheck(code: str, known: Known) -> Recheck:
    """Look at what a failure was about. `known`: raw_path, raw_library, sha256, and its evidence.

    Never raises, and takes no longer than two seconds.
    """
    forget()
    check = _CHECKS.get(ErrorCode(code)) if code in ErrorCode.values else None
    gone, seen = _checked(check, known) if check else (None, [])
    return Recheck(gone, list(seen), datetime.now(UTC).isoformat())


def _checked(check: Check, known: Known) -> tuple[bool | None, Sequence[str]]:
    try:
        return check(known)
    except NoAnswer as silent:
        return False, [say("no_answer", mount=names.shown(silent.place), limit=LIMIT_S)]
    except (TimeoutError, KeyError):
        return None, []


def _is_there(known: Known) -> tuple[bool, Sequence[str]]:
    sight = look(known["raw_path"])
    there = sight.is_there and not (sight.last.is_directory and sight.is_empty)
    return there, sentences.of_absence(sight)


def _is_the_source(known: Known) -> tuple[bool, Sequence[str]]:
    """The directory that the session has recorded is back, and no link on the way to it."""
    sight = look(known["raw_path"])
    try:
        with within(READ_LIMIT_S, lambda: Tree(known["raw_path"])) as tree:
            found = str(Origin.of(tree))
    except (OSError, fsops.FileEffectError) as error:
        return False, [f"{error}."]
    return known.get("recorded") in (None, found), sentences.of_absence(sight)


def _is_its_own(known: Known) -> tuple[bool, Sequence[str]]:
    """The source and the library's file are two files, or one of them is gone."""
    try:
        library_file = names.unshown(str(known["library_file"]))
        found = [_at(path) for path in (known["raw_path"], library_file)]
    except FileNotFoundError:
        return True, []
    except OSError as error:
        return False, [f"{error}."]
    return not found[0].is_one_file_with(found[1]), []


def _at(path: bytes) -> fsops.Fingerprint:
    found: fsops.Fingerprint = within(READ_LIMIT_S, lambda: fsops.Fingerprint.of(os.lstat(path)))
    return found


def _is_granted(known: Known) -> tuple[bool, Sequence[str]]:
    """What refused the worker does so no more; and nothing below it refuses to be read."""
    obstacle = names.unshown(str(known["obstacle"]))
    wants = WRITE if known.get("needs") == "w" else READ
    sights = [look(obstacle, wants, _worker(known))]
    if fsops.is_below(known["raw_path"], obstacle):
        sights.append(look(known["raw_path"], READ, _worker(known)))
    closed = [sight for sight in sights if sight.obstacle or not sight.is_there]
    return not closed, sentences.of_access((closed or sights)[0])


def _worker(known: Known) -> Identity | None:
    """Who failed: it may be somebody else who looks now."""
    uid, _, gid = str(known.get("worker", "")).partition(":")
    if not (uid.isdecimal() and gid.isdecimal()):
        return None
    groups = tuple(int(group) for group in str(known.get("worker_groups", "")).split())
    return Identity(int(uid), int(gid), groups)


def _is_writable_mount(known: Known) -> tuple[bool, Sequence[str]]:
    sights = [look(known[name]) for name in ("raw_path", "raw_library") if name in known]
    closed = [sight for sight in sights if sight.mount and sight.mount.read_only]
    return not closed, [line for sight in closed or sights for line in sentences.of_mount(sight)]


def _has_no_flag(known: Known) -> tuple[bool, Sequence[str]]:
    flagged = [part for part in look(known["raw_path"]).parts[-2:] if part.immutable]
    return not flagged, [line for part in flagged for line in sentences.of_flag(part)]


def _has_room(known: Known) -> tuple[bool | None, Sequence[str]]:
    sight = look(known["raw_library"])
    if sight.room is None:
        return None, []
    seen = sentences.of_room(_point(sight), sight.room)
    if sight.room.free_bytes <= ROOM_BYTES or (sight.room.files and not sight.room.free_files):
        return False, seen
    few = sight.room.files and sight.room.free_files < disks.SCARCE_FILES
    return None if few else True, seen


def _point(sight: Sight) -> bytes:
    return sight.mount.point if sight.mount else sight.last.path


def _is_regular(known: Known) -> tuple[bool, Sequence[str]]:
    found: Evidence = paths.not_a_file(ErrorCode.NOT_REGULAR_FILE, OSError(), known)
    return look(known["raw_path"]).last.is_regular, found.seen


def _is_quiet(known: Known) -> tuple[bool | None, Sequence[str]]:
    """Nobody has it open for writing, and it stays as it is while it is watched."""
    try:
        before, after = (_watched(known["raw_path"], wait_s) for wait_s in (0.0, WATCH_S))
    except (FileNotFoundError, NotADirectoryError, fsops.FileEffectError) as error:
        return False, [f"{error}."]
    except OSError as error:
        return None, [f"{error}."]
    return before == after, sentences.of_change(look(known["raw_path"]).last)


def _watched(path: bytes, wait_s: float) -> fsops.Fingerprint:
    time.sleep(wait_s)
    found: fsops.Fingerprint = _opened(path, lambda source: source.fingerprint)
    return found


def _is_whole(known: Known) -> tuple[bool | None, Sequence[str]]:
    try:
        found = _opened(known["raw_path"], formats.inspect)
    except (FileNotFoundError, NotADirectoryError, fsops.FileEffectError) as error:
        return False, [f"{error}."]
    except OSError as error:
        return None, [f"{error}."]
    return found.supported and not found.damage, [found.damage] if found.damage else []


def _opened(path: bytes, work: Callable[[fsops.Source], Any]) -> Any:
    def read() -> Any:
        directory, name = os.path.split(path)
        with Tree(directory) as tree, fsops.open_source(tree, name) as source:
            return work(source)

    return within(READ_LIMIT_S, read)


def _has_mark(known: Known) -> tuple[bool, Sequence[str]]:
    sight = look(known["raw_library"] + b"/.photonest-library")
    return sight.is_there, sentences.of_absence(sight)


def _library_file_is_right(known: Known) -> tuple[bool | None, Sequence[str]]:
    directory, name = os.path.split(known["raw_library_file"])

    def compared() -> fsops.Comparison:
        with Tree(directory, follow_links=True) as tree:
            return fsops.compare(tree, name, known["sha256"])

    try:
        found = within(READ_LIMIT_S, compared)
    except (FileNotFoundError, NotADirectoryError) as error:
        return False, [f"{error}."]
    except OSError as error:
        return None, [f"{error}."]
    seen = [f"{found.error}."] if found.error else []
    return None if found.is_unreadable else found.is_equal, seen


def _database_answers(known: Known) -> tuple[bool, Sequence[str]]:
    """It has just told what is known."""
    return True, []


_CHECKS: dict[ErrorCode, Check] = {
    ErrorCode.SOURCE_MISSING: _is_there,
    ErrorCode.SOURCE_DIRECTORY_MISSING: _is_there,
    ErrorCode.SOURCE_UNMOUNTED: _is_there,
    ErrorCode.SOURCE_REPLACED: _is_the_source,
    ErrorCode.SOURCE_IN_LIBRARY: _is_its_own,
    ErrorCode.SOURCE_BUSY: _is_quiet,
    ErrorCode.SOURCE_CHANGED: _is_quiet,
    ErrorCode.NOT_REGULAR_FILE: _is_regular,
    ErrorCode.NAME_TOO_LONG: _is_there,
    ErrorCode.PERMISSION_DENIED: _is_granted,
    ErrorCode.READ_ONLY_FILESYSTEM: _is_writable_mount,
    ErrorCode.IMMUTABLE: _has_no_flag,
    ErrorCode.DAMAGED: _is_whole,
    ErrorCode.CONTENT_MISMATCH: _is_whole,
    ErrorCode.EMPTY: _is_whole,
    ErrorCode.LIBRARY_NOT_WRITABLE: _is_granted,
    ErrorCode.LIBRARY_UNMOUNTED: _has_mark,
    ErrorCode.LIBRARY_FILE_WRONG: _library_file_is_right,
    ErrorCode.DISK_FULL: _has_room,
    ErrorCode.INODES_EXHAUSTED: _has_room,
    ErrorCode.NO_ANSWER: _is_there,
    ErrorCode.STALE_HANDLE: _is_there,
    ErrorCode.DATABASE_BUSY: _database_answers,
    ErrorCode.DATABASE_UNREACHABLE: _database_answers,
}
