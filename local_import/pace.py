"""How fast a session goes, and how long it still takes: a range, or why there is none.

Nothing is written while files are imported but what counting them writes anyway: `followed` adds the
count to a short row of points, from which `left` estimates. Pure; times are seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul
from typing import Any

EVERY_S = 15.0  # between two points that are kept
POINTS = 20  # five minutes
IDLE_S = 90.0  # nobody counted for so long: nobody was at work, and it tells nothing of the pace
HALF_LIFE_S = 60.0  # the last minute weighs twice as much as the one before
STALLED_S = 60.0  # without any file coming to rest
ENOUGH_FILES, ENOUGH_S = 20, 10.0
WIDEST = 0.8  # of the spread
Point = Sequence[float]  # time, files at rest, bytes of these
# The count before: `at`, `files`; `moved_at`, when the last file came to rest; `points`, oldest first.
Pace = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """What comes to rest in a second, lately; `spread` is the share by which it varies."""

    files: float = 0.0
    bytes: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Left:
    """From `shortest` to `longest` seconds."""

    shortest: float
    longest: float


def followed(pace: Pace, at: float, files: int, size: int) -> dict[str, Any]:
    """The pace with one more count: so many files, of so many bytes, are at rest."""
    points = list(pace.get("points", ()))
    if files < pace.get("files", 0):
        points = []  # files were offered again: what was done is to be done once more
    if not points or at - points[-1][0] >= EVERY_S:
        points = [*points, [at, files, size]][-POINTS:]
    moved = files != pace.get("files") or at - pace["at"] > IDLE_S
    moved_at = at if moved else pace["moved_at"]
    return {"at": at, "files": files, "moved_at": moved_at, "points": points}


def rate(pace: Pace, now: Point) -> Rate | None:
    """The pace of the last minutes in which somebody was at work; None when they tell too little."""
    steps = list(_steps([*pace.get("points", ()), now]))
    if sum(step.seconds for step in steps) < ENOUGH_S or sum(s.files for s in steps) < ENOUGH_FILES:
        return None
    weights = [step.seconds * 0.5 ** ((now[0] - step.at) / HALF_LIFE_S) for step in steps]
    files = _mean([step.files / step.seconds for step in steps], weights)
    size = _mean([step.size / step.seconds for step in steps], weights)
    squares = _mean([(step.files / step.seconds - files) ** 2 for step in steps], weights)
    spread = squares**0.5 / files if files > 0 and len(steps) > 1 else WIDEST
    return Rate(files, size, min(spread, WIDEST))


@dataclass(frozen=True, slots=True)
class _Step:
    """What happened between two points; `at` is when the later one was."""

    seconds: float
    files: float
    size: float
    at: float


def _steps(points: Sequence[Point]) -> Iterator[_Step]:
    for before, after in pairwise(points):
        seconds = after[0] - before[0]
        if 0 < seconds <= IDLE_S:
            yield _Step(
                seconds, max(after[1] - before[1], 0), max(after[2] - before[2], 0), after[0]
            )


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return float(sum(map(mul, values, weights)) / sum(weights))


def left(found: Rate, files: int, size: int) -> Left | None:
    """How long so many files of so many bytes take: by their number, by their bytes, and as it varies."""
    amounts = ((files, found.files), (size, found.bytes))
    times = [amount / speed for amount, speed in amounts if amount > 0 and speed > 0]
    if not times:
        return None
    return Left(min(times) / (1 + found.spread), max(times) / (1 - found.spread))


def stalled_since(pace: Pace, now: float, files: int) -> float | None:
    """When the last file came to rest, if that is long ago."""
    moved = pace.get("moved_at")
    still = moved is not None and files == pace.get("files") and now - moved > STALLED_S
    return float(moved) if still and moved is not None else None
