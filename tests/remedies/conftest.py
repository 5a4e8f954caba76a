"""A scene for a fault, where this machine lets one be made."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .scene import NOBODY, Scene, drop_to


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
