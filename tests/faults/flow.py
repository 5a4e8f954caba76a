"""The import and its recovery, each as one call in this process.

`import_all` is what an operator's command does; `recover_all` is what brings everything back after
a fault. They are the only places that know how an import is run.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from local_import import doorbell, operations
from local_import.audit_logger import Actor
from local_import.errors import ImportProblem
from local_import.models import ImportSession
from local_import.pipeline import crew
from local_import.pipeline import run as running
from local_import.pipeline.desk import open_desk
from local_import.pipeline.recover import recover
from local_import.services import background, control, sessions, undo
from local_import.services.sweeper import sweep
from local_import.states import SessionState

from .place import Place

ACTOR = Actor("laboratory")


class Here:
    """A crew without processes: the first wait does all the work, in this process."""

    def __init__(self, session_id: int, number: int) -> None:
        self._session_id, self._stopping, self._begun = session_id, False, False
        self._problem: ImportProblem | None = None

    def stop(self) -> None:
        self._stopping = True

    def is_stopping(self) -> bool:
        return self._stopping

    def wait(self, timeout_s: float) -> bool:
        if not (self._begun or self._stopping):
            self._begun = True
            try:
                crew.work_here(self._session_id, self.is_stopping)
            except ImportProblem as problem:
                self._problem = problem
                self.stop()
        return False

    def bury_dead(self) -> int:
        return 0

    def is_manned(self) -> bool:
        return False

    def replace(self, number: int) -> bool:
        return False

    def problem(self) -> ImportProblem | None:
        return self._problem


def run_here(session_id: int) -> ImportSession:
    made: Any = running.Crew
    running.Crew = Here  # type: ignore[assignment,misc]
    try:
        return sessions.run_to_end(session_id, workers=1, actor=ACTOR)
    finally:
        running.Crew = made  # type: ignore[misc]


def prepare(place: Place) -> None:
    """A clean place; what the library is to know beforehand is imported."""
    place.clean()
    if place.scenario.known:
        run_here(sessions.create(os.fsencode(place.earlier), actor=ACTOR).pk)


def import_all(place: Place) -> None:
    """What the command does; where it refuses to start, it has said why."""
    source, mode = os.fsencode(place.source), place.scenario.mode
    with suppress(ImportProblem):
        run_here(sessions.create(source, mode=mode, actor=ACTOR).pk)


def import_earlier(place: Place) -> None:
    """The import of another source, for which the caller has put photos there."""
    with suppress(ImportProblem):
        run_here(sessions.create(os.fsencode(place.earlier), actor=ACTOR).pk)


def recover_all(place: Place) -> None:
    """One sweep, with workers that answer its calls; then the operator gives the command again,
    where the sweep may not go on by itself."""
    sweep_and_work()
    path = os.path.realpath(os.fsencode(place.source))
    own = [s for s in ImportSession.objects.order_by("pk") if bytes(s.source_path) == path]
    if not own:
        import_all(place)
    elif own[-1].state != SessionState.IMPORTED:
        run_here(sessions.resume(own[-1].pk, actor=ACTOR).pk)
        sweep_and_work()


def undo_all(place: Place) -> None:
    """The operator takes the import back; asking again goes on with what was left."""
    path = os.path.realpath(os.fsencode(place.source))
    for session in ImportSession.objects.exclude(state=SessionState.CANCELED).order_by("pk"):
        if bytes(session.source_path) == path:
            undo.undo(session.pk, actor=ACTOR, reason="Undone by the laboratory.")


def own_session(place: Place) -> int:
    path = os.path.realpath(os.fsencode(place.source))
    found = (s.pk for s in ImportSession.objects.order_by("-pk") if bytes(s.source_path) == path)
    return next(found)


def cancel(place: Place) -> None:
    """The operator stops the import for good; the message to the workers is lost."""
    control.cancel(own_session(place), actor=ACTOR, reason="Canceled by the laboratory.")


def retry(place: Place) -> None:
    """The operator tries again what failed; the message to the workers is lost."""
    doorbell._send = lambda *_: None
    target = f"session:{own_session(place)}"
    if operations.preview("retry", target).touches:
        reason = "Tried again by the laboratory."
        operations.carry_out("retry", target, actor=ACTOR, reason=reason, wait=True)


def recover_items(place: Place) -> None:
    """What every process does that comes to a session: it recovers what the dead have left."""
    for session in ImportSession.objects.order_by("pk"):
        with open_desk(session) as desk:
            recover(desk, ACTOR)


def sweep_and_work() -> None:
    """A sweep, and a worker in this process that comes whenever it is called."""
    called: list[int] = []

    def hear(task: str, session_id: int, times: int) -> None:
        if task == doorbell.ADVANCE:  # helpers would find the work done
            called.append(session_id)

    send, doorbell._send = doorbell._send, hear
    try:
        sweep()
        while called:
            background.advance(called.pop(), should_stop=lambda: False)
    finally:
        doorbell._send = send
