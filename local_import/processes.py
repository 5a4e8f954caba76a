"""Who this process is, whether another one is still alive, and a sign that children see."""

from __future__ import annotations

import mmap
import os
import socket

import psutil


class StopSign:
    """A sign that a process and the children that it forks all see; it also stands for orphans.

    Shared memory without a lock: a child that is killed while it looks cannot block the others.
    """

    def __init__(self) -> None:
        self._sign = mmap.mmap(-1, 1)
        self._maker = os.getpid()

    def set(self) -> None:
        self._sign[0] = 1

    def is_set(self) -> bool:
        orphaned = self._maker not in (os.getpid(), os.getppid())
        return bool(self._sign[0]) or orphaned


def host() -> str:
    return socket.gethostname()


def identity(role: str = "") -> str:
    """host:pid:start; the start time (whole seconds) tells a process from a later one of its pid.

    With a role, role@host:pid:start: what a process holds so is apart from what else it holds.
    """
    me = f"{host()}:{os.getpid()}:{int(psutil.Process().create_time())}"
    return f"{role}@{me}" if role else me


def free_memory() -> tuple[int, int]:
    """Bytes of memory that are free for programs, and how many the machine has."""
    found = psutil.virtual_memory()
    return found.available, found.total


def writers_of(path: bytes) -> list[tuple[int, str]]:
    """Process id and name of those that have the file open for writing, as far as we may look."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            files = process.open_files()
        except (psutil.Error, OSError):
            continue
        if any(os.fsencode(f.path) == path and f.mode != "r" for f in files):
            found.append((process.pid, str(process.info["name"])))
    return found


def is_provably_dead(owner: str) -> bool:
    """True only for a process of this host that does not exist any more; never a guess."""
    host, pid, started = [*owner.rsplit(":", 2), "", ""][:3]
    if host.rpartition("@")[2] != socket.gethostname() or not (
        pid.isdecimal() and started.isdecimal()
    ):
        return False
    try:
        process = psutil.Process(int(pid))
        return abs(int(process.create_time()) - int(started)) > 1 or (
            process.status() == psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
