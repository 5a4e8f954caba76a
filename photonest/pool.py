"""The processes of a Celery worker: none of them outlives it, and none waits for a dead one."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
_idle = threading.Event()
_idle.set()


@worker_process_init.connect
def end_with_the_worker(**_: Any) -> None:
    """Watch, in a process of the pool, for the death of the worker that forked it."""
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()


def _watch(worker: int) -> None:
    """Kept waiting at a lock that died with its holder, an orphan would stay for ever."""
    while os.getppid() == worker:
        time.sleep(LOOK_EVERY_S)
    _idle.wait()  # the files in work are finished or given back: see tasks.py
    os._exit(1)


@task_prerun.connect
def _begin(**_: Any) -> None:
    _idle.clear()


@task_postrun.connect
def _end(**_: Any) -> None:
    _idle.set()


@worker_ready.connect
def end_with_a_killed_process(sender: Any, **_: Any) -> None:
    """Let the worker end when one of its processes was killed, where that could block the others.

    With a broker that is polled, as the embedded one is, the processes of the pool take turns at one
    pipe, guarded by a lock. Who is killed there keeps it, and the worker would look alive and do
    nothing. Other brokers give each process a pipe of its own.
    """
    pool = getattr(sender.pool, "_pool", None)
    if getattr(pool, "on_process_down", False) is None:
        pool.on_process_down = _end_if_killed  # type: ignore[union-attr]


def _end_if_killed(process: Any) -> None:
    meant = getattr(process, "_controlled_termination", False)  # the time limit's doing
    if meant or process.exitcode is None or process.exitcode >= 0:
        return
    logger.error(
        "Process %s of this worker was killed by signal %s. The worker ends, because the others may "
        "wait for it for ever; make run starts it again. No file is lost.",
        process.pid,
        -process.exitcode,
    )
    os._exit(1)
