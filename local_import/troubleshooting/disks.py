"""Looks at a disk: how much room it has, what it is, whether it is the right one."""

from __future__ import annotations

import resource
from typing import Any

from .. import names
from ..errors import ErrorCode
from ..fsops import Mount, Room, Sight, mounts_below
from ..sayings import Seen, say
from ..wording import sentences
from ..wording.facts import about_path
from .evidence import Evidence, Known
from .probe import look

RESERVE_BYTES = 1024 * 1024  # with so much free, it is not the bytes that are missing
NETWORK = ("nfs", "cifs", "smb", "9p", "ceph", "glusterfs", "fuse.")
SCARCE_FILES = 64


def room(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Full of bytes, of files, or of what this user may have."""
    sight = look(known.get("raw_failing") or known["raw_path"])
    if code == ErrorCode.DISK_FULL and sight.room and _lacks_files(sight.room):
        code = ErrorCode.INODES_EXHAUSTED
    return _told(code, sight)


def _lacks_files(room: Room) -> bool:
    """Some inodes may be free again by now: those of what could not be finished."""
    return bool(room.files) and room.free_files < SCARCE_FILES and room.free_bytes > RESERVE_BYTES


def fullness(sight: Sight) -> Evidence | None:
    """Whether nothing more can be put there, and of what there is no room."""
    if sight.room is None:
        return None
    if sight.room.files and not sight.room.free_files:
        return _told(ErrorCode.INODES_EXHAUSTED, sight)
    return None if sight.room.free_bytes else _told(ErrorCode.DISK_FULL, sight)


def _told(code: ErrorCode, sight: Sight) -> Evidence:
    facts = _mount(sight)
    if sight.room is None:
        return Evidence(code, facts)
    facts |= {"free_bytes": sight.room.free_bytes, "free_files": sight.room.free_files}
    point = sight.mount.point if sight.mount else sight.last.path
    return Evidence(code, facts, sentences.of_room(point, sight.room))


def _mount(sight: Sight) -> dict[str, Any]:
    if sight.mount is None:
        return {}
    facts = about_path(sight.mount.point, "mount") | {"device": sight.mount.device}
    if sight.mount.kind.startswith(NETWORK):
        facts["share"] = "yes"  # what may be mounted anew without harm to the machine
    return facts


def device(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Which disk it is that fails: that of the photo, or of where it was to go."""
    sight = look(known.get("raw_failing") or known["raw_path"])
    return Evidence(code, _mount(sight), sentences.of_mount(sight))


def library_mark(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    sight = look(known["raw_path"])
    facts: dict[str, Any] = {}
    if sight.awaited_mount:
        facts = about_path(sight.awaited_mount, "mount") | {"in_fstab": "yes"}
    return Evidence(code, facts, sentences.of_absence(sight))


def inner_mounts(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """What is mounted inside the library."""
    found = mounts_below(known["raw_library"])
    return Evidence(code, {}, [_is_mounted(mount) for mount in found[:5]])


def _is_mounted(mount: Mount) -> Seen:
    device, point = names.shown(mount.device.encode()), names.shown(mount.point)
    return say("mounted_inside", device=device, kind=mount.kind, point=point)


def file_size(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """How large the file is, and how large this process may make one."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    seen = sentences.of_size(look(known["raw_path"]).last)
    if limit != resource.RLIM_INFINITY:
        seen.append(say("may_write", limit=limit))
    return Evidence(code, {}, seen)


def open_files(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return Evidence(code, {"open_files_limit": limit}, [say("may_open", limit=limit)])
