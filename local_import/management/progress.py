"""A progress display on standard error, only on a terminal."""

from __future__ import annotations

import sys
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

from ..models import ImportSession
from ..state_synchronizer import SessionSnapshot
from ..states import ITEM_UNRESOLVED


class Progress:
    """Shows nothing where nobody looks: without a terminal, or when only JSON is wanted."""

    def __init__(self, session: ImportSession, *, quiet: bool) -> None:
        self._session = session
        shown = sys.stderr.isatty() and not quiet
        self._display = RichProgress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not shown,
            auto_refresh=False,  # a thread of its own must not be there when workers are forked
        )
        self._task = self._display.add_task(f"Session {session.pk}", total=None, note="")

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    def show(self, snapshot: SessionSnapshot) -> None:
        failed = sum(snapshot.counts[name] for name in ITEM_UNRESOLVED)
        self._display.update(
            self._task,
            total=snapshot.total or None,
            completed=snapshot.total - snapshot.unfinished,
            note=f"{failed} failed" if failed else "",
        )
        self._display.refresh()
