"""What an import would do, told before it is started, in a bounded time: so perhaps of the first files."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from .. import names, runway
from ..counting import Young
from ..pipeline.desk import Desk
from ..pipeline.preview import preview
from ..pipeline.scan import found_in_source
from ..pipeline.work import Work, code_of, state_after
from ..states import ItemState
from . import sessions
from .progress import patience

WALK_S, READ_S = 2.0, 4.0  # for counting the files, and for reading the first of them
READ_BYTES = 300_000_000
BATCH_ITEMS = 8
EXAMPLES = 5


@dataclass(slots=True)
class DryRun:
    """Of the whole source what it holds; of the files that were read what would become of them."""

    files: int = 0
    bytes: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    is_counted: bool = True  # whether the whole source was counted in time
    read: int = 0
    bytes_to_import: int = 0  # of the files read
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)  # by state and code
    failures: list[dict[str, Any]] = field(default_factory=list)  # of the first that would fail
    waits: list[float] = field(default_factory=list)  # seconds, of those that changed a moment ago
    copies: bool = True  # whether bytes are copied, so that room is needed for them
    free_bytes: int | None = None

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """State, code and number, the most frequent first."""
        return [(state, code, number) for (state, code), number in self.outcomes.most_common()]

    @property
    def patience(self) -> str:
        """What files would wait for that changed a moment ago; empty where there are none."""
        return patience(Young(len(self.waits), ceil(max(self.waits)))) if self.waits else ""

    @property
    def is_whole(self) -> bool:
        return self.is_counted and self.read >= self.files

    @property
    def needed_bytes(self) -> int:
        """At most, where not every file was read."""
        if not self.copies:
            return 0
        return self.bytes_to_import if self.is_whole else self.bytes

    @property
    def has_room(self) -> bool:
        return self.free_bytes is None or self.needed_bytes < self.free_bytes


def dry_run(source: bytes, mode: str) -> DryRun:
    """Changes nothing. Raises ImportProblem when the source or the mode cannot be imported."""
    found = DryRun()
    with sessions.dry_desk(source, mode) as desk:
        _count(found, desk)
        _read(found, desk)
        found.copies = not desk.renames
    found.free_bytes = runway.free_bytes()
    return found


def _count(found: DryRun, desk: Desk) -> None:
    ends = time.monotonic() + WALK_S
    for entry in found_in_source(desk):
        if time.monotonic() > ends:
            found.is_counted = False
            return
        if entry.kind == "left_out":
            found.left_out[entry.reason] = found.left_out.get(entry.reason, 0) + 1
        else:
            found.files += 1
            found.bytes += entry.size_bytes


def _read(found: DryRun, desk: Desk) -> None:
    """Stops in time, and before a file that alone would take too long."""
    for work in _in_time(desk):
        found.read += 1
        state, code = state_after(work.verdict), code_of(work.verdict)
        found.outcomes[(str(state), code)] += 1
        found.waits += [work.wait_s] if work.wait_s else []
        if state == ItemState.IMPORTED:
            found.bytes_to_import += work.size_bytes
        elif work.verdict and work.verdict.failure and len(found.failures) < EXAMPLES:
            shown = names.shown(work.path)
            found.failures.append({"path": shown, "failure": work.verdict.failure})


def _in_time(desk: Desk) -> Iterator[Work]:
    ends = time.monotonic() + READ_S
    works = preview(desk, Counter(), batch_items=BATCH_ITEMS, most_bytes=READ_BYTES)
    for work in works:
        yield work
        if time.monotonic() > ends:
            return
