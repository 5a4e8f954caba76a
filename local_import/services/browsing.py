"""The directories that may be imported from the pages: those below PHOTONEST_SOURCES, and no others.

No link is followed below a root, so nothing leads out of it. A disk that does not answer is not waited
for.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings

from .. import fsops, names
from ..bounded import within
from ..fsops import Tree

LIMIT_S = 2.0
MOST = 5_000  # entries of a directory that are looked at
LONGEST = 4_096  # bytes of a path, as the kernel has it


class NotAllowed(Exception):
    """A path that leads out of the directories that may be imported, or is none of them."""


@dataclass(frozen=True, slots=True)
class Place:
    """A directory: one of the roots, and a path below it, both as bytes."""

    number: int  # of the root
    root: bytes
    below: bytes = b""

    @property
    def path(self) -> bytes:
        return os.path.join(self.root, self.below) if self.below else self.root

    @property
    def shown(self) -> str:
        return names.shown(self.path)

    @property
    def shown_below(self) -> str:
        return names.shown(self.below)

    def inside(self, name: bytes) -> Place:
        return Place(self.number, self.root, os.path.join(self.below, name))

    def above(self) -> list[Place]:
        """The root and every directory on the way, without the place itself."""
        if not self.below:
            return []
        parts = self.below.split(b"/")
        ways = [b"/".join(parts[:depth]) for depth in range(len(parts))]
        return [Place(self.number, self.root, way) for way in ways]

    @property
    def name(self) -> str:
        return names.shown(os.path.basename(self.below)) if self.below else names.shown(self.root)


@dataclass(frozen=True, slots=True)
class Inside:
    """What stands in a place; `trouble` says why it could not be looked at."""

    directories: tuple[Place, ...] = ()
    files: int = 0
    is_cut: bool = False
    trouble: str = ""


def roots() -> list[Place]:
    """The directories that the setting names, links of theirs resolved."""
    named = (os.path.realpath(os.fsencode(path)) for path in settings.PHOTONEST_SOURCES)
    return [Place(number, path) for number, path in enumerate(named)]


def place(number: str, below: str) -> Place:
    """The place of an address, its path as it was shown. Raises NotAllowed."""
    known = {str(root.number): root for root in roots()}
    path = names.unshown(below)
    if number not in known or len(path) > LONGEST or (path and not names.is_below(path)):
        raise NotAllowed
    root = known[number]
    return Place(root.number, root.root, path)


def look(at: Place) -> Inside:
    """What stands in it. Raises NotAllowed where a link lies on the way."""
    try:
        found = within(LIMIT_S, lambda: _glance(at))
    except (ValueError, fsops.LinkOnTheWay) as error:
        raise NotAllowed from error
    except OSError as error:  # TimeoutError is one
        return Inside(trouble=error.strerror or str(error))
    inside = tuple(at.inside(name) for name in found.directories)
    return Inside(inside, found.files, found.is_cut)


def _glance(at: Place) -> fsops.Glance:
    with Tree(at.root) as tree:
        return fsops.glance(tree, at.below, MOST)
