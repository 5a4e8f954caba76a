"""The mount table: on which file system a path lies, and which one should be there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_TABLE, _FSTAB = "/proc/self/mountinfo", "/etc/fstab"
_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of the mount table."""

    point: bytes
    kind: str  # ext4, nfs, tmpfs …
    device: str
    read_only: bool


def mount_of(path: bytes) -> Mount | None:
    """The file system that an absolute path lies on, links not followed."""
    found: Mount | None = None
    for mount in _mounted():
        covers = is_below(path, mount.point)
        # Of two at one point the later covers the earlier.
        if covers and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def mounts_below(path: bytes) -> list[Mount]:
    """What is mounted somewhere below a directory, not at it."""
    return [mount for mount in _mounted() if mount.point != path and is_below(mount.point, path)]


def expected_mount(path: bytes) -> bytes:
    """The deepest mount point of /etc/fstab above the path that is not mounted; or nothing."""
    mounted = {mount.point for mount in _mounted()}
    awaited = [point for point in _listed() if is_below(path, point) and point not in mounted]
    return max(awaited, key=len, default=b"")


def is_below(path: bytes, point: bytes) -> bool:
    return path == point or path.startswith(point.rstrip(b"/") + b"/")


def _mounted() -> Iterable[Mount]:
    # Source: proc_pid_mountinfo(5): fields 5 and 6, and after a lone hyphen type, source, options.
    for line in _lines(_TABLE):
        left, _, right = line.partition(b" - ")
        fields, rest = left.split(b" "), right.split(b" ")
        if len(fields) < 6 or len(rest) < 3:
            continue
        options = fields[5].split(b",") + rest[2].strip().split(b",")
        kind, device = rest[0].decode("ascii", "replace"), rest[1].decode("utf-8", "replace")
        yield Mount(_plain(fields[4]), kind, device, b"ro" in options)


def _listed() -> Iterable[bytes]:
    for line in _lines(_FSTAB):
        fields = line.split()
        if len(fields) >= 3 and not line.startswith(b"#") and fields[1].startswith(b"/"):
            yield _plain(fields[1])


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _plain(field: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8)]), field)
