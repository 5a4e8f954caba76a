"""Guards: what the database itself refuses, whoever writes to it.

Triggers hold the first states and the transition tables of both state machines, and let no audit row be
changed or removed, but by another program's REPLACE on SQLite (see _of_replacing). That a session or an
item is deleted by SQL they allow, and the check tells of it.
They are made from the code after every `migrate`, because SQLite drops them with each table that a
migration builds anew. Only a transaction that has opened the gate passes: a repair, or the purge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    """Make the triggers and shut the gate, unless that is so, or the tables are not there yet."""
    there = connections[using].introspection.table_names()
    if not set(_GUARDED) <= set(there) or is_installed(using):
        return
    with connections[using].cursor() as cursor:
        for statement in [*_removal(using), *_statements(using)]:
            cursor.execute(statement)


def is_installed(using: str = "default") -> bool:
    """Whether each trigger is the one that the code would make now, and nobody left the gate open."""
    if GATE not in connections[using].introspection.table_names():
        return False
    with connections[using].cursor() as cursor:
        cursor.execute(_QUESTION[connections[using].vendor])
        found = dict(cursor.fetchall())
        cursor.execute(f"SELECT COUNT(*) FROM {GATE}")
        return bool(found == _expected(using) and cursor.fetchone()[0] == 0)


# The name of each trigger, and what tells whether it is the right one.
_QUESTION = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'",
    "postgresql": (
        "SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger "
        "WHERE tgname LIKE 'guard_%' AND tgenabled IN ('O', 'A')"
    ),
}
_PRESENT = {
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'guard_%'",
    "postgresql": "SELECT tgname, tgrelid::regclass FROM pg_trigger WHERE tgname LIKE 'guard_%'",
}


def _expected(using: str) -> dict[str, str]:
    postgres = connections[using].vendor == "postgresql"
    triggers = {guard.name: _trigger(guard, using) for guard in _guards(using)}
    return {name: _digest(sql) if postgres else sql for name, sql in triggers.items()}


def _digest(sql: str) -> str:
    return sha256(sql.encode()).hexdigest()[:16]


def _statements(using: str) -> list[str]:
    triggers = {guard: _trigger(guard, using) for guard in _guards(using)}
    made = [f"CREATE TABLE IF NOT EXISTS {GATE} (purpose varchar(40) NOT NULL)"]
    made += [f"DELETE FROM {GATE}"]
    if connections[using].vendor == "sqlite":
        return [*made, *triggers.values()]
    comments = [
        f"COMMENT ON TRIGGER {guard.name} ON {guard.table} IS '{_digest(sql)}'"
        for guard, sql in triggers.items()
    ]
    return [*made, _REFUSE, *triggers.values(), *comments]


def _removal(using: str) -> list[str]:
    """Also of triggers that an earlier version made, and this one does not."""
    on = connections[using].vendor == "postgresql"
    with connections[using].cursor() as cursor:
        cursor.execute(_PRESENT[connections[using].vendor])
        return [
            f"DROP TRIGGER {name}" + (f" ON {table}" if on else "")
            for name, table in cursor.fetchall()
            if table in _GUARDED
        ]


@dataclass(frozen=True, slots=True)
class _Guard:
    """A trigger; it refuses where the condition holds, if there is one, and the gate is shut."""

    name: str
    table: str
    event: str  # with its time
    condition: str
    text: str


_SESSIONS, _ITEMS, _LOG = (model._meta.db_table for model in (ImportSession, ImportItem, AuditLog))
_GUARDED = (_SESSIONS, _ITEMS, _LOG)
_ONLY_ADDED_TO = "the audit log is only added to"


def _guards(using: str) -> list[_Guard]:
    of_states = _of_states("session", ImportSession) + _of_states("item", ImportItem)
    sqlite = connections[using].vendor == "sqlite"
    return of_states + _of_the_log() + (_of_replacing() if sqlite else _of_emptying())


def _of_states(name: str, model: type[Stateful]) -> list[_Guard]:
    first = model().__dict__["state"]
    table = model._meta.db_table
    return [
        _Guard(
            f"guard_{name}_state",
            table,
            "AFTER UPDATE OF state",
            _is_illegal(model),
            f"no transition of {_A[name]} leads there",
        ),
        _Guard(
            f"guard_{name}_first",
            table,
            "AFTER INSERT",
            f"NEW.state <> '{first}'",
            f"no transition leads there: {_A[name]} begins as {first}",
        ),
    ]


_A = {"session": "a session", "item": "an item"}


def _of_the_log() -> list[_Guard]:
    others = [str(f.column) for f in AuditLog._meta.concrete_fields if f.column != "user_id"]
    old = f"{_ONLY_ADDED_TO}; old rows go by purge_audit_log"
    named = "NEW.user_id IS NOT NULL"  # a user who is deleted is no longer named
    return [
        _Guard("guard_audit_update", _LOG, f"AFTER UPDATE OF {', '.join(others)}", "", old),
        _Guard("guard_audit_user", _LOG, "AFTER UPDATE OF user_id", named, _ONLY_ADDED_TO),
        _Guard("guard_audit_delete", _LOG, "AFTER DELETE", "", old),
    ]


def _of_replacing() -> list[_Guard]:
    """SQLite's REPLACE puts a row in the place of another, and no trigger on DELETE hears of it.

    On the connections of Photonest it does (photonest.env), which is enough for the audit log, whose
    rows nobody deletes: a trigger there on INSERT would cost an import a twentieth of its time.
    """
    text = "a row is there: no transition replaces it"
    return [
        _Guard(
            f"guard_{table.removeprefix('local_import_')}_replace",
            table,
            "BEFORE INSERT",
            f"EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)",
            text,
        )
        for table in (_SESSIONS, _ITEMS)
    ]


def _of_emptying() -> list[_Guard]:
    """PostgreSQL's TRUNCATE empties a table, and no trigger on DELETE hears of it."""
    text = "no transition leads there: states and audit log are not emptied"
    return [
        _Guard(f"guard_{table.removeprefix('local_import_')}_empty", table, _EMPTY, "", text)
        for table in _GUARDED
    ]


