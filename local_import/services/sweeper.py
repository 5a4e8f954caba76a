"""The sweep: whatever was left behind by a death, a lost message or a full disk goes on.

One sweep converges: a second one finds nothing to do. It may run on any number of hosts at once.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django_fsm import TransitionNotAllowed

from .. import doorbell, incidents
from ..audit_logger import SYSTEM, Actor
from ..door import StaleRows
from ..errors import CATALOGUE, ImportProblem
from ..isolation import LONGEST, Told, Troubles
from ..models import ImportItem, ImportSession, OperationRun, Worker
from ..pipeline import flags
from ..pipeline.desk import Desk, open_desk, open_for_recovery
from ..pipeline.place import require_room
from ..pipeline.recover import abandoned, find_placed, recover
from ..pipeline.release import release_left
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_RUNNING, ItemState, SessionState, SourceDisposition
from ..transactions import database_now, in_transaction
from . import background, sessions, undo

logger = logging.getLogger(__name__)
Find: TypeAlias = Callable[[], Iterable[ImportSession]]
Work: TypeAlias = Callable[[ImportSession, Told], int]
FORGET_WORKERS_AFTER = timedelta(days=1)
RUN_SILENT_FOR = timedelta(minutes=1)
# A session in error for one of these goes on when a look shows that the cause is gone.
PROVABLE = tuple(code for code, entry in CATALOGUE.items() if entry.provable)


def sweep() -> dict[str, int]:
    """Look through all sessions once; returns what was done, by name, only what was done at all.

    What cannot be swept keeps nothing else from it: it is counted as `not_swept`, and a session says
    why until a sweep succeeds.
    """
    done: Counter[str] = Counter()
    troubles = Troubles("swept")
    for name, find, work in _OF_SESSIONS:
        with troubles.of(name):
            for session in find():
                with troubles.of(session):
                    done[name] += _unless_taken(work, session, troubles.told)
    for name, at_large in _AT_LARGE:
        with troubles.of(name):
            done[name] += at_large()
    _keep(troubles.told)
    done["not_swept"] = len(troubles.told)
    return {name: number for name, number in done.items() if number}


def _unless_taken(work: Work, session: ImportSession, told: Told) -> int:
    try:
        return work(session, told)
    except (StaleRows, TransitionNotAllowed):
        logger.info("session %s is worked on by somebody else", session.pk)
        return 0


def _keep(told: Told) -> None:
    """Sessions say what kept them from being swept, and no longer so once it does not."""
    reasons: dict[int, list[str]] = {}
    for thing, why in told.items():
        if isinstance(thing, ImportItem):
            reasons.setdefault(thing.session_id, []).append(f"item {thing.pk}: {why}")
        elif isinstance(thing, ImportSession):
            reasons.setdefault(thing.pk, []).append(why)
    for session in ImportSession.objects.filter(~Q(unswept="") | Q(pk__in=reasons)):
        why = "; ".join(reasons.get(session.pk, ()))[:LONGEST]
        if why != session.unswept:
            flags.note_unswept(session, why, actor=SYSTEM)


def _with_abandoned_items() -> Iterable[ImportSession]:
    held = ImportItem.objects.held().values("session")
    sessions_in_work = ImportSession.objects.filter(pk__in=held).order_by("pk")
    return [session for session in sessions_in_work if abandoned(session.pk)]


def _with_placed_but_missing() -> QuerySet[ImportSession]:
    missing = ImportItem.objects.filter(state=ItemState.MISSING).exclude(destination="")
    return ImportSession.objects.filter(pk__in=missing.values("session")).order_by("pk")


def _with_sources_due() -> QuerySet[ImportSession]:
    due = ImportItem.objects.filter(source_disposition=SourceDisposition.RELEASE_DUE)
    found = ImportSession.objects.filter(pk__in=due.values("session"))
    return found.filter(undo_requested_at__isnull=True).order_by("pk")


def _with_open_items() -> QuerySet[ImportSession]:
    """The running ones, and those that are closed although files of theirs wait again."""
    waiting = ImportItem.objects.filter(session=OuterRef("pk"), state=ItemState.PENDING)
    closed = Q(Exists(waiting), state__in=(SessionState.FAILED, SessionState.IMPORTED))
    return ImportSession.objects.filter(Q(state__in=SESSION_RUNNING) | closed).order_by("pk")


def _recovered(session: ImportSession, told: Told) -> int:
    return _on_desk(session, partial(recover, told=told), open_for_recovery)


def _found(session: ImportSession, told: Told) -> int:
    if found := _on_desk(session, partial(find_placed, told=told)):
        _synchronised(session)
    return found


def _released(session: ImportSession, told: Told) -> int:
    return _on_desk(session, release_left)


def _on_desk(
    session: ImportSession,
    work: Callable[[Desk, Actor], int],
    opened: Callable[[ImportSession], AbstractContextManager[Desk]] = open_desk,
) -> int:
    """Do the work where the session's trees can be reached; the other sessions go on all the same."""
    try:
        with opened(session) as desk:
            return work(desk, SYSTEM)
    except ImportProblem as problem:
        logger.warning("session %s cannot be worked on now: %s", session.pk, problem.code)
    return 0


