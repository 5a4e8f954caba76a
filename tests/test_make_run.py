"""What `make run` starts is restarted when it dies, and all of it ends with Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from django.db import connection

from tests.conftest import ROOT
from tests.test_background import is_alive

SUPERVISORD = Path(sys.executable).with_name("supervisord")
KINDS = ("gunicorn", "worker", "beat")

pytestmark = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="the database plays no part in it; once is enough"
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def command_line(process):
    """Empty for one that has just died."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # or a zombie, which is one of these
        return ""


def children(process):
    """The three programs by kind, as far as they run."""
    lines = [(child, line) for child in process.children() if (line := command_line(child))]
    return {kind: child for kind in KINDS for child, line in lines if f"{kind} " in line}


def are_new(before, after):
    """Whether all three are there, and those that were killed are other processes than before."""
    return len(after) == 3 and all(after[kind] != before[kind] for kind in ("worker", "beat"))


def wait_for(truth, seconds=20):
    ends = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


def test_a_program_that_died_is_restarted_and_ctrl_c_ends_them_all(desk, tmp_path):
    environment = desk.environment | {"ADDRESS": f"127.0.0.1:{free_port()}"}
    command = [str(SUPERVISORD), "-c", "supervisord.conf", "--pidfile", str(tmp_path / "pid")]
    with (tmp_path / "output").open("wb") as output:
        started = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    supervisor = psutil.Process(started.pid)
    try:
        wait_for(lambda: len(children(supervisor)) == 3)
        wait_for(lambda: len(children(supervisor)["worker"].children()) >= 1)
        before = children(supervisor)
        orphans = before["worker"].children()
        before["worker"].kill()
        before["beat"].kill()
        wait_for(lambda: are_new(before, children(supervisor)))
        after = children(supervisor)
        wait_for(lambda: len(after["worker"].children()) >= 1)
        everyone = supervisor.children(recursive=True)
        wait_for(lambda: not any(map(is_alive, orphans)))

        os.kill(started.pid, signal.SIGINT)
        started.wait(timeout=60)

        assert after["gunicorn"] == before["gunicorn"]
        assert not any(map(is_alive, everyone))
    finally:
        for process in (
            (*supervisor.children(recursive=True), supervisor) if started.poll() is None else ()
        ):
            process.kill()
        started.wait()
