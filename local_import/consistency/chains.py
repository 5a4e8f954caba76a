"""Sums over the audit log that tell whether the chain of each object is whole.

To follow every chain row by row would mean to sort millions of them. So each state has a weight, and
the rows of an object are summed: to minus from. Along an unbroken chain all but the last state cancel
out, whatever its length. Where a sum is wrong the rows are read one by one: see trail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import connection

from ..states import ItemState, SessionState
from . import scope
from .rule import Keys, Look

CHUNK = 20_000  # items in one statement
LARGEST_ID = 2**63 - 1
STATES = tuple(dict.fromkeys(["", *ItemState.values, *SessionState.values]))  # frequent ones first
_FACTORS = 65_521  # by which the sums of objects are kept apart in the sum of all


def weight(state: str) -> int:
    """A number below 2**20, so that no sum over 2**27 objects is too large; nothing weighs nothing."""
    return int(sha256(state.encode()).hexdigest()[:5], 16) if state else 0


@dataclass(frozen=True, slots=True)
class Kind:
    """Whose chains they are: a table and its rows in the audit log."""

    table: str
    column: str  # of the audit log
    rows: str  # which rows tell of it
    begun: str  # the weight that the first row goes on from


def _weighed(column: str) -> str:
    cases = " ".join(f"WHEN '{state}' THEN {weight(state)}" for state in STATES)
    return f"CASE {column} {cases} ELSE 0 END"


_STEP = f"({_weighed('to_state')} - {_weighed('from_state')})"
_PENDING = weight(ItemState.PENDING)
ITEM = Kind(
    "local_import_item",
    "item_id",
    "category = 'state_transition' AND item_id IS NOT NULL",
    # What a walk has found has a row that tells of it; what another importer made has none.
    f"CASE WHEN o.external_id IS NULL THEN 0 ELSE {_PENDING} END",
)
SESSION = Kind(
    "local_import_session",
    "session_id",
    "category = 'state_transition' AND item_id IS NULL AND external_item = ''",
    str(_PENDING),
)


def is_whole(kind: Kind, purged_until: datetime) -> bool:
    """Whether every chain is, by one sum over all of them; False when that cannot be told so fast."""
    statement = f"""
        SELECT (SELECT COALESCE(SUM({_STEP} * ({kind.column} %% {_FACTORS} + 1)), 0)
                FROM local_import_audit_log WHERE {kind.rows})
             = (SELECT COALESCE(SUM(({_weighed("o.state")} - {kind.begun})
                                    * (o.id %% {_FACTORS} + 1)), 0)
                FROM {kind.table} o WHERE o.state_changed_at >= %s)
    """
    return bool(_rows(statement, [_prepared(purged_until)])[0])


def broken(kind: Kind, chosen: str, values: Sequence[int], purged_until: datetime) -> list[int]:
    """Ids of the objects whose chain is broken, ends elsewhere or is not there, and of those that
    rows tell of and that are gone; `chosen` is a condition on the ids, with its values."""
    statement = f"""
        WITH t AS (
            SELECT {kind.column} AS id, SUM({_STEP}) AS total
            FROM local_import_audit_log
            WHERE {kind.rows} AND {kind.column} {chosen} GROUP BY {kind.column}
        )
        SELECT o.id FROM {kind.table} o LEFT JOIN t ON t.id = o.id
        WHERE o.id {chosen} AND o.state_changed_at >= %s
            AND COALESCE(t.total, 0) <> {_weighed("o.state")} - {kind.begun}
        UNION ALL
        SELECT t.id FROM t WHERE NOT EXISTS (SELECT 1 FROM {kind.table} o WHERE o.id = t.id)
    """
    return _rows(statement, [*values, *values, _prepared(purged_until)])


def _rows(statement: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]


def _prepared(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def chunks(look: Look, keys: Keys | None) -> Iterator[tuple[str, list[int]]]:
    """Conditions on the ids, each with its values, that together cover every item there was."""
    if keys is not None:
        if keys:
            yield among([int(key) for key in keys])
        return
    ids = scope.items(look, None).order_by("pk").values_list("pk", flat=True)
    last = -1
    while last < LARGEST_ID:  # the gaps between the ids, too: rows are gone there
        end = next(iter(ids.filter(pk__gt=last)[CHUNK - 1 : CHUNK]), LARGEST_ID)
        yield "BETWEEN %s AND %s", [last + 1, end]
        last = end


def among(ids: Sequence[int]) -> tuple[str, list[int]]:
    return f"IN ({', '.join(['%s'] * len(ids))})", list(ids)
