"""The one door: the only code that writes a state, always together with its audit row.

A change is a django-fsm transition. For one row it runs on that row, locked and freshly read. For
many it runs once, on a sample row in the state that all of them are in, and one statement writes
what it set to every row that still is in that state (and still has the fence that its worker knows).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from . import setwise
from .audit_logger import SYSTEM, Actor, AuditLogger, Entry
from .errors import ErrorCode
from .guards import open_gate
from .models import ImportItem
from .models.audit_log import AuditCategory, AuditLevel
from .models.stateful import Stateful
from .state_machine import declared
from .transactions import in_transaction

M = TypeVar("M", bound=Stateful)
_KEEP = object()
_audit = AuditLogger()


class StaleRows(Exception):
    """Rows were no longer in the state, or under the fence, that the caller knew.

    Nothing was written; the caller lost them to somebody else.
    """

    error_code = ErrorCode.STATE_CHANGED


@dataclass(frozen=True, slots=True)
class Each:
    """Stands for a value that differs from row to row: the named column of the rows."""

    column: str


@dataclass(frozen=True, slots=True)
class Step:
    """One transition, with the reason that its audit row tells."""

    transition: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)


def move(
    model: type[M],
    pk: int,
    step: Step,
    *,
    actor: Actor = SYSTEM,
    note: Entry | None = None,
) -> M:
    """Make one transition of one row, and return the row as it is afterwards.

    `note` adds to the audit row what else is known: details, error, recommended actions.
    Raises DoesNotExist, or TransitionNotAllowed after the refusal was recorded; then the row is
    unchanged.
    """
    try:
        return in_transaction(lambda: _move_locked(model, pk, step, actor, note))
    except TransitionNotAllowed as refusal:
        record_refusal(refusal.object, step, actor)
        raise


def move_to(
    model: type[M], pk: int, target: str, reason: str, *, actor: Actor = SYSTEM, **values: Any
) -> M:
    """The same, for callers that know the state they want and not the transition's name."""

    def work() -> M:
        row = model._base_manager.select_for_update().get(pk=pk)
        name = declared(model).get((row.state, str(target)))  # type: ignore[attr-defined]
        if name is None:
            text = f"No transition leads from {row.state} to {target}."  # type: ignore[attr-defined]
            raise TransitionNotAllowed(text, object=row)
        return _move_locked(model, pk, Step(name, reason, values), actor, None)

    try:
        return in_transaction(work)
    except TransitionNotAllowed as refusal:
        record_refusal(refusal.object, Step(f"to {target}", reason), actor)
        raise


def _move_locked(model: type[M], pk: int, step: Step, actor: Actor, note: Entry | None) -> M:
    row = model._base_manager.select_for_update().get(pk=pk)
    changed, entries = _apply(row, [step])
    model._base_manager.filter(pk=pk).update_by_door(**changed)  # type: ignore[attr-defined]
    for entry in entries:
        _audit.record(_with_note(_about(row, replace(entry, actor=actor)), note))
    return model._base_manager.get(pk=pk)


def move_many(
    steps: Sequence[Step],
    ids: Sequence[int],
    *,
    from_state: str,
    session_id: int,
    actor: Actor,
    columns: Sequence[str] = (),
    rows: Sequence[setwise.Row] = (),
) -> None:
    """Make the same transitions, one after the other, of many items of one session.

    With `columns` and `rows` (whose first column is the id) a row can have values of its own, named
    by Each in the steps; a column "fence" is not written but must match. Everything is written in
    one transaction. Raises StaleRows, and writes nothing, when any row has moved on meanwhile.
    """
    if not ids:
        return
    sample = _sample(from_state)
    changed, entries = _apply(sample, steps)
    with transaction.atomic(savepoint=False):
        found = _write(changed, ids, from_state, columns, rows)
        if found != len(ids):
            raise StaleRows(f"{len(ids) - found} of {len(ids)} items had moved on.")
        for entry in entries:
            entry = replace(entry, session_id=session_id, actor=actor)
            _audit.record_many(entry, ["item_id"], [(pk,) for pk in ids])


