"""A desk of its own for a benchmark; on SQLite, or on the empty database that DATABASE_URL names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def new_desk(**environment: str) -> Iterator[Path]:
    """Its home directory, with Django set up and the tables made; what {home} stands for, too."""
    with tempfile.TemporaryDirectory(prefix="photonest-benchmark-") as home:
        given = {name: value.format(home=home) for name, value in environment.items()}
        given |= {"PHOTONEST_HOME": home, "PHOTONEST_QUIET_TIME": "0"}
        os.environ.update(given, DJANGO_SETTINGS_MODULE="photonest.settings")
        (Path(home) / "static").mkdir()  # WhiteNoise warns when there is none
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield Path(home)
