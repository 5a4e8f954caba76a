"""The runner: the one process that walks a session's source and sees to its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from ..errors import ErrorCode, ImportProblem
from ..models import ImportSession
from ..models.import_session import ImportSessionQuerySet
from ..processes import identity, is_provably_dead
from ..transactions import database_now, in_transaction

RUNNER_LEASE = timedelta(minutes=2)
RENEW_EVERY_S = 20.0


def hold(session_id: int) -> None:
    """Make this process the runner of the session.

    Raises ImportProblem when another one is; then nothing is changed.
    """

    def work() -> None:
        session = ImportSession.objects.select_for_update().get(pk=session_id)
        if is_held(session, database_now()) and session.runner != identity():
            raise ImportProblem(ErrorCode.SESSION_BUSY, session=session_id, owner=session.runner)
        _write(ImportSession.objects.filter(pk=session_id))

    in_transaction(work)


def is_held(session: ImportSession, now: datetime) -> bool:
    """Whether a process that may be alive runs the session."""
    until = session.runner_lease_until
    return until is not None and until > now and not is_provably_dead(session.runner)


def renew(session_id: int) -> None:
    """Unless another process has become the runner while this one was out of touch."""
    _write(ImportSession.objects.filter(pk=session_id, runner=identity()))


def _write(sessions: ImportSessionQuerySet) -> None:
    sessions.update(runner=identity(), runner_lease_until=database_now() + RUNNER_LEASE)


def let_go(session_id: int) -> None:
    ImportSession.objects.filter(pk=session_id, runner=identity()).update(
        runner="", runner_lease_until=None
    )


def meanwhile(
    should_stop: Callable[[], bool], period_s: float, *chores: Callable[[], object]
) -> Callable[[], bool]:
    """`should_stop`, which does the chores every so often while it is asked, as during a walk."""
    last = time.monotonic()

    def asked() -> bool:
        nonlocal last
        if time.monotonic() - last >= period_s:
            last = time.monotonic()
            for chore in chores:
                chore()
        return should_stop()

    return asked
