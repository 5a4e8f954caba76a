"""Transactions that lose a race politely, and the database's own clock."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import QuerySet

from . import fsops

T = TypeVar("T")

ATTEMPTS = 6
FIRST_WAIT_S = 0.05
# Source: PostgreSQL manual, appendix A: serialization failure, deadlock, lock not available.
_PASSING_SQLSTATES = frozenset({"40001", "40P01", "55P03"})


def in_transaction(work: Callable[[], T]) -> T:
    """Run `work` in a transaction; repeat it when the database was only busy.

    Deadlock, serialization failure and "database is locked" are tried again up to ATTEMPTS times,
    with exponential backoff and full jitter. Inside another transaction nothing is repeated: what
    was done before in it would be lost, so the outermost caller decides.
    """
    if connection.in_atomic_block:
        with transaction.atomic():
            return work()
    for attempt in range(ATTEMPTS):
        try:
            with _turn(), transaction.atomic():
                return work()
        except DatabaseError as error:
            if not is_passing(error) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, FIRST_WAIT_S * 2**attempt))  # noqa: S311 - jitter
    raise AssertionError("unreachable")


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is read within is of one moment, and nobody is kept from writing meanwhile.

    Inside another transaction its own rules hold.
    """
    if connection.in_atomic_block:
        yield
        return
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]


def _turn() -> AbstractContextManager[None]:
    """SQLite has one writer at a time, and those who wait for it sleep up to 100 ms in between.

    Waiting at a lock file instead, the next one is woken at once. Correctness does not rest on it.
    """
    path = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or "memory" in path:
        return nullcontext()
    return fsops.turn(os.fsencode(f"{path}-turn"))


def hold_unchanged(rows: QuerySet[Any, Any]) -> bool:
    """Keep the rows as they are until this transaction ends; returns whether there are any.

    Whoever changes one waits, and whoever holds it likewise does not: FOR SHARE, for which Django has
    no name. A row that was just being changed counts as it is afterwards. On SQLite the transaction
    itself does as much.
    """
    if connection.vendor != "postgresql":
        return rows.exists()
    sql, parameters = rows.values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} FOR SHARE", parameters)
        return bool(cursor.fetchall())


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed a moment later."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _PASSING_SQLSTATES:
        return True
    return isinstance(error, OperationalError) and "locked" in str(error)


def database_now() -> datetime:
    """The time by the database's clock, UTC: leases of many hosts are compared with it."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT STRFTIME('%Y-%m-%dT%H:%M:%f+00:00', 'NOW')")
            return datetime.fromisoformat(cursor.fetchone()[0])
        cursor.execute("SELECT STATEMENT_TIMESTAMP()")
        moment: datetime = cursor.fetchone()[0]
        return moment
