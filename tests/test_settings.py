"""A wrong setting is refused by its name, with what is wrong and what to write."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from photonest import env
from tests.conftest import ROOT

CASES = [
    ("PHOTONEST_HOME", "relative/path", "not an absolute path"),
    ("PHOTONEST_LIBRARY", "/etc/passwd", "not a directory"),
    ("PHOTONEST_LIBRARY", f"/{'x' * 300}", "a name that is too long"),
    ("PHOTONEST_SOURCES", "/srv/inbox:cards", "not an absolute path"),
    ("DATABASE_URL", "mysql://localhost/photos", "not supported"),
    ("CELERY_BROKER_URL", "sqs://key:secret@", "'sqs', which is not supported"),
    ("PHOTONEST_WORKERS", "many", "no number from 1"),
    ("PHOTONEST_TIME_ZONE", "Mars/Olympus", "no known time zone"),
    ("PHOTONEST_QUIET_TIME", "soon", "no number of seconds from 0 to 600"),
    ("PHOTONEST_METRICS_TOKEN", "short", "shorter than 16"),
    ("PHOTONEST_ALERT_EMAILS", "ada@example.org,bob", "'bob', which is no address"),
    ("PHOTONEST_EMAIL_URL", "http://mail", "begins with 'http'"),
    ("PHOTONEST_EMAIL_FROM", "somebody", "no address"),
    ("PHOTONEST_ALERT_WEBHOOK", "ftp://hooks.example.org/", "no address that begins with http"),
    ("PHOTONEST_ALERT_WEBHOOK_SECRET", "short", "shorter than 16"),
    ("PHOTONEST_ALERT_HOSTS", "chat.lan,10.0.0.1/8", "neither a host nor a network"),
    ("PHOTONEST_DEBUG", "perhaps", "neither yes nor no"),
]


@pytest.mark.parametrize(("name", "value", "problem"), CASES, ids=[name for name, *_ in CASES])
def test_a_wrong_value_is_refused_by_name(name, value, problem, tmp_path):
    environment = os.environ | {"PHOTONEST_HOME": str(tmp_path)} | {name: value}

    done = subprocess.run(
        [sys.executable, "manage.py", "import_status"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert name in last
    assert problem in last
    assert "Write" in last or "Name" in last
    assert os.listdir(tmp_path) in ([], ["secret_key"])


def test_a_library_whose_disk_fails_is_no_wrong_setting(tmp_path, monkeypatch):
    """Else no command would start, and none could tell what is wrong."""

    def fail(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(Path, "exists", fail)

    assert env.library(tmp_path) == tmp_path / "library"
