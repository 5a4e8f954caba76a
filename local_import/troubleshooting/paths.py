"""Looks at a path: is it there, what refuses it, what stands there instead of a photo."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.conf import settings

from .. import fsops, processes
from ..bounded import within
from ..errors import ErrorCode
from ..fsops import READ, WRITE, Part, Sight
from ..sayings import say
from ..wording import sentences
from ..wording.facts import about_path, shown
from . import disks, rows
from .evidence import Evidence, Known
from .probe import LIMIT_S, look

LONGEST_NAME_BYTES = 255  # Source: limits.h, NAME_MAX


def gone(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Missing: the file alone, a directory on the way to it, or the whole disk."""
    sight = look(known["raw_path"])
    seen = sentences.of_absence(sight)
    if moved := rows.moved_away(known):
        return Evidence(code, {}, seen + moved)
    if mount := _empty_mount(sight, known.get("raw_source", known["raw_path"])):
        facts = about_path(mount, "mount")
        if sight.awaited_mount == mount:
            facts["in_fstab"] = "yes"
        return Evidence(ErrorCode.SOURCE_UNMOUNTED, facts, seen)
    if sight.missing not in (b"", sight.path):
        facts = about_path(sight.missing, "missing") | about_path(sight.last.path, "above")
        return Evidence(ErrorCode.SOURCE_DIRECTORY_MISSING, facts, seen)
    return Evidence(code, {}, seen)


def _empty_mount(sight: Sight, source: bytes) -> bytes:
    """The directory that should be a mounted disk: /etc/fstab says so, or the source is empty."""
    if sight.awaited_mount:
        return sight.awaited_mount
    at_source = fsops.is_below(source, sight.last.path)
    return sight.last.path if at_source and sight.is_empty else b""


