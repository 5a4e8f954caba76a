"""For each fault: it is diagnosed rightly, and its action, taken literally, cures it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from . import (
    faults_of_permission,
    faults_of_processes,
    faults_of_requests,
    faults_of_sources,
    faults_of_storage,
)
from .operator import follow
from .scene import NOBODY, Scene, drop_to

FAULTS = (
    *faults_of_permission.FAULTS,
    *faults_of_sources.FAULTS,
    *faults_of_storage.FAULTS,
    *faults_of_processes.FAULTS,
    *faults_of_requests.FAULTS,
)


def missing_for_faults() -> str:
    """What these faults would need here, in words; empty when all of them can be made."""
    if os.geteuid() != 0:
        return "mounting disks and dropping privileges needs root"
    tried = subprocess.run(
        [*drop_to(NOBODY), sys.executable, "-c", "import django"], capture_output=True
    )
    return f"privileges cannot be dropped: {tried.stderr.decode()}" if tried.returncode else ""


@pytest.fixture
def scene(desk):
    """In a directory that everybody may enter: pytest closes its own to all but one user."""
    if missing := missing_for_faults():
        pytest.skip(missing)
    with contextlib.ExitStack() as later:
        root = Path(later.enter_context(tempfile.TemporaryDirectory(prefix="remedies-")))
        root.chmod(0o755)
        shutil.copytree(desk.home, root / "home")
        url = desk.environment["DATABASE_URL"].replace(str(desk.home), str(root / "home"))
        photos = root / "inbox" / "photos"
        photos.mkdir(parents=True)
        yield Scene(root / "home", photos, url, later)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_first_action_cures_the_fault(scene, fault):
    fault.make(scene)

    failure = next(iter(scene.failures()))
    assert failure["code"] == fault.code, failure
    assert failure["seen"] and failure["seen_at"], failure
    if not fault.fleeting:
        assert all(entry["gone"] is not True for entry in scene.recheck()), scene.recheck()
    follow(scene, failure["actions"][fault.cure], fault.hands)

    assert scene.ending() == fault.ends, (scene.said[-1:], failure["actions"], scene.failures())
    assert scene.recheck() == []


def test_nine_of_ten_faults_are_cured_by_the_first_action():
    cured_first = sum(fault.cure == 0 for fault in FAULTS)

    assert cured_first / len(FAULTS) >= 0.9
