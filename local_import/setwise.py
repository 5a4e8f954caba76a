"""Insert, update and find many rows by one statement, the same on SQLite and PostgreSQL.

The values that differ from row to row travel as a table `v` that the statement joins with; those that
are alike travel once. Twenty columns bound for each row cost several times what the database itself
needs. Knows tables and columns, no states: the door decides what may be written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from typing import Any, TypeAlias

from django.db import connection, connections, models
from django.db.models.sql import Query

MAX_PARAMETERS = 20_000  # SQLite takes 32,766 (since 3.32)
Row = Sequence[Any]
Field: TypeAlias = "models.Field[Any, Any]"


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
    head, tail = _insertion(model, tuple(alike), tuple(columns), ignore_conflicts, tuple(returning))
    common = _prepared_once(model, alike)
    inserted: list[Row] = []
    for v, values in _tables(model, columns, rows):
        with connection.cursor() as cursor:
            cursor.execute(head + v + tail, [*values, *common])
            inserted += cursor.fetchall() if returning else []
    return inserted


@cache
def _insertion(
    model: type[models.Model],
    alike: tuple[str, ...],
    columns: tuple[str, ...],
    ignore_conflicts: bool,
    returning: tuple[str, ...],
) -> tuple[str, str]:
    """What stands before and behind `v`. Names come from the models, values are parameters."""
    chosen = ", ".join(["%s"] * len(alike) + [_value(model, name) for name in columns])
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    if returning:
        ending += f" RETURNING {_columns(model, returning)}"
    head = f"INSERT INTO {_table(model)} ({_columns(model, (*alike, *columns))}) "
    return head, f" SELECT {chosen} FROM v WHERE true{ending}"


def update(
    model: type[models.Model],
    alike: Mapping[str, Any],
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    match: Sequence[str],
    where: Mapping[str, Any],
) -> int:
    """Update the row that equals each of `rows` in the `match` columns; returns how many it found.

    A value of `alike` may be an expression of the row. `where` holds conditions that are alike for
    all rows. A row that does not match is left alone and not counted; the caller judges.
    """
    expressed = {name: _expressed(model, name, value) for name, value in alike.items()}
    settings = tuple((name, sql) for name, (sql, _) in expressed.items())
    head, tail = _updating(model, settings, tuple(columns), tuple(match), tuple(where))
    before = [value for _, parameters in expressed.values() for value in parameters]
    after = _prepared_once(model, where)
    found = 0
    for v, values in _tables(model, columns, rows):
        with connection.cursor() as cursor:
            cursor.execute(head + v + tail, [*before, *values, *after])
            found += cursor.rowcount
    return found


@cache
def _updating(
    model: type[models.Model],
    alike: tuple[tuple[str, str], ...],
    columns: tuple[str, ...],
    match: tuple[str, ...],
    where: tuple[str, ...],
) -> tuple[str, str]:
    table = _table(model)
    written = [*alike, *((name, _value(model, name)) for name in columns if name not in match)]
    settings = ", ".join(f"{_column(model, name)} = {sql}" for name, sql in written)
    # A parameter within a query of its own: where it meets a column that the condition of an index
    # speaks of, SQLite plans the statement anew for each value.
    asked = [(name, "(SELECT %s)") for name in where]
    asked += [(name, _value(model, name)) for name in columns if name in match]
    met = " AND ".join(f"{table}.{_column(model, name)} = {sql}" for name, sql in asked)
    return f"UPDATE {table} SET {settings} FROM (", f" SELECT * FROM v) AS v WHERE {met}"


def _expressed(model: type[models.Model], attname: str, value: Any) -> tuple[str, Sequence[Any]]:
    """The SQL of a value that may be an expression of the row, and its parameters."""
    if not hasattr(value, "resolve_expression"):
        return "%s", _prepared_once(model, {attname: value})
    query = Query(model)
    compiler = query.get_compiler(using=connection.alias)
    sql, parameters = compiler.compile(value.resolve_expression(query))
    return sql, parameters


def find(
    model: type[models.Model], attname: str, texts: Iterable[str], returning: Sequence[str]
) -> list[Row]:
    """The named columns of all rows that hold one of these texts in a column."""
    wanted = list(texts)
    if not wanted:
        return []
    sqlite = connection.vendor == "sqlite"
    among = (
        "IN (SELECT value FROM json_each(%s))"
        if sqlite
        else "= ANY(ARRAY(SELECT jsonb_array_elements_text(%s::jsonb)))"
    )
    sql = (
        f"SELECT {_columns(model, returning)} FROM {_table(model)} "
        f"WHERE {_column(model, attname)} {among}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [json.dumps(wanted)])
        found: list[Row] = cursor.fetchall()
    return found


def _tables(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]
) -> Iterator[tuple[str, Iterable[Any]]]:
    """The SQL of `v`, as a WITH clause, and its parameters; a few thousand rows at a time."""
    fields = [_field(model, name) for name in columns]
    names = ", ".join(f"v_{field.column}" for field in fields)
    step = MAX_PARAMETERS // max(len(fields), 1)
    for start in range(0, len(rows), step):
        select, values = _select(fields, _prepared(fields, rows[start : start + step]))
        yield f"WITH v({names}) AS ({select})", values


def _select(fields: Sequence[Field], rows: Sequence[Row]) -> tuple[str, Iterable[Any]]:
    """A VALUES list for SQLite, which binds values faster than it takes many out of JSON. For PostgreSQL
    one document of JSON: as arrays, texts cost psycopg and the server four times as much."""
    if connection.vendor == "sqlite":
        if len(fields) == 1 and isinstance(rows[0][0], int):  # the ids alone
            return "SELECT value FROM json_each(%s)", [json.dumps([value for (value,) in rows])]
        row = f"({', '.join(['%s'] * len(fields))})"
        return f"VALUES {', '.join([row] * len(rows))}", chain.from_iterable(rows)
    taken = ", ".join(_taken(number, field) for number, field in enumerate(fields))
    return f"SELECT {taken} FROM jsonb_array_elements(%s::jsonb) AS r", [json.dumps(rows)]


def _taken(number: int, field: Field) -> str:
    """The value at a place of a row `r` of JSON, for PostgreSQL."""
    if isinstance(field, models.BinaryField):
        return f"decode(r->>{number}, 'hex')"
    return f"(r->>{number})::{_type(field)}"


def _prepared(fields: Sequence[Field], rows: Sequence[Row]) -> Sequence[Row]:
    """Text and numbers go as they are; what SQLite or JSON does not know is converted."""
    special = [(n, convert) for n, field in enumerate(fields) if (convert := _conversion(field))]
    if not special:
        return rows
    prepared = [list(row) for row in rows]
    for n, convert in special:
        for row in prepared:
            row[n] = None if row[n] is None else convert(row[n])
    return prepared


def _conversion(field: Field) -> Callable[[Any], Any] | None:
    """How a value travels that cannot as it is; Django's fields take three times as long."""
    known = _FOR_SQLITE if connection.vendor == "sqlite" else _FOR_JSON
    return next((convert for kind, convert in known.items() if isinstance(field, kind)), None)


