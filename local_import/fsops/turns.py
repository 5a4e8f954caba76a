"""Taking turns: a lock between the processes of one host that ends with its holder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def turn(path: bytes) -> Iterator[None]:
    """Hold the lock file exclusively; waits as long as another process holds it.

    The kernel wakes the next one at once, and releases the lock when its holder dies.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
