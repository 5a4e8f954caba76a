"""Starts the decoder for one open file, and gives its outcome whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from ..errors import ErrorCode

CHILD = os.path.join(os.path.dirname(__file__), "child.py")
WALL_S = 8.0  # the browser waits for ten
OUTPUT_BYTES = 2 << 20
# It shall not know what this process knows.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2"} | {
    name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ
}


def decode(fd: int) -> bytes:
    """The output of child.py for an open regular file; never raises for what the file does to it."""
    output = os.memfd_create("thumbnail", os.MFD_CLOEXEC)
    try:
        process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", CHILD],
            stdin=fd,
            stdout=output,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
        )
        status = _wait(process)
        told = os.pread(output, OUTPUT_BYTES, 0)
    finally:
        os.close(output)
    return told if status == 0 and told else _died(status)


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit status; None when it was ended because it took too long."""
    try:
        return process.wait(WALL_S)
    except subprocess.TimeoutExpired:
        process.kill()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        pass  # it waits for a dead disk, and ends with it
    return None


def _died(status: int | None) -> bytes:
    if status is None or status == -signal.SIGXCPU:
        return outcome(ErrorCode.TIME_LIMIT, "The decoder took too long.")
    if status < 0:
        return outcome(ErrorCode.POISON, f"The decoder was ended by {_named(-status)}.")
    return outcome(ErrorCode.IMAGE_TOO_LARGE, "The decoder had not memory enough.")


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def outcome(code: str, detail: str) -> bytes:
    """In the form in which the decoder itself tells of one."""
    return json.dumps({"code": code, "detail": detail}).encode() + b"\n"
