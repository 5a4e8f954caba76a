"""Looking before speaking: bounded in time, and once for many failures of one cause and place."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

from .. import fsops
from ..fsops import READ, Identity, Sight

T = TypeVar("T")

LIMIT_S = 0.6  # for one look; a diagnosis takes three at most
DEAD_FOR_S = 30.0  # a mount that did not answer is not asked again for so long
_dead: dict[bytes, float] = {}  # mount point: until when, by time.monotonic()


class NoAnswer(Exception):
    """A look came to no end in time."""

    def __init__(self, place: bytes) -> None:
        super().__init__(place)
        self.place = place


def look(path: bytes, wants: int = READ, who: Identity | None = None) -> Sight:
    """What stands at a path. Raises NoAnswer when its disk does not answer in time."""
    mount = fsops.mount_of(path)  # from the mount table: that never waits
    place = mount.point if mount else b"/"
    if _dead.get(place, 0.0) > time.monotonic():
        raise NoAnswer(place)
    try:
        return within(LIMIT_S, lambda: fsops.probe(path, wants, who))
    except TimeoutError:
        _dead[place] = time.monotonic() + DEAD_FOR_S
        raise NoAnswer(place) from None


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

    threading.Thread(target=run, name="probe", daemon=True).start()
    try:
        result, error = answers.get(timeout=limit_s)
    except Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
