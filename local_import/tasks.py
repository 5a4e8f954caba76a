"""What Celery runs: each task carries an id at most, and calls one service."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from celery import current_task, shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.db import DatabaseError

from . import doorbell, metrics, operations, versions
from .alerts import evaluate, outbox
from .consistency import scheduled
from .consistency.rule import Depth
from .correlation import correlated
from .pipeline.lease import Presence
from .processes import StopSign, identity
from .services import background, sweeper

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
_presence = ExitStack()
_stop = StopSign()  # made before the worker forks, and shared with its children


@worker_ready.connect
def _introduce(sender: Any, **_: Any) -> None:
    """List the worker, so that pages and commands see it although it has nothing to do."""
    queues = ", ".join(sorted(sender.app.amqp.queues.consume_from))
    with suppress(DatabaseError):  # without its database it has nothing to do, and is not listed
        _presence.enter_context(Presence(identity(), queues))


@worker_shutting_down.connect
def _note_shutdown(**_: Any) -> None:
    _stop.set()


@worker_shutdown.connect
def _say_goodbye(**_: Any) -> None:
    with suppress(DatabaseError):
        _presence.close()


def _as_one_of_ours(task: Callable[P, T]) -> Callable[P, T | None]:
    """Let a process whose code does not fit the database do nothing; the sweep of one that does
    calls again. What the task writes to the audit log carries its id."""

    @wraps(task)
    def run(*args: P.args, **options: P.kwargs) -> T | None:
        if text := versions.misfit():
            logger.error(text)
            return None
        with correlated(task_id=(current_task and current_task.request.id) or ""):
            return task(*args, **options)

    return run


@shared_task(name=doorbell.ADVANCE)
@_as_one_of_ours
def advance_session(session_id: int) -> None:
    """Run a session for a turn; see services.background."""
    background.advance(session_id, should_stop=_stop.is_set)
    evaluate.evaluate_if_late()


@shared_task(name=doorbell.HELP)
@_as_one_of_ours
def help_session(session_id: int) -> None:
    """Help the worker that runs a session."""
    background.help_out(session_id, should_stop=_stop.is_set)


@shared_task(name=doorbell.CARRY_OUT)
@_as_one_of_ours
def carry_out(run_id: int) -> None:
    """Go on with an operation that takes long; see operations.runs."""
    operations.work(run_id, should_stop=_stop.is_set)


@shared_task(name="local_import.sweep")
@_as_one_of_ours
def sweep() -> dict[str, int]:
    """Look after every session; see services.sweeper."""
    return sweeper.sweep()


@shared_task(name="local_import.check_rows")
@_as_one_of_ours
def check_rows() -> dict[str, int]:
    """Whether the database agrees with itself; see consistency.scheduled."""
    return scheduled.check(Depth.ROWS)


@shared_task(name="local_import.check_files")
@_as_one_of_ours
def check_files() -> dict[str, int]:
    """The same, and whether each file of the library stands where it should."""
    return scheduled.check(Depth.FILES)


@shared_task(name="local_import.check_contents")
@_as_one_of_ours
def check_contents() -> dict[str, int]:
    """Read a portion of the library to the end of each file."""
    return scheduled.check_contents()


@shared_task(name="local_import.purge_audit_log")
@_as_one_of_ours
def purge_audit_log() -> dict[str, int]:
    """Let the old rows of the audit log go."""
    return scheduled.purge_audit_log()


@shared_task(name="local_import.evaluate_alerts")
@_as_one_of_ours
def evaluate_alerts() -> dict[str, int]:
    """Ask the alert rules how things stand, and tell whoever is to be told."""
    return evaluate.evaluate() | outbox.deliver()


@shared_task(name="local_import.fold_metrics")
@_as_one_of_ours
def fold_metrics() -> dict[str, int]:
    """Make few rows of many."""
    return {"folded": metrics.fold()}
