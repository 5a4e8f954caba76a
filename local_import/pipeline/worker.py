"""One worker: batch after batch of a session, until nothing is left or it is told to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..audit_logger import Actor
from ..errors import ImportProblem
from ..isolation import Troubles
from ..metrics import Measure
from ..models import ImportItem, ImportSession
from ..states import ITEM_IN_WORK, ItemState
from ..transactions import in_transaction
from . import growth
from .analyse import analyse
from .check import check
from .claim import BATCH_ITEMS, claim
from .desk import Desk, displaced_source
from .lease import give_up
from .measure import Clock, record
from .parts import is_of_rows
from .place import place
from .release import release_batch
from .returned import recover_missing
from .settle import settle, settle_in_parts
from .taken import resolve
from .work import Work

SHORTEST_WAIT_S = 0.002
LONGEST_WAIT_S = 0.25
ASK_AGAIN_S = 1.0


@dataclass(slots=True)
class Shift:
    """How long a worker stays with a session. Nothing in work is given back when it is over."""

    ends: float = math.inf  # by time.monotonic(); afterwards no files are taken
    patience_s: float = math.inf  # how long it waits for what others have, or what rests a while
    last_batch: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        return time.monotonic() >= self.ends

    def is_idle(self) -> bool:
        return time.monotonic() >= self.last_batch + self.patience_s


def work_through(
    desk: Desk, owner: Actor, should_stop: Callable[[], bool], shift: Shift | None = None
) -> None:
    """Work until every item of the session is at rest, or the shift is over.

    Raises ImportProblem when the session cannot go on; then nothing of this worker is in work.
    """
    shift = shift or Shift()
    wait_s = SHORTEST_WAIT_S
    batch = _next(desk, owner, should_stop, shift)
    while True:
        if batch:
            wait_s = SHORTEST_WAIT_S
            batch = run_batch(desk, batch, owner, should_stop, shift)
        elif should_stop() or shift.is_over() or not _may_get_more(desk.session_id, shift):
            return
        else:
            time.sleep(wait_s)
            wait_s = min(wait_s * 1.5, LONGEST_WAIT_S)
            batch = _next(desk, owner, should_stop, shift)


def _next(desk: Desk, owner: Actor, should_stop: Callable[[], bool], shift: Shift) -> list[Work]:
    if should_stop() or shift.is_over():
        return []
    batch = claim(desk.session_id, owner, BATCH_ITEMS)
    if batch:
        shift.last_batch = time.monotonic()
    return batch


def is_halted(session_id: int) -> Callable[[], bool]:
    """A question, asked of the database once a second at most: was the session paused or stopped?"""
    asked, halted = time.monotonic(), False

    def ask() -> bool:
        nonlocal asked, halted
        if time.monotonic() - asked >= ASK_AGAIN_S:
            halted = not ImportSession.objects.runnable().filter(pk=session_id).exists()
            asked = time.monotonic()
        return halted

    return ask


def _may_get_more(session_id: int, shift: Shift) -> bool:
    session = ImportSession.objects.runnable().filter(pk=session_id).first()
    if session is None:
        return False  # paused, canceled or in error
    if session.walked_at is None:
        return True
    unfinished = (ItemState.PENDING, *ITEM_IN_WORK)
    left = ImportItem.objects.in_session(session_id).filter(state__in=unfinished).exists()
    return left and not shift.is_idle()


def run_batch(
    desk: Desk,
    batch: Sequence[Work],
    owner: Actor,
    should_stop: Callable[[], bool],
    shift: Shift | None = None,
) -> list[Work]:
    """Bring claimed files to rest, or give them back when it is time to stop; returns the next batch.

    Settling this batch and claiming the next is one transaction: a commit is what many workers wait
    for most. Where that is refused for some of the rows, the others are settled without them.
    """
    try:
        return _run_batch(desk, batch, owner, should_stop, shift or Shift())
    except BaseException:
        give_up(owner, desk.session_id)  # else the heartbeat of this process would keep it
        raise


def _run_batch(
    desk: Desk, batch: Sequence[Work], owner: Actor, should_stop: Callable[[], bool], shift: Shift
) -> list[Work]:
    clock = Clock()
    desk.source.forget()
    displaced = displaced_source(desk.source)
    for work in batch:
        if displaced is not None:
            work.release("The source is not at its path any more.")
        elif should_stop():
            work.release("The worker was told to stop.")
        else:
            analyse(desk, work)
    resolve(desk, batch)
    with clock.step(Measure.CHECK):
        check(desk, batch, owner)
    batch = _ours(batch)
    with clock.step(Measure.SYNC):
        problem = displaced or place(desk, batch, should_stop)

    def settle_and_claim() -> list[Work]:
        with clock.step(Measure.SETTLE):
            settle(desk, batch, owner)
        record(batch, clock)
        return [] if problem else _next(desk, owner, should_stop, shift)

    try:
        following = in_transaction(settle_and_claim)
    except Exception as error:
        if not is_of_rows(error):
            raise
        following = []
        _settle_in_parts(desk, batch, owner, clock)
    growth.set_aside(desk, [work for work in _ours(batch) if work.set_aside])
    release_batch(desk, _ours(batch), owner)
    _call_back(_ours(batch), owner)
    if problem is not None:
        raise problem
    return following


def _settle_in_parts(desk: Desk, batch: Sequence[Work], owner: Actor, clock: Clock) -> None:
    with clock.step(Measure.SETTLE):
        settle_in_parts(desk, batch, owner)
    with Troubles("measured").of("the batch"):
        in_transaction(lambda: record(_ours(batch), clock))


def _ours(batch: Sequence[Work]) -> list[Work]:
    """Without what somebody else has taken: who holds it now adopts what was placed of it."""
    return [work for work in batch if not work.stale]


def _call_back(batch: Sequence[Work], owner: Actor) -> None:
    back = [work.media_id for work in batch if work.gives_back and work.placed and work.media_id]
    if back:
        recover_missing(back, owner)


__all__ = ["ImportProblem", "Shift", "run_batch", "work_through"]
