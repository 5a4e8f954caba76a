"""Who this process is, and whether another one is still alive."""

from __future__ import annotations

import os
import socket

import psutil


def identity() -> str:
    """host:pid:start; the start time (whole seconds) tells a process from a later one of its pid."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(psutil.Process().create_time())}"


def is_provably_dead(owner: str) -> bool:
    """True only for a process of this host that does not exist any more; never a guess."""
    host, pid, started = [*owner.rsplit(":", 2), "", ""][:3]
    if host != socket.gethostname() or not (pid.isdecimal() and started.isdecimal()):
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
