"""What an operation would do to its target as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ..models import ImportItem

SAMPLE = 5  # files shown of those that are touched


class Refused(NamedTuple):
    """So many files, or sessions, that it leaves alone, and why: a full sentence."""

    why: str
    number: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`why_not` is a full sentence; empty when it is possible."""

    why_not: str = ""
    touches: int = 0  # files
    refused: list[Refused] = field(default_factory=list)
    sample: list[ImportItem] = field(default_factory=list)
    sessions: list[int] = field(default_factory=list)  # in which it has something to do, in order
    restarts: int = 0  # sessions that are started again
    in_background: bool = False  # it takes long, however few files it touches
