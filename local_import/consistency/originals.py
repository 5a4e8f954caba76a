"""Originals: files that the desk itself has named after their bytes, and whose bytes are those.

An unlisted one is nobody's garbage: the database that lists it was lost, or set back to an older day.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from django.db.models.functions import Substr

from .. import fsops, names
from ..fsops import Answer, Found, Tree
from ..models import Media

SHORTEST = names.PREFIX_LENGTHS[0]
READ = 100  # files that one look reads to their end; of more it judges by their names


class Kind(Enum):
    ORIGINAL = auto()  # and no media has its bytes
    AWAITED = auto()  # a media has its bytes, and no file at its own place
    OTHER = auto()  # a second copy, or not what its name says
    GONE = auto()
    UNREADABLE = auto()


@dataclass(slots=True)
class Judge:
    """Judges unlisted files by name and hash, and reads so many of them."""

    library: Tree
    left: int = READ
    _listed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def kinds(self, files: Iterable[tuple[Found, bytes]]) -> Iterator[tuple[Found, Kind]]:
        """Of each file with the path that it was given once, its kind."""
        named = [(found, names.hash_in(path)) for found, path in files]
        self._listed = _listed({prefix[:SHORTEST] for _, prefix in named if prefix})
        for found, prefix in named:
            yield found, self._kind(found.path, prefix) if prefix else Kind.OTHER

    def _kind(self, path: bytes, prefix: str) -> Kind:
        listed = [
            row for row in self._listed.get(prefix[:SHORTEST], ()) if row[0].startswith(prefix)
        ]
        if self.left <= 0:
            return Kind.OTHER if listed else Kind.ORIGINAL
        self.left -= 1
        found = fsops.compare(self.library, path, "", afresh=False)
        if found.is_unreadable:
            return Kind.UNREADABLE
        if found.answer is Answer.ABSENT:
            return Kind.GONE
        held = found.sha256
        place = dict(listed).get(held)
        if place is not None:
            return Kind.OTHER if self._stands(place) else Kind.AWAITED
        return Kind.ORIGINAL if held.startswith(prefix) else Kind.OTHER

    def _stands(self, place: str) -> bool:
        """Whether a file is at the place of a media; where nobody can look, it may be."""
        path = os.fsencode(place)
        try:
            return names.is_media_place(path) and self.library.exists(path)
        except OSError:
            return True


def _listed(beginnings: set[str]) -> dict[str, list[tuple[str, str]]]:
    """(SHA-256, path) of the media whose hashes begin so, by these beginnings."""
    rows = Media.objects.annotate(beginning=Substr("sha256", 1, SHORTEST))
    found: dict[str, list[tuple[str, str]]] = {}
    if beginnings:
        of_these = rows.filter(beginning__in=beginnings)
        for beginning, sha256, path in of_these.values_list("beginning", "sha256", "path"):
            found.setdefault(beginning, []).append((sha256, path))
    return found
