"""The context that another importer works in: states, logs, timing and failures of one item.

`process_item` takes a waiting item, and on a clean exit brings it to `imported` by the same steps as
the batch importer: what the caller has not done (reading, hashing, comparing, placing) is done then,
and `imported` is only reached with the file in the library. On an error the item is settled as
`failed`, with the diagnosis, in a new transaction after the caller's was rolled back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from django.conf import settings
from django_fsm import TransitionNotAllowed

from . import door, names
from .audit_logger import SYSTEM, Actor, AuditLogger, Entry, StructuredLogger
from .door import StaleRows, Step
from .errors import ErrorCode, ImportProblem
from .models import ImportItem, ImportSession
from .pipeline.analyse import analyse
from .pipeline.check import compare
from .pipeline.desk import Desk, confirm, holds, open_desk, refuse_library_file
from .pipeline.duplicates import confirm as confirm_verdicts
from .pipeline.lease import UNATTENDED_LEASE
from .pipeline.measure import record_outcome
from .pipeline.place import place
from .pipeline.recover import work_of_placed
from .pipeline.settle import settle
from .pipeline.work import Verdict, Work
from .processes import identity
from .sayings import say
from .state_machine import StateConsistencyValidator
from .state_synchronizer import SessionSnapshot, StateSynchronizer, find_item
from .states import ITEM_AT_REST, ItemState, SessionState
from .transactions import database_now, hold_unchanged, in_transaction
from .troubleshooting import Diagnosis, TroubleshootingEngine, entry_of

_NOT_IN_WORK = (ItemState.PENDING, *ITEM_AT_REST)
_HAPPY_PATH = (
    ItemState.PENDING,
    ItemState.ANALYZING,
    ItemState.CHECKING,
    ItemState.MOVING,
    ItemState.UPDATING,
    ItemState.IMPORTED,
)


@dataclass(slots=True)
class ItemProcessingContext:
    """What `process_item` hands out: the item, its logger, and its planned place."""

    item_id: int
    session_id: int
    file_path: str
    structured_logger: StructuredLogger
    work: Work
    destination: str = ""  # in the library, once it is planned
    details: dict[str, Any] = field(default_factory=dict)


_current: ContextVar[ItemProcessingContext | None] = ContextVar("item in process", default=None)


class PerformanceTracker:
    """Measures operations; each leaves an audit row with its duration."""

    def __init__(
        self,
        audit_logger: AuditLogger | None = None,
        session_id: int | None = None,
        item_id: int | str | None = None,
    ) -> None:
        self._audit = audit_logger or AuditLogger()
        self._session_id, self._item_id = session_id, item_id

    @contextmanager
    def measure(self, operation: str, **details: Any) -> Iterator[None]:
        """Time the block; inside `process_item` the row names that item by itself."""
        context = _current.get()
        session_id = self._session_id or (context.session_id if context else None)
        item_id = self._item_id or (context.item_id if context else None)
        began = time.perf_counter()
        try:
            yield
        finally:
            spent_ms = (time.perf_counter() - began) * 1000
            logger = StructuredLogger(self._audit, session_id, item_id)
            logger.performance(operation, spent_ms, **details)


class ErrorHandler:
    """Settles a failure: the diagnosis is stored with the item and in the audit log."""

    def __init__(
        self,
        engine: TroubleshootingEngine | None = None,
        audit_logger: AuditLogger | None = None,
        *,
        actor: Actor = SYSTEM,
    ) -> None:
        self._engine = engine or TroubleshootingEngine()
        self._audit = audit_logger or AuditLogger()
        self._actor = actor

    def handle(
        self, error: BaseException, item_id: int | str, context: Mapping[str, Any] | None = None
    ) -> Diagnosis:
        """Call after the rollback: item and row are written in a transaction of their own.

        With a `fence` in the context the item is written only where it is in work under that fence.
        """
        item = find_item(item_id)
        facts: dict[str, Any] = {"session": item.session_id, "item": item.pk}
        facts |= {"file_path": item.absolute_path} | dict(context or {})
        fence = facts.pop("fence", None)
        found = self._engine.diagnose(error, facts)
        if item.state not in (ITEM_AT_REST if fence is None else _NOT_IN_WORK):
            with suppress(StaleRows):  # the row is told below, and the item is somebody else's
                self._fail(item, found, fence)
        self._audit.record(self._entry(item, found).about(error))
        return found

    def _fail(self, item: ImportItem, found: Diagnosis, fence: int | None) -> None:
        values = {"error_code": found.code.value, "failure": found.as_failure()}
        step = Step("fail", found.summary, values)
        door.move(ImportItem, item.pk, step, actor=self._actor, fence=fence)
        work = Work(item.pk, item.fence, bytes(item.path), item.size_bytes)
        work.verdict = Verdict("fail", found.summary, values)
        record_outcome(work)

    def _entry(self, item: ImportItem, found: Diagnosis) -> Entry:
        entry = entry_of(found, "item", self._actor)
        external = item.external_id or ""
        return replace(entry, session_id=item.session_id, item_id=item.pk, external_item=external)


class StateManagementService:
    """Everything an importer needs for one item at a time; works with no wiring."""

    def __init__(
        self,
        synchronizer: StateSynchronizer | None = None,
        audit_logger: AuditLogger | None = None,
        error_handler: ErrorHandler | None = None,
        *,
        actor: Actor | None = None,
    ) -> None:
        self._actor = actor or Actor(identity("importer"))
        self._synchronizer = synchronizer or StateSynchronizer()
        self._audit = audit_logger or AuditLogger()
        self._errors = error_handler or ErrorHandler(actor=self._actor)

    @contextmanager
    def process_item(
        self, item_id: int | str, file_path: str | bytes, session_id: int
    ) -> Iterator[ItemProcessingContext]:
        """Take the item, run the block, and settle. Errors of the block are raised again.

        Call it outside a transaction, so that a failure outlives the rollback of the work. Raises
        ImportProblem when the session is paused, canceled, undone or in error: nothing is changed then,
        and an item that was taken before that, and whose place is not fixed, is given back. Raises
        StaleRows when the lease ended and somebody else has taken the item; it is left to them.
        """
        context = self._begin(item_id, file_path, session_id)
        token = _current.set(context)
        try:
            yield context
            self._complete(context)
        except Exception as error:
            facts = {"file_path": file_path, "fence": context.work.fence}
            self._errors.handle(error, context.item_id, facts)
            raise
        finally:
            _current.reset(token)
            self._synchronizer.sync_session_with_items(session_id, actor=self._actor)

    def transition_item(
        self,
        context: ItemProcessingContext | int | str,
        target_state: ItemState,
        reason: str = "",
        **values: Any,
    ) -> ImportItem:
        """Go on to a state. Towards `imported` the steps between are made too, with their work."""
        if not isinstance(context, ItemProcessingContext):
            context = self._context_of_item(find_item(context))
        if target_state in _HAPPY_PATH:
            self._advance(context, target_state, reason)
        else:
            self._move_to(context, target_state, reason, **values)
        return ImportItem.objects.get(pk=context.item_id)

    def transition_session(
        self, session_id: int, target_state: SessionState, reason: str = "", **values: Any
    ) -> ImportSession:
        return self._synchronizer.transition_session(
            session_id, target_state, reason, actor=self._actor, **values
        )

    def sync_session(self, session_id: int) -> SessionSnapshot:
        return self._synchronizer.sync_session_with_items(session_id, actor=self._actor)

    def validate_consistency(self, session_id: int) -> dict[str, Any]:
        """is_consistent, issues and recommendations of a session against its items; only reads."""
        snapshot = self._synchronizer.get_session_snapshot(session_id)
        result = StateConsistencyValidator.validate_counts(
            SessionState(snapshot.state), snapshot.counts
        )
        return {
            "session_id": session_id,
            "is_consistent": result.is_consistent,
            "issues": result.issues,
            "recommendations": result.recommendations,
            "counts": dict(snapshot.counts),
        }

    def _begin(
        self, item_id: int | str, file_path: str | bytes, session_id: int
    ) -> ItemProcessingContext:
        item = find_item(item_id)
        if item.session_id != session_id:
            text = f"The item {item_id} belongs to session {item.session_id}, not {session_id}."
            raise ValueError(text)
        return self._context_of(self._claim(item), file_path)

    def _claim(self, item: ImportItem) -> ImportItem:
        taken = in_transaction(lambda: self._take(item))
        if isinstance(taken, ImportItem):
            return taken
        raise taken

    def _take(self, item: ImportItem) -> ImportItem | TransitionNotAllowed:
        """A refusal is returned, so that its audit row is committed."""
        until = database_now() + UNATTENDED_LEASE
        values = {"owner": self._actor.name, "lease_until": until}
        step = Step("claim", "Taken by an importer.", values)
        try:
            taken = door.move(ImportItem, item.pk, step, actor=self._actor)
        except TransitionNotAllowed as error:
            refusal: TransitionNotAllowed = error
            return refusal
        # After the item, as workers do: who holds a session must not wait for a file.
        _refuse_stopped(item.session_id)
        return taken

    def _context_of_item(self, item: ImportItem) -> ItemProcessingContext:
        """That of `process_item`, within it: the fence is the one that was given there."""
        context = _current.get()
        return context if context and context.item_id == item.pk else self._context_of(item)

    def _context_of(
        self, item: ImportItem, file_path: str | bytes | None = None
    ) -> ItemProcessingContext:
        work = Work(
            item.pk,
            item.fence,
            bytes(item.path),
            item.size_bytes,
            item.accept_damage,
            sha256=item.sha256,
            destination=item.destination,
            retries=settings.PHOTONEST_RETRIES,  # another importer decides itself when to try again
        )
        return ItemProcessingContext(
            item.pk,
            item.session_id,
            names.shown(os.fsencode(file_path or item.absolute_path)),
            StructuredLogger(self._audit, item.session_id, item.pk, actor=self._actor),
            work,
            item.destination,
        )

    def _complete(self, context: ItemProcessingContext) -> None:
        """The rest of the way, unless the caller has brought the item to rest itself."""
        item = ImportItem.objects.get(pk=context.item_id)
        if item.fence != context.work.fence or item.state == ItemState.PENDING:
            raise StaleRows(f"Item {item.pk} was taken back from its importer.")
        if item.state in ITEM_AT_REST:
            return
        if item.state in (ItemState.ANALYZING, ItemState.CHECKING):
            self._give_back_if_stopped(context)
        self._advance(context, ItemState.IMPORTED, "Finished by its importer.")

    def _give_back_if_stopped(self, context: ItemProcessingContext) -> None:
        try:
            _refuse_stopped(context.session_id)
        except ImportProblem:
            step = Step("release", "Its session was stopped before a place was fixed.")
            self._move(context, step)
            raise

    def _move(self, context: ItemProcessingContext, step: Step) -> None:
        fence = context.work.fence
        door.move(ImportItem, context.item_id, step, actor=self._actor, fence=fence)

    def _move_to(
        self, context: ItemProcessingContext, target: ItemState, reason: str, **values: Any
    ) -> None:
        """By the strict door, which makes the transition or refuses it, and says so."""
        self._synchronizer.transition_item(
            context.item_id,
            target,
            reason,
            actor=self._actor,
            fence=context.work.fence,
            **values,
        )

    def _advance(self, context: ItemProcessingContext, target: ItemState, reason: str) -> None:
        item = ImportItem.objects.select_related("session").get(pk=context.item_id)
        if item.fence != context.work.fence:
            raise StaleRows(f"Item {item.pk} was taken by somebody else.")
        if item.state not in _HAPPY_PATH or _rank(target) <= _rank(item.state):
            self._move_to(context, target, reason)  # not a step forward
            return
        with open_desk(item.session) as found:
            desk = replace(found, quiet_s=0.0)  # that the file is whole, its importer knows
            for state in _HAPPY_PATH[_rank(item.state) + 1 : _rank(target) + 1]:
                if not self._step(desk, context, state, reason):
                    return

    def _step(
        self, desk: Desk, context: ItemProcessingContext, state: ItemState, reason: str
    ) -> bool:
        """One state further, with the work it stands for; False when the item came to rest."""
        work = context.work
        match state:
            case ItemState.ANALYZING:
                work.fence = self._claim(ImportItem.objects.get(pk=context.item_id)).fence
            case ItemState.CHECKING:
                return self._read(desk, context, reason)
            case ItemState.MOVING:
                return self._plan(desk, context, reason)
            case ItemState.UPDATING:
                self._place(desk, context, reason)
            case ItemState.IMPORTED:
                self._finish(desk, context)
        return True

    def _read(self, desk: Desk, context: ItemProcessingContext, reason: str) -> bool:
        work = context.work
        analyse(desk, work)
        if work.verdict is not None:
            return self._rest(context, work.verdict)
        step = Step("compare", reason or "Read and hashed.", {"sha256": work.sha256})
        self._move(context, step)
        return True

    def _plan(self, desk: Desk, context: ItemProcessingContext, reason: str) -> bool:
        work = context.work
        if work.capture is None:
            analyse(desk, work)
        if work.verdict is None:
            compare(desk, [work])
        if work.verdict is not None:
            return self._rest(context, work.verdict)
        context.destination = work.destination
        step = Step("plan", reason or "Its place is fixed.", {"destination": work.destination})
        self._move(context, step)
        return True

    def _place(self, desk: Desk, context: ItemProcessingContext, reason: str) -> None:
        """Place the file, or take over what the caller has placed; only right bytes count."""
        work = context.work
        work.planned = True
        if holds(desk.library, work.destination.encode(), work.sha256, work.path):  # by the caller
            refuse_library_file(desk, work.path, work.destination)
            work.placed = work.adopted = True
            confirm(desk.library, [work.destination.encode()])
        else:
            self._bring(desk, work)
        if work.verdict is not None:
            raise ImportProblem(
                ErrorCode(work.verdict.failure.get("code", ErrorCode.UNKNOWN)),
                path=context.file_path,
                detail=work.verdict.reason,
            )

        step = Step("publish", reason or "The bytes are durable in the library.")
        self._move(context, step)

    def _bring(self, desk: Desk, work: Work) -> None:
        if work.fingerprint is None:  # another process may have planned it
            planned = work.destination
            analyse(desk, work)
            work.destination = planned
        if work.verdict is None and (problem := place(desk, [work])):
            raise problem

    def _finish(self, desk: Desk, context: ItemProcessingContext) -> None:
        work = context.work
        if work.inspection is None or not work.placed:
            work = work_of_placed(desk, ImportItem.objects.get(pk=context.item_id))
            work.fence = context.work.fence
        settle(desk, [work], self._actor, from_state=ItemState.UPDATING)
        record_outcome(work)

    def _rest(self, context: ItemProcessingContext, verdict: Verdict) -> bool:
        """The item comes to rest otherwise: skipped, failed or missing."""
        in_transaction(partial(self._rest_as_it_holds, context, verdict))
        record_outcome(context.work)
        return False

    def _rest_as_it_holds(self, context: ItemProcessingContext, verdict: Verdict) -> None:
        confirm_verdicts([context.work])
        verdict = context.work.verdict or verdict
        self._move(context, Step(verdict.transition, verdict.reason, verdict.values))


def _refuse_stopped(session_id: int) -> None:
    """Within a transaction the session stays as it is until that ends. Raises ImportProblem."""
    if not hold_unchanged(ImportSession.objects.not_stopped().filter(pk=session_id)):
        detail = say("session_stopped", session=session_id)
        raise ImportProblem(ErrorCode.NOT_ALLOWED, session=session_id, detail=detail)


def _rank(state: str) -> int:
    return [str(name) for name in _HAPPY_PATH].index(str(state))
