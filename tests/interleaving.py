"""Two transactions on two connections, one of which stands still at a chosen statement.

What happens between a look at a row and the write that rests on it is made to happen just there.
"""

import re
import threading
import time
from typing import Any

from django.db import connection

PATIENCE_S = 20
# SQLite has one writer: whoever comes second waits, and cannot be seen doing so. Nothing rests on it.
LONG_ENOUGH_S = 0.3


class Strand:
    """A thread with a connection of its own; it stops before the first statement that matches."""

    def __init__(self, work, before=""):
        self.result: Any = None
        self.error: BaseException | None = None
        self._before = re.compile(before, re.IGNORECASE) if before else None
        self._reached, self._may_go = threading.Event(), threading.Event()
        self._ended, self.backend = threading.Event(), None
        self._thread = threading.Thread(target=self._live, args=(work,), daemon=True)
        self._thread.start()

    def _live(self, work):
        try:
            connection.ensure_connection()
            if connection.vendor == "postgresql":
                self.backend = connection.connection.info.backend_pid
            with connection.execute_wrapper(self._watch):
                self.result = work()
        except BaseException as error:
            self.error = error
        finally:
            self._ended.set()
            self._reached.set()
            connection.close()

    def _watch(self, execute, sql, params, many, context):
        if self._before and not self._reached.is_set() and self._before.search(sql):
            self._reached.set()
            assert self._may_go.wait(PATIENCE_S)
        return execute(sql, params, many, context)

    def until_reached(self):
        """Raises AssertionError where the thread comes to its end without such a statement."""
        assert self._reached.wait(PATIENCE_S)
        assert not self._ended.is_set(), f"no statement matches: {self.error!r}"

    def until_it_waits_or_ends(self):
        if connection.vendor == "sqlite":
            self._ended.wait(LONG_ENOUGH_S)
            return
        until = time.monotonic() + PATIENCE_S
        while not self._ended.wait(0.01) and not self._waits_for_a_lock():
            assert time.monotonic() < until

    def _waits_for_a_lock(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'",
                [self.backend],
            )
            return cursor.fetchone() is not None

    def end(self):
        """The result; raises what the work has raised."""
        self._may_go.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        return self.result


def interleave(first, before, second):
    """Let `second` come in just before a statement of `first`; returns what both of them return."""
    one = Strand(first, before)
    one.until_reached()
    other = Strand(second)
    other.until_it_waits_or_ends()
    return one.end(), other.end()