def _being_undone() -> QuerySet[ImportSession]:
    return ImportSession.objects.filter(undo_requested_at__isnull=False).order_by("pk")


def _undone(session: ImportSession, told: Told) -> int:
    try:
        return undo.finish_interrupted(session, actor=SYSTEM)
    except ImportProblem as problem:
        logger.warning("the undo of session %s waits: %s", session.pk, problem.code)
        return 0


def _synchronised(session: ImportSession, told: Told | None = None) -> int:
    """Move a session whose items call for another state: its last two finished at one instant."""
    synchronizer = StateSynchronizer()
    if not synchronizer.is_behind(session.pk):
        return 0
    synchronizer.sync_session_with_items(session.pk)
    return 1


def _in_provable_error() -> QuerySet[ImportSession]:
    broken = ImportSession.objects.filter(state=SessionState.ERROR, error_code__in=PROVABLE)
    return broken.order_by("pk")


def _reopened(session: ImportSession, told: Told) -> int:
    """Let a session go on when its source and its library can be worked with again.

    It was started once, so it need not be asked for again.
    """
    try:
        sessions.origins_of(bytes(session.source_path))
        with open_desk(session) as desk:
            require_room(desk, _bytes_left(session))
    except ImportProblem:
        return 0
    return in_transaction(partial(_start_again, session.pk))


def _start_again(session_id: int) -> int:
    """Unless it was canceled while its disks were looked at."""
    session = ImportSession.objects.select_for_update().get(pk=session_id)
    if session.state != SessionState.ERROR:
        return 0
    sessions.reopen(session_id, actor=SYSTEM, reason="The cause of the error is gone.")
    background.start(session_id, actor=SYSTEM)
    return 1


def _bytes_left(session: ImportSession) -> int:
    waiting = ImportItem.objects.in_session(session.pk).filter(state=ItemState.PENDING)
    return waiting.aggregate(size=Sum("size_bytes"))["size"] or 0


def _call_for_runs() -> int:
    """Ring for each operation that nobody has worked on for a while."""
    silent = database_now() - RUN_SILENT_FOR
    left = OperationRun.objects.unfinished().filter(progressed_at__lt=silent).order_by("pk")
    for pk in (found := list(left.values_list("pk", flat=True))):
        doorbell.ring_for_run(pk)
    return len(found)


def _call_workers() -> int:
    """Ring for each session that has work and nobody at it."""
    now = database_now()
    found = background.with_work(now).order_by("pk")
    return sum(background.call_workers(session, now) for session in found)


def _forget_workers() -> int:
    silent = database_now() - FORGET_WORKERS_AFTER
    return Worker.objects.filter(heartbeat_at__lt=silent).delete()[0]


# In this order: an item that comes to a true state may be the last of its session.
_OF_SESSIONS: tuple[tuple[str, Find, Work], ...] = (
    ("items_recovered", _with_abandoned_items, _recovered),
    ("items_found", _with_placed_but_missing, _found),
    ("sources_released", _with_sources_due, _released),
    ("files_undone", _being_undone, _undone),
    ("sessions_moved", _with_open_items, _synchronised),
    ("sessions_reopened", _in_provable_error, _reopened),
)
_AT_LARGE: tuple[tuple[str, Callable[[], int]], ...] = (
    ("incidents_resolved", incidents.resolve_over),
    ("workers_called", _call_workers),
    ("operations_called_for", _call_for_runs),
    ("workers_forgotten", _forget_workers),
)
