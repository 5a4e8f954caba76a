"""Runs: an operation that was asked for is a row until it has ended, so that it survives everything.

A few files are done at once, many in the background. The same key never does anything twice. A run
that was left alone is called for again by the sweep.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from django.db import IntegrityError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from .. import door, doorbell
from ..audit_logger import Actor, AuditLogger, Entry
from ..correlation import correlated
from ..door import Step
from ..errors import ErrorCode, ImportProblem, Operation
from ..models import ImportItem, ImportSession, OperationRun
from ..models.audit_log import AuditCategory, AuditLevel
from ..models.operation_run import RunState
from ..transactions import in_transaction
from ..troubleshooting import TroubleshootingEngine
from .plan import Plan
from .registry import REGISTRY, Spec
from .target import Target, parse

logger = logging.getLogger(__name__)
AT_ONCE = 500  # files; more are done in the background
TURN_S = 20.0  # then it is the turn of the imports
_ROWS = {"session": ImportSession, "item": ImportItem}
_audit = AuditLogger()


def carry_out(
    name: str,
    target: str | Target,
    *,
    actor: Actor,
    reason: str,
    key: str = "",
    wait: bool = False,
) -> OperationRun:
    """Do it, or have it done in the background where it takes long; `wait` does it here all the same.

    The same key again does nothing, and returns what came of the first. Raises WrongTarget,
    DoesNotExist, or ImportProblem after the refusal was recorded.
    """
    spec, where = REGISTRY[Operation(name)], _parsed(target)
    spec.must_fit(where)
    if key and (known := OperationRun.objects.filter(key=key).first()):
        return known
    found = spec.plan(where)
    if found.why_not:
        _refuse(spec, where, found, actor, reason)
    run, is_new = _written_down(spec, where, found, actor, reason, key)
    if is_new and (wait or not takes_long(found)):
        work(run.pk, raising=True)
    elif is_new:
        doorbell.ring_for_run(run.pk)
    return OperationRun.objects.get(pk=run.pk)


def takes_long(found: Plan) -> bool:
    return found.in_background or found.touches > AT_ONCE


def _parsed(target: str | Target) -> Target:
    return parse(target) if isinstance(target, str) else target


def _refuse(spec: Spec, target: Target, found: Plan, actor: Actor, reason: str) -> NoReturn:
    if target.kind in _ROWS:
        row = _ROWS[target.kind].objects.get(pk=target.pk)  # type: ignore[attr-defined]
        door.record_refusal(row, Step(str(spec.name), reason), actor)
    else:
        text = f"Refused: {spec.name} of {target}. {found.why_not}"
        action = f"refused.{spec.name}"
        entry = Entry(AuditCategory.VALIDATION, text, AuditLevel.WARNING, action, actor=actor)
        _audit.record(entry)
    session = found.sessions[0] if len(found.sessions) == 1 else None
    raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session, detail=found.why_not)


def _written_down(
    spec: Spec, target: Target, found: Plan, actor: Actor, reason: str, key: str
) -> tuple[OperationRun, bool]:
    """The run, and whether it is new: of two that ask with one key at once, the other finds it."""
    run = OperationRun(
        name=spec.name,
        target=str(target),
        key=key or uuid.uuid4().hex,
        total=found.touches,
        refused=sum(one.number for one in found.refused),
        refusals=[one._asdict() for one in found.refused],
        left=found.sessions,
        actor=actor.name,
        user_id=actor.user_id,
        reason=reason,
        language=translation.get_language() or "en",
    )

    def ask() -> None:
        run.save(force_insert=True)
        _tell(run, "ask", reason)

    try:
        in_transaction(ask)
    except IntegrityError:
        return OperationRun.objects.get(key=run.key), False
    return run, True


def work(
    run_id: int, *, should_stop: Callable[[], bool] = lambda: False, raising: bool = False
) -> None:
    """Go on with a run until it has ended, or for a turn; then another turn is called for.

    With `raising` it goes to the end, and a problem is raised when it was written down.
    """
    run = OperationRun.objects.get(pk=run_id)
    OperationRun.objects.filter(pk=run_id, state=RunState.WAITING).update(state=RunState.RUNNING)
    until = time.monotonic() + TURN_S
    with translation.override(run.language), correlated(request_id=run.request_id):
        try:
            while REGISTRY[Operation(run.name)].step(run_id):
                if not raising and (should_stop() or time.monotonic() > until):
                    doorbell.ring_for_run(run_id)
                    return
        except ImportProblem as problem:
            _break_off(run_id, problem)
            if raising:
                raise
            return
        in_transaction(partial(_end, run_id, RunState.DONE))


def _break_off(run_id: int, problem: ImportProblem) -> None:
    """Another process at the same session is no failure: the sweep calls for the run again."""
    if problem.code == ErrorCode.SESSION_BUSY:
        logger.info("operation run %s waits: its session is busy", run_id)
        return
    failure = TroubleshootingEngine().diagnose(problem).as_failure()
    in_transaction(partial(_end, run_id, RunState.FAILED, failure=failure))


def _end(
    run_id: int,
    state: RunState,
    *,
    actor: Actor | None = None,
    reason: str = "",
    failure: dict[str, Any] | None = None,
) -> None:
    """Whoever comes first ends it."""
    run = OperationRun.objects.select_for_update().get(pk=run_id)
    if run.is_over:
        return
    run.state, run.failure = state, failure or {}
    run.finished_at = run.progressed_at = timezone.now()
    run.save()
    told = f"{run.name} of {run.target}: {run.done} of {run.total} files."
    _tell(run, f"end_{state}", reason or told, actor)


def cancel(run_id: int, *, actor: Actor, reason: str) -> OperationRun:
    """Let a run do no more; what it has done stays.

    Raises OperationRun.DoesNotExist, or ImportProblem when it cannot be broken off any more.
    """

    def end() -> OperationRun:
        run = OperationRun.objects.select_for_update().get(pk=run_id)
        has_parts = REGISTRY[Operation(run.name)].in_parts
        if not run.is_over and run.state == RunState.RUNNING and not has_parts:
            detail = _("This cannot be broken off once it has begun.")
            raise ImportProblem(ErrorCode.NOT_ALLOWED, detail=detail)
        _end(run_id, RunState.CANCELED, actor=actor, reason=reason)
        return OperationRun.objects.get(pk=run_id)

    return in_transaction(end)


def _tell(run: OperationRun, action: str, message: str, actor: Actor | None = None) -> None:
    target = parse(run.target)
    entry = Entry(
        AuditCategory.DB_OPERATION,
        message,
        action=f"operation.{action}",
        session_id=target.pk if target.kind in ("session", "files") else None,
        item_id=target.pk if target.kind == "item" else None,
        actor=actor or Actor(run.actor, run.user_id),
        request_id=run.request_id,
        details=run.told(),
    )
    _audit.record(entry)
