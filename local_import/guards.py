"""Guards: what the database itself refuses, whoever writes to it.

Triggers hold the transition tables of both state machines, and let no audit row be changed or removed.
They are made from the code after every `migrate`, because SQLite drops them with each table that a
migration builds anew. Only a transaction that has opened the gate passes: a repair, or the purge.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from django.db import connection, connections

from .models import AuditLog, ImportItem, ImportSession
from .models.stateful import Stateful
from .state_machine import declared
from .states import ItemState

GATE = "local_import_gate"
# The door makes these steps, which are two transitions each, by one statement.
IN_ONE_STATEMENT = frozenset(
    {(ItemState.ANALYZING, ItemState.MOVING), (ItemState.MOVING, ItemState.IMPORTED)}
)
_FUNCTION = "local_import_refuse"


@contextmanager
def open_gate(purpose: str) -> Iterator[None]:
    """Let this transaction, and no other, pass the guards. Call it in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {GATE} (purpose) VALUES (%s)", [purpose])
        yield
        cursor.execute(f"DELETE FROM {GATE} WHERE purpose = %s", [purpose])


def install(using: str = "default", **_: Any) -> None:
    """Make the triggers, unless they are there as the code wants them, or the tables are not."""
    there = connections[using].introspection.table_names()
    if not set(_TABLES.values()) <= set(there) or is_installed(using):
        return
    with connections[using].cursor() as cursor:
        for statement in [*_removal(using), *_statements(using)]:
            cursor.execute(statement)


def is_installed(using: str = "default") -> bool:
    """Whether each trigger is the one that the code would make now."""
    with connections[using].cursor() as cursor:
        cursor.execute(_QUESTION[connections[using].vendor])
        found = dict(cursor.fetchall())
    return bool(found == _expected(using))


# The name of each trigger, and what tells whether it is the right one.
_QUESTION = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'",
    "postgresql": (
        "SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger "
        "WHERE tgname LIKE 'guard_%' AND tgenabled <> 'D'"
    ),
}


def _expected(using: str) -> dict[str, str]:
    postgres = connections[using].vendor == "postgresql"
    return {name: _digest(sql) if postgres else sql for name, sql in _triggers(using).items()}


def _digest(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()[:16]


def _statements(using: str) -> list[str]:
    triggers = _triggers(using)
    made = [f"CREATE TABLE IF NOT EXISTS {GATE} (purpose varchar(40) NOT NULL)"]
    if connections[using].vendor == "sqlite":
        return [*made, *triggers.values()]
    comments = [
        f"COMMENT ON TRIGGER {name} ON {_TABLES[name]} IS '{_digest(sql)}'"
        for name, sql in triggers.items()
    ]
    return [*made, _REFUSE, *triggers.values(), *comments]


def _removal(using: str) -> list[str]:
    on = connections[using].vendor == "postgresql"
    return [
        f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if on else "")
        for name, table in _TABLES.items()
    ]


_TABLES = {
    "guard_session_state": ImportSession._meta.db_table,
    "guard_item_state": ImportItem._meta.db_table,
    "guard_audit_update": AuditLog._meta.db_table,
    "guard_audit_user": AuditLog._meta.db_table,
    "guard_audit_delete": AuditLog._meta.db_table,
}
_TEXTS = {
    "guard_session_state": "no transition of a session leads there",
    "guard_item_state": "no transition of an item leads there",
    "guard_audit_update": "the audit log is only added to",
    "guard_audit_user": "the audit log is only added to",
    "guard_audit_delete": "the audit log is only added to; old rows go by purge_audit_log",
}
_REFUSE = f"""
    CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM {GATE}) THEN
            RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END $$
"""


def _triggers(using: str) -> dict[str, str]:
    make = _on_sqlite if connections[using].vendor == "sqlite" else _on_postgresql
    return {name: make(name, *_when(name)) for name in _TABLES}


def _when(name: str) -> tuple[str, str]:
    """The event and the condition under which the trigger refuses."""
    if name == "guard_session_state":
        return "UPDATE OF state", _is_illegal(ImportSession)
    if name == "guard_item_state":
        return "UPDATE OF state", _is_illegal(ImportItem)
    if name == "guard_audit_user":  # a user who is deleted is no longer named
        return "UPDATE OF user_id", "NEW.user_id IS NOT NULL"
    if name == "guard_audit_delete":
        return "DELETE", ""
    others = [str(f.column) for f in AuditLog._meta.concrete_fields if f.column != "user_id"]
    return f"UPDATE OF {', '.join(others)}", ""


def _is_illegal(model: type[Stateful]) -> str:
    steps = set(declared(model))
    if model is ImportItem:
        steps |= {(str(source), str(target)) for source, target in IN_ONE_STATEMENT}
    by_source: dict[str, list[str]] = {}
    for source, target in sorted(steps):
        by_source.setdefault(source, []).append(f"'{target}'")
    legal = " ".join(
        f"WHEN '{source}' THEN NEW.state IN ({', '.join(targets)})"
        for source, targets in by_source.items()
    )
    return f"NEW.state <> OLD.state AND NOT CASE OLD.state {legal} ELSE {_FALSE} END"


_FALSE = "(1 = 0)"


def _on_sqlite(name: str, event: str, condition: str) -> str:
    closed = f"NOT EXISTS (SELECT 1 FROM {GATE})"
    when = f"({condition}) AND {closed}" if condition else closed
    return (
        f"CREATE TRIGGER {name} AFTER {event} ON {_TABLES[name]} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{_TEXTS[name]}'); END"
    )


def _on_postgresql(name: str, event: str, condition: str) -> str:
    when = f"WHEN ({condition}) " if condition else ""
    return (
        f"CREATE TRIGGER {name} AFTER {event} ON {_TABLES[name]} FOR EACH ROW {when}"
        f"EXECUTE FUNCTION {_FUNCTION}('{_TEXTS[name]}')"
    )
