"""What belongs together in the audit log: rows carry the id of the request, and of the task that does it.

Where several are within each other, the innermost counts: what an operation does belongs to the
operation, and not to the page on which it was asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[tuple[str, str]] = ContextVar("correlation", default=("", ""))


def new_id(kind: str) -> str:
    """An id that nothing else has, such as page-5f0c1d9be2a4."""
    return f"{kind}-{secrets.token_hex(6)}"


def current() -> tuple[str, str]:
    """Of the request and of the task; empty where there is none."""
    return _current.get()


@contextmanager
def correlated(*, request_id: str = "", task_id: str = "") -> Iterator[None]:
    """Within, rows of the audit log carry these ids; an empty one leaves the one that is there."""
    request, task = _current.get()
    token = _current.set((request_id or request, task_id or task))
    try:
        yield
    finally:
        _current.reset(token)
