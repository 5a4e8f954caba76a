"""A child process that may be killed: forked from a warm parent without database connections."""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections

PATIENCE_S = 20


class Hung(BaseException):
    """A child came to no end; its traceback says where."""


def _hang(*_: object) -> None:
    raise Hung(f"The child did not end within {PATIENCE_S} s.")


@dataclass(frozen=True)
class Ending:
    """How a child came to its end."""

    killed: bool
    result: Any = None
    error: str = ""  # the traceback of an exception that nobody caught


class Child:
    def __init__(self, work: Callable[[], Any]) -> None:
        connections.close_all()
        self._answer = tempfile.TemporaryFile()  # noqa: SIM115 - read after the child's end
        with warnings.catch_warnings():
            # Threads of the test runner hold no lock that the child needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            self._live(work)

    def _live(self, work: Callable[[], Any]) -> None:
        status = 1
        try:
            signal.signal(signal.SIGALRM, _hang)
            signal.alarm(PATIENCE_S)
            self._write(("result", work()))
            status = 0
        except BaseException:
            self._write(("error", traceback.format_exc()))
        finally:
            os._exit(status)

    def _write(self, answer: tuple[str, Any]) -> None:
        os.pwrite(self._answer.fileno(), pickle.dumps(answer), 0)

    def until_stopped(self) -> bool:
        """Wait until the child stops itself; False when it came to its end before."""
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            return True
        self._status = status
        return False

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def has_ended(self, within_s: float) -> bool:
        """Wait a little for the end of a child that may have to wait for another one."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
                return True
            time.sleep(0.005)
        return False

    def end(self) -> Ending:
        if not hasattr(self, "_status"):
            _, self._status = os.waitpid(self.pid, 0)
        with self._answer:
            self._answer.seek(0)
            kind, value = pickle.loads(self._answer.read() or pickle.dumps(("", None)))  # noqa: S301
        if os.WIFSIGNALED(self._status):
            return Ending(True)
        return Ending(False, **{kind: value} if kind else {})


def in_child(work: Callable[[], Any]) -> Ending:
    return Child(work).end()
