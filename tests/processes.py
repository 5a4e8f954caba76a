"""Waiting for real processes, and ending them."""

import os
import signal
import time

import psutil


def wait_for(truth, seconds=30):
    ends = time.monotonic() + seconds
    while not (found := truth()):
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)
    return found


def kill(process):
    """The worker with all its processes, at once."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def is_alive(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
