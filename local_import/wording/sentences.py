"""What a look has seen, in sentences of fact."""

from __future__ import annotations

import os
import time

from .. import names
from ..fsops import Part, Room, Sight
from ..sayings import Seen, say


def of_absence(sight: Sight) -> list[Seen]:
    empty = "_empty" if sight.is_empty else ""
    if sight.is_there:
        return [say(f"is_there{empty}", path=names.shown(sight.path)), *of_mount(sight)]
    if sight.error:  # which says nothing of whether it is there
        detail = os.strerror(sight.error)
        return [say("not_seen", path=names.shown(sight.path), detail=detail), *of_mount(sight)]
    missing, last = names.shown(sight.missing or sight.path), names.shown(sight.last.path)
    return [say("does_not_exist", path=missing), say(f"exists{empty}", path=last), *of_mount(sight)]


def of_mount(sight: Sight) -> list[Seen]:
    """On which file system it lies, and which one is expected there."""
    seen = []
    if sight.mount:
        facts = {
            "path": names.shown(sight.path if sight.error else sight.last.path),
            "device": names.shown(sight.mount.device.encode()),
            "kind": sight.mount.kind,
            "point": names.shown(sight.mount.point),
        }
        seen.append(say("lies_on_read_only" if sight.mount.read_only else "lies_on", **facts))
    if sight.awaited_mount:
        seen.append(say("awaited_mount", point=names.shown(sight.awaited_mount)))
    return seen


_REFUSALS = {"r": "may_not_read", "w": "may_not_write", "x": "may_not_enter"}


def of_access(sight: Sight) -> list[Seen]:
    """Owner and mode of what refuses, or of the last component, against the worker's."""
    part = sight.obstacle or sight.last
    facts = {
        "path": names.shown(part.path),
        "uid": part.uid,
        "gid": part.gid,
        "mode": part.permissions,
        "own": f"{sight.who.uid}:{sight.who.gid}",
    }
    others = ", ".join(str(group) for group in sight.who.groups if group != sight.who.gid)
    seen = [say("owner_groups", groups=others, **facts) if others else say("owner", **facts)]
    return [*seen, say(_REFUSALS[sight.wants])] if sight.obstacle else seen


def of_change(part: Part) -> list[Seen]:
    age = max(0.0, time.time() - part.mtime_ns / 1e9)
    return [say("changed", path=names.shown(part.path), size=part.size_bytes, age=age)]


def of_size(part: Part) -> list[Seen]:
    return [say("size", path=names.shown(part.path), size=part.size_bytes)]


def of_writer(pid: int, name: str) -> Seen:
    return say("writer", pid=pid, name=names.shown(name.encode("utf-8", "surrogateescape")))


def of_flag(part: Part) -> list[Seen]:
    return [say("flag", path=names.shown(part.path))]


def of_room(point: bytes, room: Room) -> list[Seen]:
    facts = {"free": room.free_bytes, "size": room.size_bytes}
    seen = [say("room", point=names.shown(point), **facts)]
    if room.files:
        seen.append(say("inodes", free=room.free_files, number=room.files))
    return seen
