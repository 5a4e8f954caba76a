"""Looks at the database: which rule refused a row, and which row holds what it asked for."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Count, Q

from ..errors import ErrorCode
from ..models import ImportItem, ImportSession
from ..sayings import Seen, say
from ..states import ImportMode, ItemState, SourceDisposition
from ..wording.facts import safe, text_of
from .classify import sqlstate_of
from .evidence import Evidence, Known

_GONE = (SourceDisposition.MOVED, SourceDisposition.RELEASED)
TOLD = 5  # sessions that are told of
# Source: sqlite.org, sqlite3ErrorMsg; PostgreSQL, errors-messages: "Key (a, b)=(1, 2) already exists."
_SQLITE = re.compile(r"(UNIQUE|CHECK|NOT NULL) constraint failed: (?:index ')?([^'\n]+)")
_KEY = re.compile(r"\((?P<columns>[^)]*)\)=\((?P<values>.*)\)")


def database(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Which database it is, and what it said; it is not asked."""
    settings = connection.settings_dict
    where = settings.get("HOST") or settings.get("OPTIONS", {}).get("host")
    facts = {"kind": connection.vendor, "name": safe(str(settings.get("NAME", "")))}
    there = say("database_there", where=safe(where), **facts) if where else None
    seen = [there or say("database_here", **facts)]
    state = sqlstate_of(error)
    if state:
        seen.append(say("sqlstate", state=safe(state)))
    return Evidence(code, {"sqlstate": state} if state else {}, seen)


def moved_away(known: Known) -> list[Seen]:
    """Which other session moves files of this source into the library: no card was pulled out."""
    if connection.in_atomic_block or "session" not in known:
        return []
    source = known.get("raw_source", known["raw_path"])
    others = ImportSession.objects.filter(source_path=source, mode=ImportMode.MOVE)
    done = Q(state=ItemState.IMPORTED, source_disposition__in=_GONE)
    taken = done | Q(state__in=(ItemState.MOVING, ItemState.UPDATING))
    for session in others.exclude(pk=known["session"]).order_by("-pk")[:TOLD]:
        if session.items.filter(taken).exists():
            return [say("moved_by_session", session=session.pk)]
    return []


def dependents(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """How many files of which session were skipped for its sake."""
    if connection.in_atomic_block or "item" not in known:
        return Evidence(code)
    item = ImportItem.objects.filter(pk=known["item"]).first()
    if item is None or item.media_id is None:
        return Evidence(code)
    others = ImportItem.objects.filter(media_id=item.media_id).exclude(session=item.session_id)
    found = others.values_list("session").annotate(number=Count("pk")).order_by("session")[:TOLD]
    seen = [say("duplicates_of_it", session=pk, number=number) for pk, number in found]
    return Evidence(code, {}, seen)


def constraint(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """The name of the rule, and the row that holds the value, where it can be found."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return _of_postgres(code, error, diagnosis)
    found = _SQLITE.search(text_of(error)[:1000])
    if found is None:
        return Evidence(code)
    kind, name = found[1], found[2]
    seen = [say("rule_of_kind", kind=kind, name=name)]
    table, values = _values_of_sqlite(name, known)
    return Evidence(code, {"constraint": name}, seen + _holder(table, values))


def _of_postgres(code: ErrorCode, error: BaseException, diagnosis: Any) -> Evidence:
    name, table = diagnosis.constraint_name or "", diagnosis.table_name or ""
    seen = [say("rule", name=safe(name))]
    key = _KEY.search(diagnosis.message_detail or "")
    values: dict[str, str] = {}
    if key:
        seen.append(say("database_said", text=safe(diagnosis.message_detail)))
        columns, held = key["columns"].split(", "), key["values"].split(", ")
        values = dict(zip(columns, held, strict=False)) if len(columns) == len(held) else {}
    facts = {"constraint": safe(name), "sqlstate": sqlstate_of(error)}
    return Evidence(code, facts, seen + _holder(table, values))


def _values_of_sqlite(name: str, known: Known) -> tuple[str, dict[str, str]]:
    """SQLite names the columns only; the values are known when the context names them."""
    columns = [column.strip().rpartition(".") for column in name.split(",")]
    values = {column: str(known[column]) for _, _, column in columns if column in known}
    return columns[0][0], values if len(values) == len(columns) else {}


def _holder(table: str, values: dict[str, str]) -> list[Seen]:
    """Within a transaction nothing is asked: after an error the database would refuse."""
    model = _model(table)
    if model is None or not values or connection.in_atomic_block:
        return []
    row = model._base_manager.filter(**values).only("pk").first()
    if row is None:
        return []
    held = ", ".join(f"{name}={safe(value)}" for name, value in values.items())
    return [say("holder", kind=model._meta.object_name, number=row.pk, values=held)]


def _model(table: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)
