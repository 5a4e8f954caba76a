"""Every boundary at which an import can be cut off: before a file effect, before a statement that
writes, before and after each commit."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from local_import.fsops import effects

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH v\()", re.IGNORECASE)


class Boundary(NamedTuple):
    number: int
    name: str
    holds_lock: bool  # of the database: others wait as long as this process stands here


Act = Callable[[Boundary], None]


def nothing(boundary: Boundary) -> None:
    """The act of a dry run, which only counts."""


class Boundaries:
    """Counts the boundaries that are passed, and calls `act` at each.

    Meant for a child process: it is never taken away again.
    """

    def __init__(self, act: Act = nothing) -> None:
        self.passed: list[Boundary] = []
        self._act = act

    def reach(self, name: str) -> None:
        held = connection.in_atomic_block or name == "before commit"
        # On SQLite, the turn to write is still held just after a commit.
        held = held or (name == "after commit" and connection.vendor == "sqlite")
        boundary = Boundary(len(self.passed) + 1, name, held)
        self.passed.append(boundary)
        self._act(boundary)

    def watch(self) -> Boundaries:
        effects.fault_point = lambda effect, path: self.reach(f"{effect} {os.fsdecode(path)}")
        connection.execute_wrappers.append(self._statement)
        commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

        def reaching(wrapper: BaseDatabaseWrapper) -> Any:
            self.reach("before commit")
            done = commit(wrapper)
            self.reach("after commit")
            return done

        BaseDatabaseWrapper._commit = reaching  # type: ignore[attr-defined]
        return self

    def _statement(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not _WRITES.match(sql):
            return execute(sql, params, many, context)
        self.reach(f"statement {_short(sql)}")
        done = execute(sql, params, many, context)
        if not connection.in_atomic_block:
            self.reach("after a statement that commits itself")
        return done


def _short(sql: str) -> str:
    """The verb and the table of a statement."""
    found = re.search(r'(INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql)
    return " ".join(found.groups()) if found else sql[:40]


def is_effect(name: str) -> bool:
    """Whether the boundary lies before a file effect."""
    return name.partition(" ")[0] not in ("statement", "before", "after")


def kill(number: int) -> Act:
    """Die by SIGKILL at the boundary of that number."""

    def act(at: Boundary) -> None:
        if at.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def fail(number: int, errno: int, for_good: bool) -> Act:
    """Let the file effect at the boundary of that number fail; `for_good`: and all that follow."""

    def act(at: Boundary) -> None:
        if is_effect(at.name) and (at.number == number or (for_good and at.number > number)):
            raise OSError(errno, os.strerror(errno), at.name)

    return act


def stop(number: int) -> Act:
    """Stand still by SIGSTOP, until somebody sends SIGCONT, at the boundary of that number, or at the
    first after it where no lock of the database is held."""
    left = [number]

    def act(at: Boundary) -> None:
        if left and at.number >= left[0] and not at.holds_lock:
            left.clear()
            os.kill(os.getpid(), signal.SIGSTOP)

    return act


def stand_still(number: int) -> Act:
    """Stop at the boundary of that number, whatever is held: nobody else is there."""
    return call(number, lambda: os.kill(os.getpid(), signal.SIGSTOP))


def call(number: int, what: Callable[[], object]) -> Act:
    """Let something happen at the boundary of that number."""

    def act(at: Boundary) -> None:
        if at.number == number:
            what()

    return act


def cut_connection() -> None:
    """The server ends this process' connection, as on a restart of PostgreSQL."""
    backend = connection.connection.info.backend_pid
    with connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