def refused(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """The first thing in the way: a read-only mount, a flag, or owner and mode of a component."""
    sights = []
    for path, wants in _suspects(code, known):
        sight = look(path, wants)
        sights.append(sight)
        if found := _obstacle(code, error, sight, wants):
            return found if wants == READ else _in_library(found, sight, known)
        if wants & WRITE and (full := disks.fullness(sight)):
            return full
    return Evidence(code, {}, sentences.of_access(sights[0]) if sights else [])


def _in_library(found: Evidence, sight: Sight, known: Known) -> Evidence:
    """Where nothing can be written within the library, that is its trouble, not the file's."""
    library = known.get("raw_library", b"")
    if found.code != ErrorCode.PERMISSION_DENIED or not fsops.is_below(sight.path, library):
        return found
    return replace(
        found, code=ErrorCode.LIBRARY_NOT_WRITABLE, facts=found.facts | about_path(library)
    )


def _suspects(code: ErrorCode, known: Known) -> Iterator[tuple[bytes, int]]:
    """What may have refused: the file that is read, or the directory where one is made."""
    path, library = known.get("raw_path", b""), known.get("raw_library", b"")
    failing = known.get("raw_failing", path)
    if library and fsops.is_below(failing, library):
        yield (failing if failing == library else os.path.dirname(failing)), WRITE
    elif code == ErrorCode.LIBRARY_NOT_WRITABLE:
        yield failing, WRITE
    if path.startswith(b"/"):
        yield path, READ
        yield os.path.dirname(path), WRITE  # a rename takes a name away


def _obstacle(code: ErrorCode, error: BaseException, sight: Sight, wants: int) -> Evidence | None:
    mount = about_path(sight.mount.point, "mount") if sight.mount else {}
    if wants & WRITE and sight.mount and sight.mount.read_only:
        return Evidence(ErrorCode.READ_ONLY_FILESYSTEM, mount, sentences.of_mount(sight))
    flagged = next((part for part in reversed(sight.parts[-2:]) if part.immutable), None)
    if flagged and (wants & WRITE or _errno(error) == errno.EPERM):
        return Evidence(
            ErrorCode.IMMUTABLE, about_path(flagged.path, "obstacle"), sentences.of_flag(flagged)
        )
    if sight.obstacle is None:
        return None
    return Evidence(code, _grants(sight, sight.obstacle), sentences.of_access(sight))


def _errno(error: BaseException) -> int:
    """Of the error, or of the one it was made from."""
    return getattr(error, "errno", None) or getattr(error.__cause__, "errno", None) or 0


def _grants(sight: Sight, part: Part) -> dict[str, Any]:
    """What chmod must be told, so that the worker may do what it was refused."""
    whom = part.class_of(sight.who)
    facts = about_path(part.path, "obstacle") | {
        "obstacle_owner": f"{part.uid}:{part.gid}",
        "obstacle_mode": part.permissions,
        "needs": sight.wants,
        "worker": f"{sight.who.uid}:{sight.who.gid}",
        "worker_groups": " ".join(map(str, sight.who.groups)),
    }
    if not part.is_directory:
        return facts | {"grant": f"{whom}+r", "grant_below": f"{whom}+rX"}
    return facts | {"grant": f"{whom}+rwx" if sight.wants == "w" else f"{whom}+rx"}


def not_a_file(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    sight = look(known["raw_path"])
    if not sight.is_there:
        return Evidence(code)
    kind = kind_of(sight.last)
    return Evidence(code, {"kind": kind}, [say(kind, path=shown(sight.path))])


def overlap(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    if "mark" in known:
        facts = {} if _is_ours(known["raw_mark"]) else {"mark_of_another": "yes"}
        return Evidence(code, facts, [say("library_mark", path=known["mark"])])
    return Evidence(code, {}, [say("overlap", path=known["path"], library=known["library"])])


def _is_ours(mark: bytes) -> bool:
    """Whether it is the mark of the library in use, by whatever path; so it is where nobody can tell."""
    ours = os.path.join(os.fsencode(settings.PHOTONEST_LIBRARY), os.path.basename(mark))
    try:
        known = fsops.Fingerprint.of(os.lstat(ours))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        return fsops.Fingerprint.of(os.lstat(mark)).is_one_file_with(known)
    except OSError:
        return True


def what_stands_there(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Which directory it is now, or the link on the way to it."""
    sight = look(known["raw_path"])
    links = [part for part in sight.parts if modes.S_ISLNK(part.mode)]
    if links:
        return Evidence(code, {}, [say("symbolic_link", path=shown(links[0].path))])
    facts = {"another": "yes"} if "recorded" in known else {}
    return Evidence(code, facts, sentences.of_absence(sight))


def one_file(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """On which mounts the two names of one file lie."""
    sights = [look(known[name]) for name in ("raw_path", "raw_library_file")]
    return Evidence(code, {}, [line for sight in sights for line in sentences.of_mount(sight)])


def kind_of(part: Part) -> str:
    """What it is: the code of the sentence that says so."""
    for test, kind in (
        (modes.S_ISLNK, "symbolic_link"),
        (modes.S_ISDIR, "directory"),
        (modes.S_ISFIFO, "pipe"),
        (modes.S_ISSOCK, "socket"),
        (modes.S_ISCHR, "device"),
        (modes.S_ISBLK, "disk"),
    ):
        if test(part.mode):
            return kind
    return "regular_file"


def in_use(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """How fresh the file is, and which program writes it."""
    sight = look(known["raw_path"])
    if not sight.is_there:
        return Evidence(code, {}, sentences.of_absence(sight))
    seen = sentences.of_change(sight.last)
    try:
        writers = within(LIMIT_S, lambda: processes.writers_of(sight.path))
    except TimeoutError:
        return Evidence(code, {}, seen)
    return Evidence(code, {}, seen + [sentences.of_writer(*writer) for writer in writers[:5]])


def too_long(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    longest = max(known["raw_path"].split(b"/"), key=len)
    seen = say("longest_name", count=len(longest), limit=LONGEST_NAME_BYTES)
    return Evidence(code, {}, [seen])


def content(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """The first bytes: they tell an expert what the file is, or was."""
    sight = look(known["raw_path"])
    if not sight.head:
        return Evidence(code)
    return Evidence(code, {"head": sight.head.hex()}, [say("head", head=sight.head.hex(" "))])


def library_file(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Whether the library's file is missing or wrong, and whether the source could give it back."""
    held = look(known["raw_library_file"])
    there = held.is_there
    seen = [say("other_bytes" if there else "not_there", file=shown(held.path))]
    if not look(known["raw_path"]).head:
        return Evidence(code, {}, seen)
    facts = {"library_file_damaged" if there else "library_file_missing": "yes"}
    return Evidence(code, facts, seen)
