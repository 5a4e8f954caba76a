"""The one door: the only code that writes a state, always together with its audit row.

A change is a django-fsm transition. For one row it runs on that row, locked and freshly read. For
many it runs once, on a sample row in the state that all of them are in, and one statement writes
what it set to every row that still is in that state (and still has the fence that its worker knows).

A failure is noted to its incident in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from django_fsm import TransitionNotAllowed

from . import setwise
from .audit_logger import SYSTEM, Actor, AuditLogger, Entry
from .errors import ErrorCode
from .guards import open_gate
from .incidents import note_failures, records_failure
from .models import ImportItem
from .models.audit_log import AuditCategory, AuditLevel
from .models.stateful import Stateful
from .state_machine import declared
from .transactions import in_transaction

M = TypeVar("M", bound=Stateful)
_KEEP = object()
_NOTHING: Mapping[str, Any] = {}
_RECORDING = {"failed": "fail", "missing": "lose", "error": "break_off"}  # states of a failure
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
    reason: str | Each
    values: Mapping[str, Any] = field(default_factory=dict)


def move(
    model: type[M],
    pk: int,
    step: Step,
    *,
    actor: Actor = SYSTEM,
    note: Entry | None = None,
    fence: int | None = None,
) -> M:
    """Make one transition of one row, and return the row as it is afterwards.

    `note` adds to the audit row what else is known: details, error, recommended actions.
    Raises DoesNotExist, TransitionNotAllowed after the refusal was recorded, or StaleRows when the
    item is not under the fence that its worker knows any more; then the row is unchanged.
    """
    try:
        return in_transaction(lambda: _move_locked(model, pk, step, actor, note, fence))
    except TransitionNotAllowed as refusal:
        record_refusal(refusal.object, step, actor)
        raise


def move_to(
    model: type[M],
    pk: int,
    target: str,
    reason: str,
    *,
    actor: Actor = SYSTEM,
    fence: int | None = None,
    **values: Any,
) -> M:
    """The same, for callers that know the state they want and not the transition's name."""

    def work() -> M:
        row = _locked(model, pk, fence)
        name = declared(model).get((row.state, str(target)))  # type: ignore[attr-defined]
        if name is None:
            text = f"No transition leads from {row.state} to {target}."  # type: ignore[attr-defined]
            raise TransitionNotAllowed(text, object=row)
        return _move_locked(model, pk, Step(name, reason, values), actor)

    try:
        return in_transaction(work)
    except TransitionNotAllowed as refusal:
        record_refusal(refusal.object, Step(f"to {target}", reason), actor)
        raise


def _locked(model: type[M], pk: int, fence: int | None) -> M:
    row = model._base_manager.select_for_update().get(pk=pk)
    if fence is not None and fence != row.fence:  # type: ignore[attr-defined]
        raise StaleRows(f"Item {pk} was taken by somebody else.")
    return row


def _move_locked(
    model: type[M],
    pk: int,
    step: Step,
    actor: Actor,
    note: Entry | None = None,
    fence: int | None = None,
) -> M:
    row = _locked(model, pk, fence)
    changed, entries = _apply(row, [_noted(row, step, actor)])
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
    known: Mapping[str, Any] = _NOTHING,
) -> None:
    """Make the same transitions, one after the other, of many items of one session.

    `known` holds what else all of them have in common and the transitions ask for; it must match as
    the state must. With `columns` and `rows` (whose first column is the id) a row can have values
    of its own, named by Each in the steps; a column "fence" is not written but must match, and a
    column "reason" is only told in the audit row. Everything is written in one transaction. Raises
    StaleRows, and writes nothing, when any row has moved on meanwhile.
    """
    if not ids:
        return
    with transaction.atomic(savepoint=False):
        steps, columns, rows = _noted_many(steps, len(ids), session_id, actor, columns, rows)
        alike = {**known, "state": from_state}
        changed, entries = _apply(_sample(alike), steps)
        found = _write(changed, ids, alike, columns, rows)
        if found != len(ids):
            raise StaleRows(f"{len(ids) - found} of {len(ids)} items had moved on.")
        for step, entry in zip(steps, entries, strict=True):
            entry = replace(entry, session_id=session_id, actor=actor)
            _audit.record_many(entry, *_told(step, ids, columns, rows))


