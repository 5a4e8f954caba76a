"""What Celery runs: each task carries a session id at most, and calls one service."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down

from . import doorbell
from .processes import StopSign
from .services import background, sweeper

_stop = StopSign()  # made before the worker forks, and shared with its children


@worker_shutting_down.connect
def _note_shutdown(**_: Any) -> None:
    _stop.set()


@shared_task(name=doorbell.ADVANCE)
def advance_session(session_id: int) -> None:
    """Run a session for a turn; see services.background."""
    background.advance(session_id, should_stop=_stop.is_set)


@shared_task(name=doorbell.HELP)
def help_session(session_id: int) -> None:
    """Help the worker that runs a session."""
    background.help_out(session_id, should_stop=_stop.is_set)


@shared_task(name="local_import.sweep")
def sweep() -> dict[str, int]:
    """Look after every session; see services.sweeper."""
    return sweeper.sweep()
