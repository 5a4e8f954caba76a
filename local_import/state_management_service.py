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
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.conf import settings

from . import door, names
from .audit_logger import SYSTEM, Actor, AuditLogger, Entry, StructuredLogger
from .door import Step
from .errors import ErrorCode, ImportProblem
from .models import ImportItem, ImportSession
from .pipeline.analyse import analyse
from .pipeline.check import compare
from .pipeline.desk import Desk, confirm, held, open_desk, refuse_library_file
from .pipeline.measure import record_outcome
from .pipeline.place import place
from .pipeline.recover import work_of_placed
from .pipeline.settle import settle
from .pipeline.work import Verdict, Work
from .processes import identity
from .state_machine import StateConsistencyValidator
from .state_synchronizer import SessionSnapshot, StateSynchronizer, find_item
from .states import ITEM_AT_REST, ItemState, SessionState
from .transactions import database_now
from .troubleshooting import Diagnosis, TroubleshootingEngine, entry_of

# Another importer has no heartbeat that renews its lease: it must do for the longest file.
LEASE = timedelta(minutes=15)
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
        """Call after the rollback: item and row are written in a transaction of their own."""
        item = find_item(item_id)
        facts = {"session": item.session_id, "item": item.pk, "file_path": item.absolute_path}
        facts |= dict(context or {})
        found = self._engine.diagnose(error, facts)
        if item.state not in ITEM_AT_REST:
            values = {"error_code": found.code.value, "failure": found.as_failure()}
            door.move(ImportItem, item.pk, Step("fail", found.summary, values), actor=self._actor)
            work = Work(item.pk, item.fence, bytes(item.path), item.size_bytes)
            work.verdict = Verdict("fail", found.summary, values)
            record_outcome(work)
        self._audit.record(self._entry(item, found).about(error))
        return found

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
        self._actor = actor or Actor(identity())
        self._synchronizer = synchronizer or StateSynchronizer()
        self._audit = audit_logger or AuditLogger()
        self._errors = error_handler or ErrorHandler(actor=self._actor)

    @contextmanager
    def process_item(
        self, item_id: int | str, file_path: str | bytes, session_id: int
    ) -> Iterator[ItemProcessingContext]:
        """Take the item, run the block, and settle. Errors of the block are raised again.

        Call it outside a transaction, so that a failure outlives the rollback of the work.
        """
        context = self._begin(item_id, file_path, session_id)
        token = _current.set(context)
        try:
            yield context
            self._complete(context)
        except Exception as error:
            self._errors.handle(error, context.item_id, {"file_path": file_path})
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
            context = self._context_of(find_item(context))
        if target_state in _HAPPY_PATH:
            self._advance(context, target_state, reason)
        else:
            self._synchronizer.transition_item(
                context.item_id, target_state, reason, actor=self._actor, **values
            )
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
        self._claim(item.pk)
        return self._context_of(ImportItem.objects.get(pk=item.pk), file_path)

    def _claim(self, pk: int) -> None:
        values = {"owner": self._actor.name, "lease_until": database_now() + LEASE}
        door.move(ImportItem, pk, Step("claim", "Taken by an importer.", values), actor=self._actor)

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
        if ImportItem.objects.get(pk=context.item_id).state not in ITEM_AT_REST:
            self._advance(context, ItemState.IMPORTED, "Finished by its importer.")

    def _advance(self, context: ItemProcessingContext, target: ItemState, reason: str) -> None:
        item = ImportItem.objects.select_related("session").get(pk=context.item_id)
        if item.state not in _HAPPY_PATH or _rank(target) <= _rank(item.state):
            # Not a step forward: the strict door refuses it, or makes it, and says so.
            self._synchronizer.transition_item(item.pk, target, reason, actor=self._actor)
            return
        with open_desk(item.session) as desk:
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
                self._claim(context.item_id)
                work.fence += 1
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
        door.move(ImportItem, context.item_id, step, actor=self._actor)
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
        door.move(ImportItem, context.item_id, step, actor=self._actor)
        return True

    def _place(self, desk: Desk, context: ItemProcessingContext, reason: str) -> None:
        """Place the file, or take over what the caller has placed; only right bytes count."""
        work = context.work
        work.planned = True
        if held(desk.library, work.destination.encode()) == work.sha256:  # by the caller
            refuse_library_file(desk, work.path, work.destination)
            work.placed = work.adopted = True
            confirm(desk.library)
        else:
            self._bring(desk, work)
        if work.verdict is not None:
            raise ImportProblem(
                ErrorCode(work.verdict.failure.get("code", ErrorCode.UNKNOWN)),
                path=context.file_path,
                detail=work.verdict.reason,
            )

        step = Step("publish", reason or "The bytes are durable in the library.")
        door.move(ImportItem, context.item_id, step, actor=self._actor)

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
        settle(desk, [work], self._actor, from_state=ItemState.UPDATING)
        record_outcome(work)

    def _rest(self, context: ItemProcessingContext, verdict: Verdict) -> bool:
        """The item comes to rest otherwise: skipped, failed or missing."""
        step = Step(verdict.transition, verdict.reason, verdict.values)
        door.move(ImportItem, context.item_id, step, actor=self._actor)
        record_outcome(context.work)
        return False


def _rank(state: str) -> int:
    return [str(name) for name in _HAPPY_PATH].index(str(state))