def _noted(row: Stateful, step: Step, actor: Actor) -> Step:
    """The step with the incident of the failure that it records, if it records one."""
    if not records_failure(type(row), step.transition):
        return step
    session_id = row.session_id if isinstance(row, ImportItem) else row.pk
    known = {
        name: step.values.get(name) or getattr(row, name) for name in ("error_code", "failure")
    }
    (incident,) = note_failures(
        type(row), step.transition, known, [known["failure"]], session_id=session_id, actor=actor
    )
    return _with_incident(step, incident)


def _noted_many(
    steps: Sequence[Step],
    number: int,
    session_id: int,
    actor: Actor,
    columns: Sequence[str],
    rows: Sequence[setwise.Row],
) -> tuple[Sequence[Step], Sequence[str], Sequence[setwise.Row]]:
    """The same for many items; those with failures of their own have incidents of their own."""
    *before, step = steps  # a failure ends the way
    if not records_failure(ImportItem, step.transition):
        return steps, columns, rows
    failure = step.values.get("failure")
    note = partial(note_failures, ImportItem, step.transition, step.values)
    if not isinstance(failure, Each):
        (incident,) = note([failure], session_id=session_id, actor=actor, number=number)
        return [*before, _with_incident(step, incident)], columns, rows
    at = columns.index(failure.column)
    incidents = note([row[at] for row in rows], session_id=session_id, actor=actor)
    rows = [(*row, incident) for row, incident in zip(rows, incidents, strict=True)]
    return [*before, _with_incident(step, Each("incident_id"))], (*columns, "incident_id"), rows


def _with_incident(step: Step, incident: int | Each) -> Step:
    return replace(step, values={**step.values, "incident_id": incident})


def _told(
    step: Step, ids: Sequence[int], columns: Sequence[str], rows: Sequence[setwise.Row]
) -> tuple[list[str], Sequence[setwise.Row]]:
    """What differs between the audit rows of a step: the item, and a reason of its own."""
    if not isinstance(step.reason, Each):
        return ["item_id"], [(pk,) for pk in ids]
    at = columns.index(step.reason.column)
    return ["item_id", "message"], [(pk, row[at]) for pk, row in zip(ids, rows, strict=True)]


def put_back(row: Stateful, state: str, columns: Mapping[str, Any], *, actor: Actor) -> None:
    """Write the state that the audit log tells of a locked row, where another one was written past
    this door. It is no transition, and its audit row says so. Call it in a transaction."""
    found = row.__dict__["state"]
    step = _noted(row, Step(_RECORDING.get(state, ""), "", columns), actor)
    changed = {"incident_id": None, **step.values}
    changed |= {"state": state, "state_changed_at": timezone.now()}
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
    where: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[setwise.Row],
) -> int:
    if not columns:
        columns, rows = ["id"], [(pk,) for pk in ids]
    alike = {name: value for name, value in changed.items() if not isinstance(value, Each)}
    if "reason" in columns:
        kept = [n for n, name in enumerate(columns) if name != "reason"]
        columns, rows = [columns[n] for n in kept], [[row[n] for n in kept] for row in rows]
    match = [name for name in columns if name in ("id", "fence")]
    return setwise.update(ImportItem, alike, columns, rows, match=match, where=where)


def _sample(known: Mapping[str, Any]) -> ImportItem:
    """An item of which nothing else is known."""
    row = ImportItem()
    row.__dict__.update({f.attname: _KEEP for f in ImportItem._meta.concrete_fields})
    row.__dict__.update({name: str(value) for name, value in known.items()})
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
                "" if isinstance(step.reason, Each) else step.reason,
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
