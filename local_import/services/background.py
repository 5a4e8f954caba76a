"""A session in the background: workers advance it turn by turn until every file is at rest.

One worker at a time runs a session: it walks the source, calls helpers, and rings for the next turn.
Helpers take files meanwhile, and call nobody. Whoever comes too often or to nothing goes away, so
doubled messages do not multiply.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db.models import Exists, OuterRef, Q

from .. import door, doorbell
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportItem, ImportSession
from ..models.import_session import ImportSessionQuerySet
from ..pipeline.desk import Desk, open_desk
from ..pipeline.lease import Lease
from ..pipeline.picture import EVERY_S, Picture
from ..pipeline.recover import recover
from ..pipeline.release import release_left
from ..pipeline.run import break_off, walk
from ..pipeline.runner import RENEW_EVERY_S, hold, is_held, let_go, meanwhile, renew
from ..pipeline.worker import Shift, is_halted, work_through
from ..processes import identity
from ..state_synchronizer import StateSynchronizer
from ..states import SessionState
from ..transactions import database_now, in_transaction
from . import sessions

TURN_S = 20.0  # then it is the turn of other sessions, and of the sweep
PATIENCE_S = 2.0  # how long a worker waits for files that others have
_REFUSED = (SessionState.PENDING, SessionState.ERROR, SessionState.CANCELED)
_synchronizer = StateSynchronizer()


def start(session_id: int, *, actor: Actor) -> ImportSession:
    """Start a session that is ready; one that was started is left as it is (a double click).

    Raises TransitionNotAllowed, after the refusal was recorded, when it is neither.
    """
    step = Step("start", "Started in the background.")
    session = in_transaction(partial(_start_if_ready, session_id, step, actor))
    if session.state in _REFUSED:
        door.move(ImportSession, session_id, step, actor=actor)
    return session


def _start_if_ready(session_id: int, step: Step, actor: Actor) -> ImportSession:
    session = ImportSession.objects.select_for_update().get(pk=session_id)
    if session.state != SessionState.READY:
        return session
    session = door.move(ImportSession, session_id, step, actor=actor)
    doorbell.ring(session_id)
    return session


def resume(session_id: int, *, actor: Actor, reason: str = sessions.RESUMED) -> ImportSession:
    """Go on with a session in the background: what failed or is missing is tried again."""
    sessions.offer_again(session_id, actor=actor, reason=reason)
    start(session_id, actor=actor)
    call_workers(sessions.get(session_id), database_now())
    return sessions.get(session_id)


def work_here(session_id: int, *, actor: Actor) -> None:
    """Do the session's work here and now, or call the workers where another process does it."""
    if not _may_go_on(session_id):
        return
    try:
        sessions.run_to_end(session_id, workers=1, actor=actor)
    except ImportProblem as problem:
        if problem.code != ErrorCode.SESSION_BUSY:
            raise
        call_workers(sessions.get(session_id), database_now())


def advance(session_id: int, *, should_stop: Callable[[], bool]) -> None:
    """Run a session for a turn; where another worker runs it already, help that one."""
    doorbell.answer(session_id)
    if not _may_go_on(session_id):
        return  # paused, canceled or at rest: the message was late
    try:
        hold(session_id)
    except ImportProblem:
        help_out(session_id, should_stop=should_stop)
        return
    try:
        picture = Picture(session_id, Actor(identity()))
        _take_turn(session_id, meanwhile(should_stop, EVERY_S, picture), _run)
    finally:
        let_go(session_id)
    call_for_work(session_id)


def help_out(session_id: int, *, should_stop: Callable[[], bool]) -> None:
    """Take files of a session for a turn, while another worker runs it."""
    session = ImportSession.objects.runnable().running().filter(pk=session_id).first()
    if session is not None and is_held(session, database_now()):
        _take_turn(session_id, should_stop, lambda *_: None)
        call_for_work(session_id)


def _may_go_on(session_id: int) -> bool:
    return ImportSession.objects.runnable().running().filter(pk=session_id).exists()


def _take_turn(
    session_id: int,
    should_stop: Callable[[], bool],
    prepare: Callable[[Desk, Actor, Callable[[], bool]], None],
) -> None:
    """Take files until the turn is over, there are none, or the session cannot go on."""
    owner = Actor(identity())
    try:
        session = ImportSession.objects.get(pk=session_id)
        with open_desk(session) as desk, Lease(owner, session_id, doorbell.QUEUE) as lease:
            halted = is_halted(session_id)

            def stop() -> bool:
                return should_stop() or lease.is_lost() or halted()

            prepare(desk, owner, stop)
            work_through(desk, owner, stop, Shift(time.monotonic() + TURN_S, PATIENCE_S))
            if not _synchronizer.get_session_snapshot(session_id).unfinished:
                release_left(desk, owner)
    except ImportProblem as problem:
        break_off(
            session_id, problem, owner
        )  # of several that meet the same full disk, the first counts
    _synchronizer.sync_session_with_items(session_id, actor=owner)


def _run(desk: Desk, owner: Actor, should_stop: Callable[[], bool]) -> None:
    """What only the runner does: recover what the dead left, call helpers, walk the source."""
    pk = desk.session_id
    recover(desk, owner)
    doorbell.call_helpers(pk)
    chores = (partial(renew, pk), partial(doorbell.call_helpers, pk))
    walk(desk, owner, meanwhile(should_stop, RENEW_EVERY_S, *chores))


def call_for_work(session_id: int) -> None:
    """Ring where workers can do something: not for a session at rest, or one that is paused."""
    now = database_now()
    session = with_work(now).filter(pk=session_id).first()
    if session is not None:
        call_workers(session, now)


def with_work(now: datetime) -> ImportSessionQuerySet:
    """The sessions of which a worker can walk the source or take files now."""
    items = ImportItem.objects.filter(session_id=OuterRef("pk"))
    unwalked = Q(walked_at__isnull=True) | Q(planned_at__isnull=True)
    due = unwalked | Exists(items.claimable(now))
    return ImportSession.objects.runnable().running().filter(due)


def call_workers(session: ImportSession, now: datetime) -> bool:
    """Ring, unless the session is run already or was rung for just now; returns whether it rang."""
    if is_held(session, now) or not doorbell.is_silent(session, now):
        return False
    doorbell.ring(session.pk)
    return True
