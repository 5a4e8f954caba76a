"""A whole import in the foreground: this process walks the source, its workers do the rest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.db.models import Q
from django.utils import timezone

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportSession
from ..sayings import say
from ..state_synchronizer import SessionSnapshot, StateSynchronizer
from ..states import ItemState, SessionState
from ..troubleshooting import TroubleshootingEngine
from . import flags
from .crew import Crew
from .desk import Desk, open_desk
from .picture import Picture
from .recover import find_placed, recover
from .release import release_left
from .runner import RENEW_EVERY_S, hold, let_go, meanwhile, renew
from .scan import scan
from .worker import is_halted

TICK_S = 0.5
Report = Callable[[SessionSnapshot], None]
_synchronizer = StateSynchronizer()


def run(
    session_id: int, *, workers: int, actor: Actor, report: Report, interrupted: Callable[[], bool]
) -> ImportSession:
    """Bring a session that is ready or unfinished as far as it goes, and return it.

    `report` is called about once a second with the items counted; `interrupted` is asked more often.
    Raises ImportProblem when another process runs the session; then nothing was touched.
    """
    hold(session_id)
    try:
        problem = _run(session_id, workers, actor, report, interrupted)
        _conclude(session_id, problem, actor, interrupted())
    finally:
        let_go(session_id)
    return ImportSession.objects.get(pk=session_id)


def _run(
    session_id: int, workers: int, actor: Actor, report: Report, interrupted: Callable[[], bool]
) -> ImportProblem | None:
    try:
        session = ImportSession.objects.get(pk=session_id)
        with open_desk(session) as desk:
            recover(desk, actor)
            _start(session, actor)
            crew = Crew(session_id, workers)
            try:
                return _accompany(desk, crew, actor, report, interrupted)
            finally:
                crew.stop()
                while crew.wait(TICK_S):
                    renew(session_id)
    except ImportProblem as problem:
        return problem


def _start(session: ImportSession, actor: Actor) -> None:
    if session.state == SessionState.READY:
        door.move(ImportSession, session.pk, Step("start", "Started."), actor=actor)


def _accompany(
    desk: Desk, crew: Crew, actor: Actor, report: Report, interrupted: Callable[[], bool]
) -> ImportProblem | None:
    """Walk, then watch the workers until they are done; returns what stopped them."""

    def should_stop() -> bool:
        if interrupted():
            crew.stop()
        return crew.is_stopping()

    halted = is_halted(desk.session_id)
    picture = Picture(desk.session_id, actor, report)

    def halt() -> bool:
        picture()
        return should_stop() or halted()

    walk(desk, actor, meanwhile(halt, RENEW_EVERY_S, partial(renew, desk.session_id)))
    chores = (partial(renew, desk.session_id), partial(recover, desk, actor))
    look_after = meanwhile(lambda: False, RENEW_EVERY_S, *chores)
    alive = True
    while alive:
        crew.wait(TICK_S)
        died = crew.bury_dead()
        alive = crew.is_manned()  # one may have died since it was waited for
        if should_stop():
            continue
        if died:
            recover(desk, actor)
            if not crew.replace(died) and not alive:
                return _workers_died(desk.session_id)
            alive = True
        look_after()
        picture()
    recover(desk, actor)
    find_placed(desk, actor)
    release_left(desk, actor)
    return crew.problem()


def _workers_died(session_id: int) -> ImportProblem:
    detail = say("processes_died")
    return ImportProblem(ErrorCode.WORKER_DIED, session=session_id, detail=detail)


def walk(desk: Desk, actor: Actor, should_stop: Callable[[], bool]) -> None:
    """Record what the source holds, unless that is done; the session's state follows."""
    session = ImportSession.objects.get(pk=desk.session_id)
    if session.walked_at is None and not scan(desk, actor, should_stop):
        return
    sessions = ImportSession.objects.filter(pk=desk.session_id)
    sessions.filter(planned_at__isnull=True).update(planned_at=timezone.now())
    _synchronizer.sync_session_with_items(desk.session_id, actor=actor)


def _conclude(
    session_id: int, problem: ImportProblem | None, actor: Actor, interrupted: bool
) -> None:
    if problem is not None:
        break_off(session_id, problem, actor)
        return
    if interrupted and _unfinished(session_id):
        flags.pause(session_id, actor=actor, reason="Interrupted by Ctrl-C.")
    _synchronizer.sync_session_with_items(session_id, actor=actor)


def _unfinished(session_id: int) -> bool:
    waiting = Q(items__state=ItemState.PENDING) | Q(walked_at__isnull=True)
    return ImportSession.objects.filter(waiting, pk=session_id).exists()


def break_off(session_id: int, problem: ImportProblem, actor: Actor) -> None:
    """The session cannot go on: its state says so, with the diagnosis, once no file is in work."""
    found = TroubleshootingEngine().diagnose(problem, {"session": session_id})
    flags.break_off(session_id, found, actor=actor)
    _synchronizer.sync_session_with_items(session_id, actor=actor)


__all__ = ["break_off", "run", "walk"]
