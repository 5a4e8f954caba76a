"""A progress display on standard error, only on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Self

from django.utils import timezone
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

from ..counting import young
from ..services.progress import patience
from ..state_synchronizer import SessionSnapshot
from ..states import ITEM_UNRESOLVED, ItemState

EVERY_S = 0.2


class Progress:
    """Shows nothing where nobody looks: without a terminal, or when only JSON is wanted."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self.is_shown = sys.stderr.isatty() and not quiet
        self._due, self._known, self._patience = time.monotonic(), (0, 0, 0), ""
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
        self._patience = _patience(snapshot) if self.is_shown else ""
        self.tell(snapshot.total - snapshot.unfinished, snapshot.total, failed)

    def tell(self, done: int, total: int, failed: int) -> None:
        """Call it as often as there is something to tell; it is drawn a few times a second."""
        self._known = (done, total, failed)
        if time.monotonic() >= self._due:
            self._draw()

    def _draw(self) -> None:
        self._due = time.monotonic() + EVERY_S
        done, total, failed = self._known
        notes = [f"{failed} failed"] if failed else []
        notes += [self._patience] if self._patience else []
        note = ", ".join(notes)
        self._display.update(self._task, total=total or None, completed=done, note=note)
        self._display.refresh()


def _patience(snapshot: SessionSnapshot) -> str:
    if not snapshot.counts[ItemState.PENDING]:
        return ""
    found = young([snapshot.session_id], timezone.now()).get(snapshot.session_id)
    return patience(found) if found else ""
