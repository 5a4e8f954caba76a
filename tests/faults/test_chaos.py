"""Many workers on one session, and again and again one of their processes is killed or stands
still: every file comes to rest, none twice, and the session closes soon after its last file."""

import contextlib
import json
import os
import random
import time
from datetime import datetime

import psutil
import pytest
from django.db import connection

from tests.photos import jpeg
from tests.processes import is_alive, kill
from tests.test_import_photos import assert_library_is_true

from .conftest import TOLD

LOOK_EVERY_S = 1.0
SWEEP_EVERY_S = 5.0  # beat's 30 seconds are shortened, so that the sample is
CLOSED_WITHIN_S = 35
BASE = jpeg(1)
OURS = ["--without-gossip", "--without-mingle"]


class Fleet:
    """Celery workers that are started again when they die, as supervisord does."""

    def __init__(self, start, number, processes):
        self._start, self._options = start, ["-c", str(processes), *OURS]
        self.workers = [self._start(*self._options) for _ in range(number)]

    def tend(self):
        for place, worker in enumerate(self.workers):
            if worker.poll() is not None:
                self.workers[place] = self._start(*self._options)

    def processes(self):
        found = []
        for worker in self.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(worker.pid)
                found += [process, *process.children()]
        return [process for process in found if is_alive(process)]

    def end(self):
        for worker in self.workers:
            kill(worker)


def harm(process, dice):
    """SIGKILL, or SIGSTOP; who stands still is returned."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if dice.random() < 0.6:
            process.kill()
            return []
        process.suspend()
        return [process]
    return []


def go_on(standing):
    for process in standing:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def is_at_rest(desk):
    return desk.status()["state"] in ("imported", "failed", "error")


@pytest.fixture
def fleet(desk, request):
    if connection.vendor == "postgresql":
        redis = request.getfixturevalue("redis")
        desk.environment["CELERY_BROKER_URL"] = f"redis+socket://{redis.socket_file}"
    logs = []

    def start(*arguments):
        log = (desk.home / f"worker-{len(logs)}.log").open("wb")
        logs.append(log)
        return desk.start_worker(*arguments, stdout=log)

    number, processes = (4, 2) if connection.vendor == "postgresql" else (2, 1)
    made = Fleet(start, number, processes)
    yield made
    made.end()
    for log in logs:
        log.close()


def test_workers_that_are_killed_and_stopped_all_the_time_lose_and_double_nothing(
    desk, inbox, fleet, request
):
    wants_all = request.config.getoption("--faults") == "all"
    photos, every_s, most = (40_000, 2.0, 10_000) if wants_all else (6000, 0.3, 8)
    for number in range(photos):
        (inbox / f"{number}.jpg").write_bytes(BASE + b"%d" % number)
    dice = random.Random(f"{request.config.getoption('--faults-seed')} chaos")
    desk.import_photos(str(inbox), "--background", "--mode", "move")

    harmed = live_through(desk, fleet, dice, every_s, most)

    done = desk.status()
    request.node.user_properties.append((TOLD, ("chaos: workers killed or stopped", harmed, 0)))
    assert (done["state"], done["counts"]["imported"]) == ("imported", photos), done["failures"][:3]
    assert os.listdir(inbox) == []
    assert_library_is_true(desk, desk.items(1))
    assert seconds_until_closed(desk) <= CLOSED_WITHIN_S
    for log in desk.home.glob("worker-*.log"):
        text = log.read_bytes()
        assert b"deadlock detected" not in text and b"database is locked" not in text


def live_through(desk, fleet, dice, every_s, most):
    """Harm a process every so often, `most` times at most, until the session is at rest; returns how
    many were harmed."""
    harmed, standing = 0, []
    ends = time.monotonic() + 1800
    looked = swept = time.monotonic()
    while time.monotonic() < ends:
        time.sleep(every_s)
        go_on(standing)
        fleet.tend()
        if harmed < most:
            standing = harm(dice.choice(fleet.processes()), dice)
            harmed += 1
        if time.monotonic() > swept + SWEEP_EVERY_S:
            desk.call("local_import.sweep")
            swept = time.monotonic()
        if time.monotonic() > looked + LOOK_EVERY_S:
            if is_at_rest(desk):
                break
            looked = time.monotonic()
    go_on(standing)
    return harmed


def seconds_until_closed(desk):
    """From the last transition of an item to the session's own last one."""
    done = desk.manage("audit_log", "--session", "1", "--category", "state_transition", "--json")
    rows = json.loads(done.stdout)
    closed = next(row for row in rows if row["action"] in ("session.finish", "session.fail"))
    last = next(row for row in rows if row["action"].startswith("item."))
    moments = [datetime.fromisoformat(row["timestamp"]) for row in (last, closed)]
    return (moments[1] - moments[0]).total_seconds()
