"""Every boundary at which an import can be cut off: before a file effect, before a statement that
writes, before and after each commit."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from local_import.fsops import effects

_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|WITH v\()", re.IGNORECASE)
Act = Callable[[int, str], None]


def nothing(number: int, name: str) -> None:
    """The act of a dry run, which only counts."""


class Boundaries:
    """Counts the boundaries that are passed, and calls `act(number, name)` at each.

    Meant for a child process: it is never taken away again.
    """

    def __init__(self, act: Act = nothing) -> None:
        self.names: list[str] = []
        self._act = act

    def reach(self, name: str) -> None:
        self.names.append(name)
        self._act(len(self.names), name)

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
        self.reach(f"statement {sql[:200]}")
        done = execute(sql, params, many, context)
        if not connection.in_atomic_block:
            self.reach("after a statement that commits itself")
        return done


def is_effect(name: str) -> bool:
    """Whether the boundary lies before a file effect."""
    return name.partition(" ")[0] not in ("statement", "before", "after")


def kill(number: int) -> Act:
    """Die by SIGKILL at the boundary of that number."""

    def act(reached: int, name: str) -> None:
        if reached == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def fail(number: int, errno: int, *, for_good: bool = False) -> Act:
    """Let the file effect of that number fail; `for_good`: and all that follow."""
    effects_seen = 0

    def act(reached: int, name: str) -> None:
        nonlocal effects_seen
        if not is_effect(name):
            return
        effects_seen += 1
        if effects_seen == number or (for_good and effects_seen > number):
            raise OSError(errno, os.strerror(errno), name)

    return act
