"""Who took a file: the item of another session that moved it away from its place.

Two sessions may overlap: a directory and its parent, or one directory twice. In mode move, what one of
them takes is gone for the other. The absolute path is the same for both.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from .. import fsops, names
from ..models import ImportItem, ImportSession
from ..models.import_item import ImportItemQuerySet
from ..states import ImportMode, ItemState, SourceDisposition
from .work import Original

CHUNK = 500
_IN_MOTION = (ItemState.MOVING, ItemState.UPDATING)
_TAKEN = (SourceDisposition.MOVED, SourceDisposition.RELEASED, SourceDisposition.RELEASE_DUE)
_FOUND = ("path_digest", "session", "state", "media", "media__path", "media__sha256")


@dataclass(frozen=True, slots=True)
class Taker:
    """The item of another session that has a file now, or is about to."""

    session_id: int
    original: Original | None  # None while it is on its way
    sha256: str = ""

    def told(self, path: bytes) -> str:
        assert self.original
        shown = names.shown(path)
        return (
            f"{shown} was moved into the library as {self.original.path} "
            f"by session {self.session_id}."
        )


def takers(session: ImportSession, paths: Sequence[bytes]) -> dict[bytes, Taker]:
    """Who took the files of these absolute paths, of those that were taken."""
    found: dict[bytes, Taker] = {}
    if not paths:
        return found
    for root, ids in _overlapping(session).items():
        start = len(root.rstrip(b"/")) + 1
        below = {names.digest(path[start:]): path for path in paths if _is_in(path, root)}
        items = ImportItem.objects.filter(session__in=ids, path_digest__in=list(below))
        # What was taken before this session looked was another file of that name.
        since = session.started_at or session.created_at
        taken = Q(state=ItemState.IMPORTED, source_disposition__in=_TAKEN)
        rows = items.filter(
            taken & Q(state_changed_at__gte=since) | Q(state__in=_IN_MOTION)
        ).order_by("-state", "state_changed_at")  # the last one counts
        for digest, *row in rows.values_list(*_FOUND):
            found[below[digest]] = _taker(*row)
    return found


def _taker(session_id: int, state: str, media_id: Any, path: Any, sha256: Any) -> Taker:
    if state != ItemState.IMPORTED:
        return Taker(session_id, None)
    return Taker(session_id, Original(media_id, path), sha256)


def _is_in(path: bytes, root: bytes) -> bool:
    return path != root and fsops.is_below(path, root)


def _overlapping(session: ImportSession) -> dict[bytes, list[int]]:
    """The other sessions by their sources: of this directory, of one above it, of one below it.

    Only those that move, and that have not ended before this one was made: what they took then this
    one has never seen.
    """
    root = bytes(session.source_path)
    below = Q(source_path__gt=root.rstrip(b"/") + b"/", source_path__lt=root.rstrip(b"/") + b"0")
    others = ImportSession.objects.filter(below | Q(source_path__in=_at_or_above(root)))
    later = Q(finished_at__isnull=True) | Q(finished_at__gte=session.created_at)
    others = others.filter(later, mode=ImportMode.MOVE).exclude(pk=session.pk).order_by("pk")
    by_root: dict[bytes, list[int]] = {}
    for pk, path in others.values_list("pk", "source_path"):
        by_root.setdefault(bytes(path), []).append(pk)
    return by_root


def _at_or_above(path: bytes) -> list[bytes]:
    found = [path]
    while path != os.path.dirname(path):
        path = os.path.dirname(path)
        found.append(path)
    return found


def are_all_taken(session: ImportSession, items: ImportItemQuerySet) -> bool:
    """Whether all of these items of a session, by their ids, were moved away by others."""
    last = 0
    while rows := list(items.filter(pk__gt=last).values_list("pk", "path")[:CHUNK]):
        last = rows[-1][0]
        paths = [os.path.join(bytes(session.source_path), bytes(path)) for _, path in rows]
        if len(takers(session, paths)) < len(paths):
            return False
    return True
