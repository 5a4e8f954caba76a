"""The runway: what the disk of the library has left, and how long that lasts at the pace of the last week."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings

from . import fsops
from .bounded import within
from .metrics import Measure, sums
from .transactions import database_now

WEEK = timedelta(days=7)
AMPLE = timedelta(days=3650)
FEWEST_BYTES = 10**9  # free; fewer are worth a word
FEWEST_DAYS = 14  # until it is full
LOOK_S = 2.0  # how long a dead mount may take


@dataclass(frozen=True, slots=True)
class Runway:
    """What the file system of the library, or of the directory it will be made in, has left."""

    free_bytes: int
    size_bytes: int
    bytes_per_day: float  # imported in the last week

    @property
    def used_bytes(self) -> int:
        return self.size_bytes - self.free_bytes

    @property
    def days(self) -> float | None:
        """Until it is full at that pace; None when nothing was imported."""
        return self.free_bytes / self.bytes_per_day if self.bytes_per_day else None

    @property
    def is_short(self) -> bool:
        return self.is_shorter_than(FEWEST_DAYS)

    @property
    def is_ample(self) -> bool:
        """Whether it lasts so long that to count the days would say nothing."""
        return self.days is not None and self.days > AMPLE.days

    def is_shorter_than(self, days: float) -> bool:
        """Or, at any pace, next to full."""
        soon = self.days is not None and self.days < days
        return self.free_bytes < FEWEST_BYTES or soon


def runway() -> Runway:
    """Raises OSError when the disk does not answer (TimeoutError is one) or cannot be looked at."""
    room = _room()
    return Runway(room.free_bytes, room.size_bytes, _bytes_per_day(database_now()))


def free_bytes() -> int | None:
    """None where nobody can tell in time. No query."""
    try:
        return _room().free_bytes
    except OSError:
        return None


def _room() -> fsops.Room:
    path = os.fsencode(settings.PHOTONEST_LIBRARY)
    room = within(LOOK_S, partial(fsops.probe, path)).room
    if room is None:
        raise OSError(f"The disk of {settings.PHOTONEST_LIBRARY} cannot be looked at.")
    return room


def _bytes_per_day(now: datetime) -> float:
    lately = sums(Measure.FILE, "code", since=now - WEEK)
    imported = sum(int(row["size"]) for row in lately if row["code"] == "")
    return imported / WEEK.days
