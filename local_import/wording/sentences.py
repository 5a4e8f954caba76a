"""What was seen, as sentences of fact. Each has a stable code, so that it can be told again later in the
language of who reads it: what is stored beside the text is the code and the facts.
"""

from __future__ import annotations

import time
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import names
from ..fsops import Part, Room, Sight

SEEN: dict[str, str | Promise] = {
    "is_there": _("{path} is there now."),
    "is_there_empty": _("{path} is there and is empty."),
    "does_not_exist": _("{path} does not exist."),
    "exists": _("{path} exists."),
    "exists_empty": _("{path} exists and is empty."),
    "lies_on": _("{path} lies on {device} ({kind}), mounted at {point}."),
    "lies_on_read_only": _("{path} lies on {device} ({kind}), mounted read-only at {point}."),
    "awaited_mount": _("/etc/fstab lists {point}, and it is not mounted."),
    "owner": _("{path} is owned by {uid}:{gid} with mode {mode}; the worker runs as {own}."),
    "owner_groups": _(
        "{path} is owned by {uid}:{gid} with mode {mode}; the worker runs as {own} (groups {groups})."
    ),
    "may_not_read": _("It may not read it."),
    "may_not_write": _("It may not write it."),
    "may_not_enter": _("It may not enter it."),
    "changed": _("{path} has {size:,} bytes, and was last changed {age:.1f} s before this look."),
    "size": _("{path} has {size:,} bytes."),
    "writer": _("Process {pid} ({name}) has it open for writing."),
    "flag": _("{path} is marked immutable or append-only (lsattr shows i or a)."),
    "room": _("{point} has {free:,} of {size:,} bytes free."),
    "inodes": _("It has {free:,} of {number:,} files (inodes) free."),
    "symbolic_link": _("{path} is a symbolic link."),
    "directory": _("{path} is a directory."),
    "pipe": _("{path} is a pipe."),
    "socket": _("{path} is a socket."),
    "device": _("{path} is a device."),
    "disk": _("{path} is a disk."),
    "regular_file": _("{path} is a regular file."),
    "overlap": _("The source is {path}; PHOTONEST_LIBRARY is {library}."),
    "longest_name": _("Its longest name has {count} bytes; most file systems take {limit}."),
    "head": _("It begins with the bytes {head}."),
    "other_bytes": _("{file} is there, with other bytes."),
    "not_there": _("{file} is not there."),
    "mounted_inside": _("{device} ({kind}) is mounted at {point}, inside the library."),
    "may_write": _("This process may write files of {limit:,} bytes."),
    "may_open": _("This process may have {limit} files open."),
    "database_here": _("The database is {kind}, {name} at this machine."),
    "database_there": _("The database is {kind}, {name} at {where}."),
    "sqlstate": _("It reported SQLSTATE {state}."),
    "moved_by_session": _("Session {session} moves files of this source into the library."),
    "only_copies": _("{number} items of session {session} have their only copy in it."),
    "rule_of_kind": _("The rule that was about to be broken: {kind} {name}."),
    "rule": _("The rule that was about to be broken: {name}."),
    "database_said": _("{text}"),
    "holder": _("{kind} {number} holds {values}."),
    "memory": _("The machine has {free:,} of {total:,} bytes of memory free."),
    "heard_of": _("The worker {name} was last heard of {age:.0f} s ago."),
    "no_worker": _("No worker of the session is alive."),
    "no_answer": _("{mount} did not answer within {limit} s."),
    "neighbour": _("Seen at {path}, in the same directory:"),
}


class Seen(str):
    """A sentence that remembers its code and its facts."""

    __slots__ = ("code", "facts")
    code: str
    facts: dict[str, Any]

    @property
    def told(self) -> list[Any]:
        """As JSON."""
        return [self.code, self.facts]


def say(code: str, /, **facts: Any) -> Seen:
    """Raises KeyError or ValueError when the facts do not fit the sentence."""
    seen = Seen(str(SEEN[code]).format_map(facts))
    seen.code, seen.facts = code, facts
    return seen


def say_again(told: Any, text: str) -> str:
    """A sentence that was stored; the stored text where it cannot be told anew."""
    try:
        code, facts = told
        return say(code, **{name: _legible(value) for name, value in facts.items()})
    except (TypeError, ValueError, KeyError, AttributeError):
        return text


def _legible(value: Any) -> Any:
    return names.legible(value) if isinstance(value, str) else value


def of_absence(sight: Sight) -> list[Seen]:
    empty = "_empty" if sight.is_empty else ""
    if sight.is_there:
        return [say(f"is_there{empty}", path=names.shown(sight.path)), *of_mount(sight)]
    missing, last = names.shown(sight.missing or sight.path), names.shown(sight.last.path)
    return [say("does_not_exist", path=missing), say(f"exists{empty}", path=last), *of_mount(sight)]


def of_mount(sight: Sight) -> list[Seen]:
    """On which file system it lies, and which one is expected there."""
    seen = []
    if sight.mount:
        facts = {
            "path": names.shown(sight.last.path),
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
