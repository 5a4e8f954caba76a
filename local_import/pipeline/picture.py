"""The picture of a session while it runs: counted about once a second, at a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db import connection

from ..audit_logger import Actor
from ..state_synchronizer import SessionSnapshot, StateSynchronizer

EVERY_S = 1.0
SHARE = (
    20  # counting takes at most one part in so many of the time: of a million files it takes long
)


class Picture:
    """Call it as often as there is time for it; most calls do nothing."""

    def __init__(
        self,
        session_id: int,
        actor: Actor,
        report: Callable[[SessionSnapshot], object] = lambda snapshot: None,
    ) -> None:
        self._session_id, self._actor, self._report = session_id, actor, report
        self._due = time.monotonic()

    def __call__(self) -> None:
        # In a transaction over items it would lock the session after them.
        if time.monotonic() < self._due or connection.in_atomic_block:
            return
        began = time.monotonic()
        synchronizer = StateSynchronizer()
        self._report(synchronizer.sync_session_with_items(self._session_id, actor=self._actor))
        now = time.monotonic()
        self._due = now + max(EVERY_S, SHARE * (now - began))
