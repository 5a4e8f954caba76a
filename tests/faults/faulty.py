"""A machine that is not as it should be: a disk that misreads, a sync or a clock that is wrong."""

from __future__ import annotations

import os
from ctypes import CDLL
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from local_import.fsops import Tree, comparing, effects, reading


def flip_a_bit(number: int) -> None:
    """From now on, the n-th time that a file is read one bit of it is another."""
    read, count = reading._read_all, 0

    def misread(fd: int, size: int) -> bytes:
        nonlocal count
        count += 1
        data = read(fd, size)
        if count != number or not data:
            return data
        return data[:-1] + bytes([data[-1] ^ 1])

    reading._read_all = misread


def fail_to_read(number: int, errno: int, for_good: bool) -> list[bytes]:
    """From now on, the n-th file that is read to be compared cannot be; `for_good`: nor any after it.

    Returns the paths that could not be read, as they come.
    """
    read, count = comparing.digest, 0
    refused: list[bytes] = []

    def refuse(tree: Tree, path: bytes, **options: Any) -> tuple[str, int]:
        nonlocal count
        count += 1
        if count == number or (for_good and count > number):
            refused.append(path)
            raise OSError(errno, os.strerror(errno), tree.full(path))
        return read(tree, path, **options)

    comparing.digest = refuse
    return refused


def set_clock_back() -> None:
    """This process believes that it is two hours earlier."""
    now = timezone.now

    def slow() -> datetime:
        return now() - timedelta(hours=2)

    timezone.now = slow


class _Obliging:
    """The C library, in which syncfs(2) has no error to report."""

    def __init__(self, libc: CDLL) -> None:
        self._libc = libc

    def __getattr__(self, name: str) -> Any:
        return getattr(self._libc, name)

    def syncfs(self, fd: int) -> int:
        self._libc.syncfs(fd)
        return 0


def let_every_sync_succeed() -> None:
    """As it does on a filesystem that was shut down, to kernels that are not the newest."""
    effects._libc = _Obliging(effects._libc)  # type: ignore[assignment]
