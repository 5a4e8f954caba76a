"""The quarantine: files that a repair set aside, each with a manifest that says whence and why.

The manifest is written first. So a repair that is killed in between leaves a manifest without a
file, which says nothing, and never a file of which nobody knows where it came from.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from .. import fsops, names
from ..audit_logger import Actor, AuditLogger, Entry
from ..fsops import DestinationTaken, Tree
from ..models import Media
from ..models.audit_log import AuditCategory, AuditLevel
from .rule import key_of, path_of

PLACE = b"quarantine/"
_MANIFEST = b".json"
_LARGEST_MANIFEST = 64 * 1024  # bytes
_audit = AuditLogger()


class NotRestored(Exception):
    """Why a file stays in the quarantine, as a sentence."""


@dataclass(frozen=True, slots=True)
class Held:
    """A file in the quarantine."""

    path: bytes  # in the library
    size_bytes: int

    @property
    def name(self) -> str:
        return names.shown(self.path.removeprefix(PLACE))


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was written down of a file; nothing, where an import or an undo set it aside."""

    origin: bytes | None = None  # its place in the library; None also of one that leads out of it
    why: str = ""
    at: str | None = None


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
            yield Held(entry.path, entry.size_bytes)


def find(library: Tree, name: str) -> Held | None:
    """The file that a list calls so."""
    path = PLACE + names.unshown(name)
    if not names.is_below(path) or path.endswith(_MANIFEST):
        return None
    try:
        return Held(path, library.stat(path).st_size)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return None
        raise


def manifest_of(library: Tree, path: bytes) -> Manifest:
    told = _read(library, path + _MANIFEST)
    origin = path_of(str(told.get("from", "")))
    why = names.shown(str(told.get("why", "")).encode("utf-8", "replace"))
    at = names.shown(str(told["at"]).encode("utf-8", "replace")) if told.get("at") else None
    return Manifest(origin if names.is_below(origin) else None, why, at)


def _read(library: Tree, path: bytes) -> dict[str, Any]:
    try:
        with fsops.open_source(library, path) as file:
            told = json.loads(file.read_at(0, _LARGEST_MANIFEST))
    except (OSError, ValueError, RecursionError, fsops.FileEffectError):
        return {}
    return told if isinstance(told, dict) else {}


def told(library: Tree, found: Held) -> dict[str, Any]:
    """A file of the quarantine as plain data, safe on any screen."""
    manifest = manifest_of(library, found.path)
    origin = names.shown(manifest.origin) if manifest.origin else None
    return {
        "name": found.name,
        "bytes": found.size_bytes,
        "from": origin,
        "why": manifest.why,
        "at": manifest.at,
    }


def held_as(library: Tree, found: Held) -> str | None:
    """The place of the media whose file in the library has the same bytes; both are read."""
    if not Media.objects.filter(size_bytes=found.size_bytes).exists():
        return None
    sha256 = fsops.compare(library, found.path, "").sha256
    media = Media.objects.filter(sha256=sha256).first() if sha256 else None
    if media is None or not fsops.compare(library, os.fsencode(media.path), sha256).is_equal:
        return None
    return media.path


def why_not_restored(library: Tree | None, name: str) -> str:
    """Why the file of that name cannot be put back to where it stood; nothing where it can."""
    if library is None:
        return _("The library is not there, or not mounted.")
    found = find(library, name)
    if found is None:
        return _("There is no such file in the quarantine.")
    origin = manifest_of(library, found.path).origin
    if origin is None:
        return _("Nobody wrote down where in the library the file stood.")
    return _taken(origin) if library.exists(origin) else ""


def _taken(origin: bytes) -> str:
    return _("Another file stands at its place now: {path}.").format(path=names.shown(origin))


def restore(library: Tree | None, name: str, *, actor: Actor, reason: str = "") -> str:
    """Put the file of that name back to where it stood; returns the place as it is shown.

    The audit log tells when it begins and when it is done. Raises NotRestored; then it stays.
    """
    why = why_not_restored(library, name)
    if why or library is None:
        raise NotRestored(why)
    path = PLACE + names.unshown(name)
    origin = manifest_of(library, path).origin
    assert origin
    record = partial(_record, {"name": name, "to": names.shown(origin)}, actor)
    record("quarantine.restore_begun", f"Begun to put it back. {reason}")
    try:
        fsops.publish(library, path, origin)
        fsops.sync(library)
    except DestinationTaken:
        raise NotRestored(_taken(origin)) from None
    except OSError as error:
        raise NotRestored(f"{error.strerror}.") from error
    record("quarantine.restore", f"Put back. {reason}")
    return names.shown(origin)


def _record(details: dict[str, Any], actor: Actor, action: str, text: str) -> None:
    entry = Entry(
        AuditCategory.CONSISTENCY,
        text.strip(),
        level=AuditLevel.WARNING,
        action=action,
        actor=actor,
        details=details,
    )
    _audit.record(entry)
