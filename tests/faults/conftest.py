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

from .outside import Disk, missing_for_power, missing_for_strace
from .place import SCENARIOS, Place
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
    """The place of the scenario that the test is parametrized with, or of a copy on one disk."""
    name = getattr(request, "param", "copy on one disk")
    return Place(near, far, SCENARIOS[name])


@pytest.fixture
def trials(place, request):
    """The trials of a test; how many there were is told at the end of the test run."""
    made = Trials(place)
    yield made
    kind = request.node.originalname.removeprefix("test_").replace("_", " ")
    request.node.user_properties.append((TOLD, (kind, made.points, len(made.violations))))


@pytest.fixture
def sampled(request):
    """A seeded choice of points, in their order; all of them with `--faults all`."""

    def choose(points, number):
        points = list(points)
        if request.config.getoption("--faults") == "all" or number >= len(points):
            return points
        generator = random.Random(
            f"{request.config.getoption('--faults-seed')} {request.node.name}"
        )
        chosen = set(generator.sample(range(len(points)), number))
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
def strace():
    if missing := missing_for_strace():
        pytest.skip(missing)


@pytest.fixture
def trials_on_disk(trials, disk):
    """The same trials, with the library (and a source beside it) on that disk."""
    trials.place.near = disk.path / "near"
    return trials
