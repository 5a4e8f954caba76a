"""Looks at the database: which rule refused a row, and which row holds what it asked for."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import Count
from django.utils.translation import gettext as _

from ..errors import ErrorCode
from ..models import ImportItem, ImportSession
from ..states import ImportMode, ItemState, SourceDisposition
from .classify import sqlstate_of
from .evidence import Evidence, Known
from .facts import safe, text_of

TOLD = 5  # sessions that are told of
# Source: sqlite.org, sqlite3ErrorMsg; PostgreSQL, errors-messages: "Key (a, b)=(1, 2) already exists."
_SQLITE = re.compile(r"(UNIQUE|CHECK|NOT NULL) constraint failed: (?:index ')?([^'\n]+)")
_KEY = re.compile(r"\((?P<columns>[^)]*)\)=\((?P<values>.*)\)")


def database(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """Which database it is, and what it said; it is not asked."""
    settings = connection.settings_dict
    where = settings.get("HOST") or settings.get("OPTIONS", {}).get("host") or _("this machine")
    text = _("The database is {kind}, {name} at {where}.")
    name = safe(str(settings.get("NAME", "")))
    seen = [text.format(kind=connection.vendor, name=name, where=safe(where))]
    state = sqlstate_of(error)
    if state:
        seen.append(_("It reported SQLSTATE {state}.").format(state=safe(state)))
    return Evidence(code, {"sqlstate": state} if state else {}, seen)


def moved_away(known: Known) -> list[str]:
    """Which other session has moved files of this source into the library; it left no card behind."""
    if connection.in_atomic_block or "session" not in known:
        return []
    source = known.get("raw_source", known["raw_path"])
    others = ImportSession.objects.filter(source_path=source, mode=ImportMode.MOVE)
    gone = (SourceDisposition.MOVED, SourceDisposition.RELEASED)
    for session in others.exclude(pk=known["session"]).order_by("-pk")[:TOLD]:
        if session.items.filter(state=ItemState.IMPORTED, source_disposition__in=gone).exists():
            text = _("Session {session} moved files of this source into the library.")
            return [text.format(session=session.pk)]
    return []


def dependents(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """How many items of which session have no other copy."""
    if connection.in_atomic_block or "item" not in known:
        return Evidence(code)
    item = ImportItem.objects.filter(pk=known["item"]).first()
    if item is None or item.media_id is None:
        return Evidence(code)
    others = ImportItem.objects.filter(media_id=item.media_id).exclude(session=item.session_id)
    found = others.values_list("session").annotate(number=Count("pk")).order_by("session")[:TOLD]
    text = _("{number} items of session {session} have their only copy in it.")
    return Evidence(code, {}, [text.format(session=pk, number=number) for pk, number in found])


def constraint(code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    """The name of the rule, and the row that holds the value, where it can be found."""
    diagnosis = getattr(error.__cause__, "diag", None)
    if diagnosis is not None:
        return _of_postgres(code, error, diagnosis)
    found = _SQLITE.search(text_of(error)[:1000])
    if found is None:
        return Evidence(code)
    kind, name = found[1], found[2]
    seen = [_("The rule that was about to be broken: {kind} {name}.").format(kind=kind, name=name)]
    table, values = _values_of_sqlite(name, known)
    return Evidence(code, {"constraint": name}, seen + _holder(table, values))


def _of_postgres(code: ErrorCode, error: BaseException, diagnosis: Any) -> Evidence:
    name, table = diagnosis.constraint_name or "", diagnosis.table_name or ""
    seen = [_("The rule that was about to be broken: {name}.").format(name=safe(name))]
    key = _KEY.search(diagnosis.message_detail or "")
    values: dict[str, str] = {}
    if key:
        seen.append(safe(diagnosis.message_detail))
        columns, held = key["columns"].split(", "), key["values"].split(", ")
        values = dict(zip(columns, held, strict=False)) if len(columns) == len(held) else {}
    facts = {"constraint": safe(name), "sqlstate": sqlstate_of(error)}
    return Evidence(code, facts, seen + _holder(table, values))


def _values_of_sqlite(name: str, known: Known) -> tuple[str, dict[str, str]]:
    """SQLite names the columns only; the values are known when the context names them."""
    columns = [column.strip().rpartition(".") for column in name.split(",")]
    values = {column: str(known[column]) for _, _, column in columns if column in known}
    return columns[0][0], values if len(values) == len(columns) else {}


def _holder(table: str, values: dict[str, str]) -> list[str]:
    """Within a transaction nothing is asked: after an error the database would refuse."""
    model = _model(table)
    if model is None or not values or connection.in_atomic_block:
        return []
    row = model._base_manager.filter(**values).only("pk").first()
    if row is None:
        return []
    text = _("{kind} {number} holds {values}.")
    held = ", ".join(f"{name}={safe(value)}" for name, value in values.items())
    return [text.format(kind=model._meta.object_name, number=row.pk, values=held)]


def _model(table: str) -> type[models.Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)
