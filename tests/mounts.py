"""Bind mounts for tests, where the system lets them be made."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@cache
def missing_for_binds() -> str:
    """What a bind mount would need here, in words; empty when it works."""
    if os.geteuid() != 0:
        return "a bind mount needs root"
    with tempfile.TemporaryDirectory() as path:
        try:
            with bound(Path(path), Path(path)):
                return ""
        except subprocess.CalledProcessError as error:
            return f"no bind mount can be made here: {error.stderr.decode().strip()}"


@contextmanager
def bound(what: Path, where: Path) -> Iterator[Path]:
    """The directory stands at another place, too, until the block is left."""
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(what), str(where)], check=True, capture_output=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)
