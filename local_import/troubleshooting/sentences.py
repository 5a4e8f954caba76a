"""What was seen, as sentences of fact."""

from __future__ import annotations

import time

from django.utils.translation import gettext as _

from .. import names
from ..fsops import Part, Room, Sight

_NEEDS = {"r": _("read"), "w": _("write"), "x": _("enter")}


def of_absence(sight: Sight) -> list[str]:
    if sight.is_there:
        text = _("{path} is there and is empty.") if sight.is_empty else _("{path} is there now.")
        return [text.format(path=names.shown(sight.path)), *of_mount(sight)]
    seen = [_("{path} does not exist.").format(path=names.shown(sight.missing or sight.path))]
    text = _("{path} exists and is empty.") if sight.is_empty else _("{path} exists.")
    seen.append(text.format(path=names.shown(sight.last.path)))
    return seen + of_mount(sight)


def of_mount(sight: Sight) -> list[str]:
    """On which file system it lies, and which one is expected there."""
    seen = []
    if sight.mount:
        text = _("{path} lies on {device} ({kind}), mounted at {point}{how}.")
        seen.append(
            text.format(
                path=names.shown(sight.last.path),
                device=names.shown(sight.mount.device.encode()),
                kind=sight.mount.kind,
                point=names.shown(sight.mount.point),
                how=_(", read-only") if sight.mount.read_only else "",
            )
        )
    if sight.awaited_mount:
        text = _("/etc/fstab lists {point}, and it is not mounted.")
        seen.append(text.format(point=names.shown(sight.awaited_mount)))
    return seen


def of_access(sight: Sight) -> list[str]:
    """Owner and mode of what refuses, or of the last component, against the worker's."""
    part = sight.obstacle or sight.last
    text = _("{path} is owned by {uid}:{gid} with mode {mode}; the worker runs as {worker}.")
    seen = [
        text.format(
            path=names.shown(part.path),
            uid=part.uid,
            gid=part.gid,
            mode=part.permissions,
            worker=_worker(sight),
        )
    ]
    if sight.obstacle:
        text = _("It may not {verb} it.")
        seen.append(text.format(verb=_NEEDS[sight.wants]))
    return seen


def _worker(sight: Sight) -> str:
    own = f"{sight.who.uid}:{sight.who.gid}"
    others = [str(group) for group in sight.who.groups if group != sight.who.gid]
    return _("{own} (groups {groups})").format(own=own, groups=", ".join(others)) if others else own


def of_change(part: Part) -> list[str]:
    text = _("{path} has {size:,} bytes, and was last changed {age:.1f} s before this look.")
    age = max(0.0, time.time() - part.mtime_ns / 1e9)
    return [text.format(path=names.shown(part.path), size=part.size_bytes, age=age)]


def of_size(part: Part) -> list[str]:
    text = _("{path} has {size:,} bytes.")
    return [text.format(path=names.shown(part.path), size=part.size_bytes)]


def of_writer(pid: int, name: str) -> str:
    text = _("Process {pid} ({name}) has it open for writing.")
    return text.format(pid=pid, name=names.shown(name.encode("utf-8", "surrogateescape")))


def of_flag(part: Part) -> list[str]:
    text = _("{path} is marked immutable or append-only (lsattr shows i or a).")
    return [text.format(path=names.shown(part.path))]


def of_room(point: bytes, room: Room) -> list[str]:
    text = _("{point} has {free:,} of {size:,} bytes free.")
    shown = names.shown(point)
    seen = [text.format(point=shown, free=room.free_bytes, size=room.size_bytes)]
    if room.files:
        text = _("It has {free:,} of {number:,} files (inodes) free.")
        seen.append(text.format(free=room.free_files, number=room.files))
    return seen
