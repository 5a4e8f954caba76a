"""Looks at a disk: how much room it has, what it is, whether it is the right one."""

from __future__ import annotations

import resource
from typing import Any

from django.utils.translation import gettext as _

from ..errors import ErrorCode
from ..fsops import Sight
from . import sentences
from .evidence import Evidence, Known
from .facts import about_path
from .probe import look


def room(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Full of bytes, of files, or of what this user may have."""
    sight = look(known.get("raw_failing") or known["raw_path"])
    if code == ErrorCode.DISK_FULL and (found := fullness(sight)):
        return found
    return _told(code, sight)


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
    return about_path(sight.mount.point, "mount") | {"device": sight.mount.device}


def device(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Which disk it is that fails."""
    sight = look(known["raw_path"])
    return Evidence(code, _mount(sight), sentences.of_mount(sight))


def library_mark(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    sight = look(known["raw_path"])
    facts: dict[str, Any] = {}
    if sight.awaited_mount:
        facts = about_path(sight.awaited_mount, "mount") | {"in_fstab": "yes"}
    return Evidence(code, facts, sentences.of_absence(sight))


def open_files(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    text = _("This process may have {limit} files open.").format(limit=limit)
    return Evidence(code, {"open_files_limit": limit}, [text])
