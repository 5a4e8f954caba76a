"""Work that may never come back, such as a look at a dead network mount, with a limit in time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, work: Callable[[], T]) -> T:
    """Run `work` in a thread. Raises TimeoutError when it takes longer; the thread is left behind.

    A system call on a dead mount cannot be broken off; only the end of the process ends it.
    """
    answers: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, name="bounded", daemon=True).start()
    try:
        result, error = answers.get(timeout=limit_s)
    except Empty:
        raise TimeoutError(f"no answer within {limit_s} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
