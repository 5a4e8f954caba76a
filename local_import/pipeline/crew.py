"""The worker processes of one session, made by fork and without a broker."""

from __future__ import annotations

import gc
import logging
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import connection as waiting
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from typing import Any

from django.db import Error, connections

from ..audit_logger import Actor
from ..errors import ErrorCode, ImportProblem
from ..models import ImportSession
from ..processes import StopSign, identity
from .desk import open_desk
from .lease import Lease, LeaseLost
from .worker import is_halted, work_through

logger = logging.getLogger(__name__)

COLLECT_AFTER = 50_000  # objects; a batch makes many and leaves no cycles
LINGER_S = 0.001  # an end is announced a moment before the process is gone
RESTARTS = 8  # how often dead workers are replaced in one run
_context = get_context("fork")


class Crew:
    """Workers that stop together. Made before the parent opens what a child must not share."""

    def __init__(self, session_id: int, number: int) -> None:
        self._session_id = session_id
        self._stop = StopSign()
        self._problems: Any = _context.SimpleQueue()
        self._workers: list[ForkProcess] = []
        self._restarts_left = RESTARTS
        for _ in range(number):
            self._add()

    def _add(self) -> None:
        connections.close_all()  # a connection must not be shared with a child
        arguments = (self._session_id, self._stop, self._problems)
        worker = _context.Process(target=_work, args=arguments, daemon=True)
        worker.start()
        self._workers.append(worker)

    def stop(self) -> None:
        """Ask the workers to stop; each finishes the file it is moving."""
        self._stop.set()

    def is_stopping(self) -> bool:
        return self._stop.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for a change; returns whether workers are still there."""
        ended = self._workers and waiting.wait([w.sentinel for w in self._workers], timeout_s)
        if ended and all(worker.is_alive() for worker in self._workers):
            time.sleep(LINGER_S)
        return any(worker.is_alive() for worker in self._workers)

    def bury_dead(self) -> int:
        """Forget the workers that ended; returns how many of them died instead of finishing."""
        ended = [worker for worker in self._workers if not worker.is_alive()]
        self._workers = [worker for worker in self._workers if worker not in ended]
        return sum(worker.exitcode != 0 for worker in ended)

    def is_manned(self) -> bool:
        """Whether anybody is left who was not buried."""
        return bool(self._workers)

    def replace(self, number: int) -> bool:
        """Start workers in place of dead ones; False when there were too many deaths."""
        number = min(number, self._restarts_left)
        self._restarts_left -= number
        for _ in range(number):
            self._add()
        return number > 0

    def problem(self) -> ImportProblem | None:
        """What a worker says keeps the session from going on."""
        if self._problems.empty():
            return None
        code, facts = self._problems.get()
        return ImportProblem(ErrorCode(code), **facts)


def _work(session_id: int, stop: StopSign, problems: Any) -> None:
    """The life of a worker process. Ctrl-C reaches it through the parent, which says stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    gc.freeze()  # what was loaded before the fork stays, and need not be looked through again
    gc.set_threshold(COLLECT_AFTER)
    try:
        work_here(session_id, stop.is_set)
    except ImportProblem as problem:
        problems.put((problem.code.value, problem.facts))
        stop.set()
    except LeaseLost:
        logger.warning("lease lost; another worker is started in place of this one")
        sys.exit(1)
    except (Error, OSError) as error:  # what is wrong is told by the parent, who meets it too
        logger.warning("a worker ended: %s", str(error).partition("\n")[0])
        sys.exit(1)


def work_here(session_id: int, should_stop: Callable[[], bool], queue: str = "") -> None:
    """Work on a session in this process, under a lease.

    Raises ImportProblem when the session cannot go on, and LeaseLost when this process was out of
    touch for so long that others may have taken its files.
    """
    session = ImportSession.objects.get(pk=session_id)
    owner = Actor(identity())
    halted = is_halted(session_id)
    with open_desk(session) as desk, Lease(owner, session_id, queue) as lease:
        work_through(desk, owner, lambda: should_stop() or lease.is_lost() or halted())
        if lease.is_lost():
            raise LeaseLost(owner.name)
