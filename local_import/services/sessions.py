"""What an operator does with a session: create, run, resume, preview."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from django.conf import settings
from django.contrib.auth import get_user_model

from .. import door, names
from ..audit_logger import SYSTEM, Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..models import ImportSession
from ..pipeline import flags
from ..pipeline import source as sources
from ..pipeline.desk import Desk, open_library, open_to_look
from ..pipeline.run import Report, run
from ..pipeline.runner import hold
from ..pipeline.scan import UNREADABLE
from ..sayings import say
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_RUNNING, SessionState
from ..transactions import in_transaction
from . import items, possible

RESUMED = "Resumed by an operator."
_UNFINISHED = (SessionState.PENDING, SessionState.READY, *SESSION_RUNNING)


def create(
    source: bytes, *, mode: str = "copy", label: str = "", actor: Actor = SYSTEM
) -> ImportSession:
    """A session of a resolved path that is ready to start. Raises ImportProblem; then there is none."""
    origins = origins_of(source)
    with open_library():
        pass

    return in_transaction(partial(_new, source, origins, mode, label, actor))


def _new(
    source: bytes, origins: dict[str, str], mode: str, label: str, actor: Actor
) -> ImportSession:
    session = ImportSession.objects.create(
        label=label,
        source_path=source,
        source_origins=origins,
        source=names.shown(source),
        mode=mode,
        created_by_id=actor.user_id,
    )
    return _confirm(session.pk, actor)


def create_once(
    source: bytes, *, mode: str, label: str, actor: Actor
) -> tuple[ImportSession, bool]:
    """A session that is ready to start, or the unfinished one of this source; and whether it is new.

    Whoever asks twice at once, as by a double click, gets the same. The path must be a resolved one.
    Raises ImportProblem.
    """
    origins = origins_of(source)
    with open_library():
        pass

    def work() -> tuple[ImportSession, bool]:
        # Of one person one request after the other: the second finds what the first has made.
        list(get_user_model().objects.select_for_update().filter(pk=actor.user_id or 0))
        found = unfinished(source, mode)
        return (found, False) if found else (_new(source, origins, mode, label, actor), True)

    return in_transaction(work)


def _confirm(session_id: int, actor: Actor) -> ImportSession:
    step = Step("confirm", "The source can be read and the library be written.")
    return door.move(ImportSession, session_id, step, actor=actor)


def check_source(source: bytes) -> bytes:
    """The resolved path of a directory that can be imported; from here on no link is followed.

    Raises ImportProblem, and ValueError for an empty path, whose real path would be the current
    directory.
    """
    path = os.path.realpath(source) if source else source
    origins_of(path)
    return path


def origins_of(path: bytes) -> dict[str, str]:
    """What stands at a resolved path, as a session records it. Raises ImportProblem where it cannot
    be imported."""
    if not path:
        raise ValueError("The source is empty; the current directory is written '.'.")
    origins = sources.origins_of(path)
    if not os.access(path, os.R_OK | os.X_OK):
        detail = say("permissions_needed")
        raise ImportProblem(ErrorCode.PERMISSION_DENIED, path=path, detail=detail)
    library = os.path.realpath(os.fsencode(settings.PHOTONEST_LIBRARY))
    if _contains(path, library) or _contains(library, path):
        raise ImportProblem(ErrorCode.LIBRARY_OVERLAPS_SOURCE, path=path, library=library)
    return origins


def _contains(outer: bytes, inner: bytes) -> bool:
    return os.path.commonpath([outer, inner]) == outer


def unfinished(source: bytes, mode: str) -> ImportSession | None:
    """The newest session of this source that a run did not finish."""
    sessions = ImportSession.objects.filter(state__in=_UNFINISHED, mode=mode)
    return next((s for s in sessions.order_by("-pk") if bytes(s.source_path) == source), None)


def get(session_id: int) -> ImportSession:
    try:
        return ImportSession.objects.get(pk=session_id)
    except ImportSession.DoesNotExist:
        raise ImportProblem(ErrorCode.SESSION_UNKNOWN, session=session_id) from None


def resume(session_id: int, *, actor: Actor) -> ImportSession:
    """Make a session ready to be run again: what failed or is missing waits for another try."""
    get(session_id)
    hold(session_id)
    return offer_again(session_id, actor=actor)


def offer_again(session_id: int, *, actor: Actor, reason: str = RESUMED) -> ImportSession:
    """Open a session that was closed, and let what failed or is missing wait for another try."""
    session = get(session_id)
    if session.undo_requested_at is not None:
        detail = possible.resume(session)
        raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session_id, detail=detail)
    flags.unpause(session_id, actor=actor, reason=reason)
    if session.state != SessionState.CANCELED:  # asked for, but workers have not come to rest yet
        flags.withdraw_cancel(session_id, actor=actor, reason=reason)
    flags.mend(session_id, actor=actor, reason=reason)
    if session.state == SessionState.PENDING:
        origins_of(bytes(session.source_path))
        session = _confirm(session_id, actor)
    if session.state in (SessionState.ERROR, SessionState.CANCELED):
        reopen(session_id, actor=actor, reason=reason)
        items.offer_restored(session_id, actor=actor, reason=reason)
    items.retry_all(session_id, actor=actor, reason=reason)
    StateSynchronizer().sync_session_with_items(session_id, actor=actor)
    if session.left_out.get(UNREADABLE):
        # Only now: a session that failed, and is to be walked, would have no state to go to.
        flags.walk_again(session_id, actor=actor, reason="A directory could not be read before.")
    return get(session_id)


def reopen(session_id: int, *, actor: Actor, reason: str) -> ImportSession:
    """Make a session in `error` or `canceled` ready to be started again."""
    return door.move(ImportSession, session_id, Step("reopen", reason), actor=actor)


def run_to_end(
    session_id: int,
    *,
    workers: int,
    actor: Actor,
    report: Report = lambda snapshot: None,
    interrupted: Callable[[], bool] = lambda: False,
) -> ImportSession:
    """Run in the foreground until every item is at rest, or the session cannot go on."""
    return run(session_id, workers=workers, actor=actor, report=report, interrupted=interrupted)


def dry_desk(
    source: bytes, mode: str, *, no_quiet_time: bool = False
) -> AbstractContextManager[Desk]:
    """A desk for looking only, at a resolved path. Raises ImportProblem, also when it is opened."""
    origins_of(source)
    quiet_s = 0 if no_quiet_time else settings.PHOTONEST_QUIET_TIME
    return open_to_look(source, mode, quiet_s)