def _in_utc(moment: datetime) -> str:
    return str(moment.astimezone(UTC).replace(tzinfo=None))


_FOR_SQLITE: dict[type[Field], Callable[[Any], Any]] = {
    models.JSONField: json.dumps,
    models.DateTimeField: _in_utc,
}
_FOR_JSON: dict[type[Field], Callable[[Any], Any]] = {
    models.DateTimeField: str,
    models.BinaryField: bytes.hex,
}


def _prepared_once(model: type[models.Model], values: Mapping[str, Any]) -> list[Any]:
    database = connections[connection.alias]
    return [_field(model, name).get_db_prep_save(value, database) for name, value in values.items()]


@cache
def _fields(model: type[models.Model]) -> dict[str, Field]:
    return {field.attname: field for field in model._meta.concrete_fields}


def _field(model: type[models.Model], attname: str) -> Field:
    return _fields(model)[attname]


def _type(field: Field) -> str | None:
    return field.rel_db_type(connection) if field.is_relation else field.cast_db_type(connection)


def _value(model: type[models.Model], attname: str) -> str:
    return f"v.v_{_field(model, attname).column}"


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _column(model: type[models.Model], attname: str) -> str:
    return connection.ops.quote_name(str(_field(model, attname).column))


def _columns(model: type[models.Model], attnames: Iterable[str]) -> str:
    return ", ".join(_column(model, name) for name in attnames)