_EMPTY = "BEFORE TRUNCATE"
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


def _is_illegal(model: type[Stateful]) -> str:
    steps = set(declared(model))
    if model is ImportItem:
        steps |= {(str(source), str(target)) for source, target in IN_ONE_STATEMENT}
    by_source: dict[str, list[str]] = {}
    for source, target in sorted(steps):
        by_source.setdefault(source, []).append(target)
    legal = " ".join(
        f"WHEN '{source}' THEN {_is_one_of(targets)}" for source, targets in by_source.items()
    )
    return f"NEW.state <> OLD.state AND NOT CASE OLD.state {legal} ELSE {_FALSE} END"


def _is_one_of(states: Sequence[str]) -> str:
    """No list: see models.conditions."""
    found = " OR ".join(f"NEW.state = '{state}'" for state in states)
    return f"({found})"


_FALSE = "(1 = 0)"


def _trigger(guard: _Guard, using: str) -> str:
    made = f"CREATE TRIGGER {guard.name} {guard.event} ON {guard.table}"
    if connections[using].vendor == "sqlite":
        shut = f"NOT EXISTS (SELECT 1 FROM {GATE})"
        when = f"({guard.condition}) AND {shut}" if guard.condition else shut
        return f"{made} WHEN {when} BEGIN SELECT RAISE(ABORT, '{guard.text}'); END"
    each = "STATEMENT" if guard.event == _EMPTY else "ROW"
    when = f"WHEN ({guard.condition}) " if guard.condition else ""
    return f"{made} FOR EACH {each} {when}EXECUTE FUNCTION {_FUNCTION}('{guard.text}')"
