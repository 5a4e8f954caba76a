"""The laboratory's own database, and two filesystems to work on."""

import contextlib
import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest
from django.db import connection, connections

from tests.conftest import _execute

from .outside import Disk, Memory, missing_for_memory, missing_for_power, missing_for_strace
from .place import ALONE, SCENARIOS, Place
from .trial import Trials

TOLD = "faults"  # see tests/plugin.py


@pytest.fixture(scope="session")
def near():
    """A directory in memory: a kill cannot tell it from a disk, and it is fast."""
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="faults-") as path:
        yield Path(path)


@pytest.fixture(scope="session")
def far(tmp_path_factory, near):
    path = tmp_path_factory.mktemp("far")
    if path.stat().st_dev == near.stat().st_dev:
        pytest.skip(f"needs two filesystems: {path} lies on that of /dev/shm")
    return path


@pytest.fixture(scope="session")
def laboratory_database(migrated_database, near, django_db_blocker):
    if connection.vendor == "sqlite":
        yield str(shutil.copy(migrated_database, near / "laboratory.sqlite3"))
        return
    name = f"laboratory_{os.getpid()}"
    with django_db_blocker.unblock():
        _execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_database}"')
        # A client that dies cannot tell the difference, and the trials need not wait for a disk.
        _execute(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
        yield name
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def laboratory(laboratory_database, django_db_blocker, settings):
    """The rows of this test are real: committed, in a database of the laboratory's own."""
    settings.PHOTONEST_LIBRARY = None
    with django_db_blocker.unblock(), _connected_to(laboratory_database):
        yield


@contextlib.contextmanager
def _connected_to(name):
    held = connections["default"]
    configured = connections.settings["default"]
    connections.settings["default"] = {**configured, "NAME": name}
    connections["default"] = connections.create_connection("default")
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = configured
        connections["default"] = held


@pytest.fixture
def place(laboratory, near, far, request):
    """The place of the scenario that the test is parametrized with."""
    return Place(near, far, (SCENARIOS | {ALONE.name: ALONE})[request.param])


@pytest.fixture
def trials(place, request):
    """The trials of a test; how many there were is told at the end of the test run."""
    made = Trials(place)
    yield made
    kind = request.node.originalname.removeprefix("test_").replace("_", " ")
    request.node.user_properties.append((TOLD, (kind, made.points, len(made.violations))))


@pytest.fixture
def sampled(request):
    """A seeded choice of points, in their order: a few of them, or most with `--faults all`.

    `most` is given where the points are pairs, of which there are too many to try them all.
    """
    wants_all = request.config.getoption("--faults") == "all"
    seed = f"{request.config.getoption('--faults-seed')} {request.node.name}"

    def choose(points, few, most=1_000_000):
        points = list(points)
        number = min(most if wants_all else few, len(points))
        chosen = set(random.Random(seed).sample(range(len(points)), number))
        return [point for index, point in enumerate(points) if index in chosen]

    return choose


@pytest.fixture(scope="session")
def disk():
    """An ext4 that can lose its power."""
    if missing := missing_for_power():
        pytest.skip(missing)
    with Disk.made() as made:
        yield made


@pytest.fixture(scope="session")
def memory():
    """A filesystem that can be full."""
    if missing := missing_for_memory():
        pytest.skip(missing)
    with Memory.made() as made:
        yield made


@pytest.fixture(scope="session")
def strace():
    if missing := missing_for_strace():
        pytest.skip(missing)