def put_back(row: Stateful, state: str, columns: Mapping[str, Any], *, actor: Actor) -> None:
    """Write the state that the audit log tells of a locked row, where another one was written past
    this door. It is no transition, and its audit row says so. Call it in a transaction."""
    found = row.__dict__["state"]
    changed = {**columns, "state": state, "state_changed_at": timezone.now()}
    rows = type(row)._base_manager.filter(pk=row.pk)
    with open_gate("put back"):
        rows.update_by_door(**changed)  # type: ignore[attr-defined]
    entry = Entry(
        AuditCategory.CONSISTENCY,
        f"Put back to {state}: nothing tells how it came to {found}.",
        level=AuditLevel.WARNING,
        action="state.put_back",
        actor=actor,
        details={"from": found, "to": state},
    )
    _audit.record(_about(row, entry))


def _write(
    changed: dict[str, Any],
    ids: Sequence[int],
    from_state: str,
    columns: Sequence[str],
    rows: Sequence[setwise.Row],
) -> int:
    if not columns:
        waiting = ImportItem.objects.filter(pk__in=ids, state=from_state)
        return waiting.update_by_door(**changed)
    alike = {name: value for name, value in changed.items() if not isinstance(value, Each)}
    match = [name for name in columns if name in ("id", "fence")]
    where = {"state": from_state}
    return len(setwise.update(ImportItem, alike, columns, rows, match=match, where=where))


def _sample(state: str) -> ImportItem:
    """An item in the given state of which nothing else is known."""
    row = ImportItem()
    row.__dict__.update({f.attname: _KEEP for f in ImportItem._meta.concrete_fields})
    row.__dict__["state"] = str(state)
    return row


def _apply(row: Stateful, steps: Sequence[Step]) -> tuple[dict[str, Any], list[Entry]]:
    """Run the transitions in memory; returns the columns they set and the audit rows due."""
    before = dict(row.__dict__)
    entries = []
    kind = row._meta.model_name.removeprefix("import") if row._meta.model_name else ""
    for step in steps:
        from_state = row.__dict__["state"]
        getattr(row, step.transition)(**step.values)
        entries.append(
            Entry(
                AuditCategory.STATE_TRANSITION,
                step.reason,
                action=f"{kind}.{step.transition}",
                from_state=from_state,
                to_state=str(row.__dict__["state"]),
            )
        )
    names = [f.attname for f in row._meta.concrete_fields]
    changed = {name: row.__dict__[name] for name in names if row.__dict__[name] is not before[name]}
    return changed | {"state_changed_at": timezone.now()}, entries


def _about(row: Stateful, entry: Entry) -> Entry:
    if isinstance(row, ImportItem):
        external = row.external_id or ""
        return replace(entry, session_id=row.session_id, item_id=row.pk, external_item=external)
    return replace(entry, session_id=row.pk)


def _with_note(entry: Entry, note: Entry | None) -> Entry:
    if note is None:
        return entry
    return replace(
        note,
        **{
            name: getattr(entry, name)
            for name in (
                "category",
                "message",
                "action",
                "session_id",
                "item_id",
                "external_item",
                "actor",
                "from_state",
                "to_state",
            )
        },
    )


def record_refusal(row: Any, step: Step, actor: Actor) -> None:
    """Record an attempt that was refused. Call it after the rollback, so that the refusal is all that
    is left of the attempt."""
    entry = Entry(
        AuditCategory.VALIDATION,
        f"Refused: {step.transition} is not possible in the state {row.state}.",
        level=AuditLevel.WARNING,
        action=f"refused.{step.transition}"[:40],
        actor=actor,
        details={"reason": step.reason},
        from_state=row.state,
    )
    _audit.record(_about(row, entry))


__all__ = [
    "Each",
    "StaleRows",
    "Step",
    "move",
    "move_many",
    "move_to",
    "put_back",
    "record_refusal",
]
