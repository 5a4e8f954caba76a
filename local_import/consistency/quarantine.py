"""The quarantine: files that a repair set aside, each with a manifest that says whence and why.

The manifest is written first. So a repair that is killed in between leaves a manifest without a
file, which says nothing, and never a file of which nobody knows where it came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import fsops, names
from ..fsops import Tree
from .rule import key_of, path_of

PLACE = b"quarantine/"
_MANIFEST = b".json"


@dataclass(frozen=True, slots=True)
class Held:
    """A file in the quarantine. Without a manifest, an import or an undo set it aside."""

    path: bytes  # in the library
    size_bytes: int
    manifest: Mapping[str, Any]

    @property
    def origin(self) -> bytes | None:
        """Where in the library it stood; None when nobody wrote down a place in it."""
        path = path_of(str(self.manifest.get("from", "")))
        return path if names.is_below(path) else None


def set_aside(library: Tree, path: bytes, why: str, now: datetime) -> bytes:
    """Move a file of the library into the quarantine; returns where it is then."""
    name = names.digest(path + now.isoformat().encode())[-12:].encode()
    target = b"%s%s/%s" % (PLACE, now.strftime("%Y-%m-%d").encode(), name)
    told = {"from": key_of(path), "why": why, "at": now.astimezone(UTC).isoformat()}
    fsops.create(library, target + _MANIFEST, json.dumps(told, indent=2).encode() + b"\n")
    fsops.sync(library)
    fsops.quarantine(library, path, target)
    fsops.sync(library)
    return target


def held(library: Tree) -> Iterator[Held]:
    """Every file in the quarantine, manifests apart."""
    if not library.exists(PLACE.rstrip(b"/")):
        return
    for entry in fsops.walk(library, PLACE.rstrip(b"/")):
        if entry.kind == "file" and not entry.path.endswith(_MANIFEST):
            yield Held(entry.path, entry.size_bytes, _manifest(library, entry.path))


def name_of(found: Held) -> str:
    """What a list calls it."""
    return names.shown(found.path.removeprefix(PLACE))


def find(library: Tree, name: str) -> Held | None:
    """The file that a list calls so."""
    return next((found for found in held(library) if name_of(found) == name), None)


def _manifest(library: Tree, path: bytes) -> dict[str, Any]:
    try:
        with fsops.open_source(library, path + _MANIFEST) as file:
            told = json.loads(file.read_at(0, 64 * 1024))
    except (OSError, ValueError, fsops.FileEffectError):
        return {}
    return told if isinstance(told, dict) else {}


def put_back(library: Tree, found: Held) -> bytes:
    """Rename a file to where it stood. Raises DestinationTaken, or ValueError without a manifest."""
    origin = found.origin
    if origin is None:
        raise ValueError("nobody wrote down where in the library it stood")
    fsops.publish(library, found.path, origin)
    fsops.sync(library)
    return origin
