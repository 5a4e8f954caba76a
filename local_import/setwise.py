"""Insert and update many rows by one statement, the same on SQLite and PostgreSQL.

The values that differ from row to row travel as a table `v` that the statement joins with; those that
are alike travel once. Twenty columns bound for each row cost several times what the database itself
needs. Knows tables and columns, no states: the door decides what may be written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

from django.db import connection, models

MAX_PARAMETERS = 20_000  # SQLite takes 32,766 (since 3.32)
Row = Sequence[Any]
Field: TypeAlias = "models.Field[Any, Any]"
_CONVERTED = (models.DateTimeField, models.JSONField)


def insert(
    model: type[models.Model],
    alike: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    ignore_conflicts: bool = False,
    returning: Sequence[str] = (),
) -> list[Row]:
    """Insert a row for each of `rows`; returns the named columns of those inserted, in any order.

    `alike` holds attname → value for all of them, `columns` names the attnames that `rows` hold.
    """
    names = [*alike, *columns]
    fields = [_field(model, name) for name in names]
    chosen = ["%s"] * len(alike) + [_value(field) for field in fields[len(alike) :]]
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    if returning:
        ending += f" RETURNING {_columns([_field(model, name) for name in returning])}"
    sql = (  # names come from the models, values are parameters
        f"INSERT INTO {_quoted(model._meta.db_table)} ({_columns(fields)}) "
        f"SELECT {', '.join(chosen)} FROM v WHERE true{ending}"
    )
    head = [_prepared(field, alike[name]) for name, field in zip(alike, fields, strict=False)]
    inserted: list[Row] = []
    for chunk in _chunks(rows, len(columns)):
        inserted += _run(fields[len(alike) :], chunk, sql, head)
    return inserted


def update(
    model: type[models.Model],
    alike: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    match: Sequence[str],
    where: Mapping[str, Any],
) -> set[int]:
    """Update the row that equals each of `rows` in the `match` columns; returns the ids it found.

    `where` holds conditions that are alike for all rows. A row that does not match is left alone
    and is missing in the result; the caller judges.
    """
    fields = [_field(model, name) for name in columns]
    varying = [field for field in fields if field.attname not in match]
    settings = [f"{_quoted(_field(model, name).column)} = %s" for name in alike]
    settings += [f"{_quoted(field.column)} = {_value(field)}" for field in varying]
    table = _quoted(model._meta.db_table)
    conditions = [
        f"{table}.{_quoted(f.column)} = {_value(f)}" for f in fields if f.attname in match
    ]
    conditions += [f"{table}.{_quoted(_field(model, name).column)} = %s" for name in where]
    sql = (
        f"UPDATE {table} SET {', '.join(settings)} FROM v "
        f"WHERE {' AND '.join(conditions)} RETURNING {table}.id"
    )
    tail = [
        _prepared(_field(model, name), value) for name, value in (*alike.items(), *where.items())
    ]
    found: set[int] = set()
    for chunk in _chunks(rows, len(columns)):
        found.update(pk for (pk,) in _run(fields, chunk, sql, tail))
    return found


def _run(fields: Sequence[Field], rows: Sequence[Row], sql: str, more: list[Any]) -> list[Row]:
    names = ", ".join(f"v_{field.column}" for field in fields)
    table, values = _table(fields, _prepared_rows(fields, rows))
    with connection.cursor() as cursor:
        cursor.execute(f"WITH v({names}) AS ({table}) {sql}", [*values, *more])
        return cursor.fetchall() if cursor.description else []


def _table(fields: Sequence[Field], rows: Sequence[Row]) -> tuple[str, Iterable[Any]]:
    """The SQL of `v` with its parameters: a VALUES list, or on PostgreSQL an array for each column,
    because binding and parsing four thousand parameters costs it more than writing the rows."""
    if connection.vendor == "sqlite":
        row = f"({', '.join(['%s'] * len(fields))})"
        return f"VALUES {', '.join([row] * len(rows))}", chain.from_iterable(rows)
    arrays = ", ".join(f"%s::{_type(field)}[]" for field in fields)
    return f"SELECT * FROM unnest({arrays})", [list(column) for column in zip(*rows, strict=True)]


def _prepared_rows(fields: Sequence[Field], rows: Sequence[Row]) -> Sequence[Row]:
    """Text, numbers and bytes go as they are; only times and JSON need the field's conversion."""
    special = {n: f for n, f in enumerate(fields) if isinstance(f, _CONVERTED)}
    if not special:
        return rows
    return [
        [_prepared(special[n], value) if n in special else value for n, value in enumerate(row)]
        for row in rows
    ]


def _chunks(rows: Sequence[Row], width: int) -> Iterator[Sequence[Row]]:
    step = MAX_PARAMETERS // max(width, 1)
    for start in range(0, len(rows), step):
        yield rows[start : start + step]


@cache
def _fields(model: type[models.Model]) -> dict[str, Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


def _field(model: type[models.Model], attname: str) -> Field:
    return _fields(model)[attname]


def _type(field: Field) -> str | None:
    return field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection)


def _value(field: Field) -> str:
    return f"v.v_{field.column}"


def _columns(fields: Sequence[Field]) -> str:
    return ", ".join(_quoted(field.column) for field in fields)


def _quoted(name: str | None) -> str:
    assert name is not None
    return connection.ops.quote_name(name)


def _prepared(field: Field, value: Any) -> Any:
    return field.get_db_prep_save(value, connection)
