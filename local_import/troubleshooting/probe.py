"""Looking before speaking: bounded in time, and once for many failures of one cause and place."""

from __future__ import annotations

import time

from .. import fsops
from ..bounded import within
from ..fsops import READ, Identity, Sight

LIMIT_S = 0.6  # for one look; a diagnosis takes three at most
DEAD_FOR_S = 30.0  # a mount that did not answer is not asked again for so long
_dead: dict[bytes, float] = {}  # mount point: until when, by time.monotonic()


class NoAnswer(Exception):
    """A look came to no end in time."""

    def __init__(self, place: bytes) -> None:
        super().__init__(place)
        self.place = place


def look(path: bytes, wants: int = READ, who: Identity | None = None) -> Sight:
    """What stands at a path. Raises NoAnswer when its disk does not answer in time."""
    mount = fsops.mount_of(path)  # from the mount table: that never waits
    place = mount.point if mount else b"/"
    if _dead.get(place, 0.0) > time.monotonic():
        raise NoAnswer(place)
    try:
        return within(LIMIT_S, lambda: fsops.probe(path, wants, who))
    except TimeoutError:
        _dead[place] = time.monotonic() + DEAD_FOR_S
        raise NoAnswer(place) from None
