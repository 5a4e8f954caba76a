"""Looking again after somebody has acted: is the cause gone?

A look is not a try: where only a try can tell, the answer is None.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import formats, fsops
from ..errors import ErrorCode
from ..fsops import READ, WRITE, Identity, Sight, Tree
from . import paths, sentences
from .evidence import Evidence, Known, forget
from .probe import LIMIT_S, NoAnswer, look, within

ROOM_BYTES = 1024 * 1024  # as much as an import leaves free
READ_LIMIT_S = 1.5


@dataclass(frozen=True, slots=True)
class Recheck:
    gone: bool | None  # None: only another try can tell
    seen: list[str]
    seen_at: str  # ISO 8601, UTC


Check = Callable[[Known], tuple[bool | None, list[str]]]


def recheck(code: str, known: Known) -> Recheck:
    """Look at what a failure was about. `known`: raw_path, raw_library, sha256, and its evidence.

    Never raises, and takes no longer than two seconds.
    """
    forget()
    check = _CHECKS.get(ErrorCode(code)) if code in ErrorCode.values else None
    gone, seen = _checked(check, known) if check else (None, [])
    return Recheck(gone, seen, datetime.now(UTC).isoformat())


def _checked(check: Check, known: Known) -> tuple[bool | None, list[str]]:
    try:
        return check(known)
    except NoAnswer as silent:
        shown = silent.place.decode("utf-8", "backslashreplace")
        return False, [f"{shown} did not answer within {LIMIT_S} s."]
    except (TimeoutError, KeyError):
        return None, []


def _is_there(known: Known) -> tuple[bool, list[str]]:
    sight = look(known["raw_path"])
    there = sight.is_there and not (sight.last.is_directory and sight.is_empty)
    return there, sentences.of_absence(sight)


def _may_read(known: Known) -> tuple[bool, list[str]]:
    return _may(known, known["raw_path"], READ)


def _may_write(known: Known) -> tuple[bool, list[str]]:
    return _may(known, known["raw_library"], WRITE)


def _may(known: Known, path: bytes, wants: int) -> tuple[bool, list[str]]:
    sight = look(path, wants, _worker(known))
    return sight.is_there and sight.obstacle is None, sentences.of_access(sight)


def _worker(known: Known) -> Identity | None:
    """Who failed: it may be somebody else who looks now."""
    uid, _, gid = str(known.get("worker", "")).partition(":")
    if not (uid.isdecimal() and gid.isdecimal()):
        return None
    groups = tuple(int(group) for group in str(known.get("worker_groups", "")).split())
    return Identity(int(uid), int(gid), groups)


def _is_writable_mount(known: Known) -> tuple[bool, list[str]]:
    sights = [look(known[name]) for name in ("raw_path", "raw_library") if name in known]
    closed = [sight for sight in sights if sight.mount and sight.mount.read_only]
    return not closed, [line for sight in closed or sights for line in sentences.of_mount(sight)]


def _has_no_flag(known: Known) -> tuple[bool, list[str]]:
    flagged = [part for part in look(known["raw_path"]).parts[-2:] if part.immutable]
    return not flagged, [line for part in flagged for line in sentences.of_flag(part)]


def _has_room(known: Known) -> tuple[bool | None, list[str]]:
    sight = look(known["raw_library"])
    if sight.room is None:
        return None, []
    enough = sight.room.free_bytes > ROOM_BYTES and bool(
        sight.room.free_files or not sight.room.files
    )
    return enough, sentences.of_room(_point(sight), sight.room)


def _point(sight: Sight) -> bytes:
    return sight.mount.point if sight.mount else sight.last.path


def _is_regular(known: Known) -> tuple[bool, list[str]]:
    found: Evidence = paths.not_a_file(ErrorCode.NOT_REGULAR_FILE, OSError(), known)
    return look(known["raw_path"]).last.is_regular, found.seen


def _is_quiet(known: Known) -> tuple[bool, list[str]]:
    try:
        _opened(known["raw_path"], lambda source: None)
    except fsops.FileEffectError as error:
        return False, [f"{error}."]
    except OSError:
        return False, []
    return True, []


def _is_whole(known: Known) -> tuple[bool, list[str]]:
    try:
        found = _opened(known["raw_path"], formats.inspect)
    except (OSError, fsops.FileEffectError) as error:
        return False, [f"{error}."]
    return found.supported and not found.damage, [found.damage] if found.damage else []


def _opened(path: bytes, work: Callable[[fsops.Source], Any]) -> Any:
    def read() -> Any:
        directory, name = os.path.split(path)
        with Tree(directory) as tree, fsops.open_source(tree, name) as source:
            return work(source)

    return within(READ_LIMIT_S, read)


def _has_mark(known: Known) -> tuple[bool, list[str]]:
    sight = look(known["raw_library"] + b"/.photonest-library")
    return sight.is_there, sentences.of_absence(sight)


def _library_file_is_right(known: Known) -> tuple[bool, list[str]]:
    path = known["raw_library_file"]
    try:
        digest = _opened(path, lambda source: source.sha256())
    except (OSError, fsops.FileEffectError) as error:
        return False, [f"{error}."]
    return digest == known["sha256"], []


def _database_answers(known: Known) -> tuple[bool, list[str]]:
    """It has just told what is known."""
    return True, []


_CHECKS: dict[ErrorCode, Check] = {
    ErrorCode.SOURCE_MISSING: _is_there,
    ErrorCode.SOURCE_DIRECTORY_MISSING: _is_there,
    ErrorCode.SOURCE_UNMOUNTED: _is_there,
    ErrorCode.SOURCE_BUSY: _is_quiet,
    ErrorCode.SOURCE_CHANGED: _is_quiet,
    ErrorCode.NOT_REGULAR_FILE: _is_regular,
    ErrorCode.NAME_TOO_LONG: _is_there,
    ErrorCode.PERMISSION_DENIED: _may_read,
    ErrorCode.READ_ONLY_FILESYSTEM: _is_writable_mount,
    ErrorCode.IMMUTABLE: _has_no_flag,
    ErrorCode.DAMAGED: _is_whole,
    ErrorCode.CONTENT_MISMATCH: _is_whole,
    ErrorCode.EMPTY: _is_whole,
    ErrorCode.LIBRARY_NOT_WRITABLE: _may_write,
    ErrorCode.LIBRARY_UNMOUNTED: _has_mark,
    ErrorCode.LIBRARY_FILE_WRONG: _library_file_is_right,
    ErrorCode.DISK_FULL: _has_room,
    ErrorCode.INODES_EXHAUSTED: _has_room,
    ErrorCode.NO_ANSWER: _is_there,
    ErrorCode.STALE_HANDLE: _is_there,
    ErrorCode.DATABASE_BUSY: _database_answers,
    ErrorCode.DATABASE_UNREACHABLE: _database_answers,
}
