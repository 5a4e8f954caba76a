"""A progress display on standard error, only on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from ..state_synchronizer import SessionSnapshot
from ..states import ITEM_UNRESOLVED

EVERY_S = 0.2


class Progress:
    """Shows nothing where nobody looks: without a terminal, or when only JSON is wanted."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self.is_shown = sys.stderr.isatty() and not quiet
        self._due, self._known = time.monotonic(), (0, 0, 0)
        self._display = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not self.is_shown,
            auto_refresh=False,  # a thread of its own must not be there when workers are forked
        )
        self._task = self._display.add_task(title, total=None, note="")

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._display.stop()

    def show(self, snapshot: SessionSnapshot) -> None:
        failed = sum(snapshot.counts[name] for name in ITEM_UNRESOLVED)
        self.tell(snapshot.total - snapshot.unfinished, snapshot.total, failed)

    def tell(self, done: int, total: int, failed: int) -> None:
        """Call it as often as there is something to tell; it is drawn a few times a second."""
        self._known = (done, total, failed)
        if time.monotonic() >= self._due:
            self._draw()

    def _draw(self) -> None:
        self._due = time.monotonic() + EVERY_S
        done, total, failed = self._known
        note = f"{failed} failed" if failed else ""
        self._display.update(self._task, total=total or None, completed=done, note=note)
        self._display.refresh()
