"""What was asked for cannot be done: a wrong directory, a database that is away."""

from __future__ import annotations

import json

from .fault import Fault
from .scene import Scene


def a_file_instead_of_a_directory(scene: Scene) -> None:
    scene.put()
    scene.session = 1
    done = scene.desk("import_photos", str(scene.photo), "--json")
    scene.refusal = json.loads(done.stdout)["error"]


def a_library_inside_the_source(scene: Scene) -> None:
    scene.put()
    scene.environment["PHOTONEST_LIBRARY"] = str(scene.inbox / "library")
    scene.start()


def library_elsewhere(scene: Scene) -> None:
    scene.environment["PHOTONEST_LIBRARY"] = str(scene.home / "elsewhere")
    scene.start_again()


def tables_of_another_version(scene: Scene) -> None:
    scene.put()
    assert scene.desk("migrate", "local_import", "zero").returncode == 0
    scene.start()


def a_database_that_is_away(scene: Scene) -> None:
    scene.put()
    scene.environment["DATABASE_URL"] = _away(scene.database_url)
    scene.start()


def _away(url: str) -> str:
    if url.startswith("sqlite"):
        return "sqlite:////nowhere/photonest.sqlite3"
    return f"{url.partition('?')[0]}?host=/nowhere"


def bring_database_back(scene: Scene) -> None:
    scene.environment["DATABASE_URL"] = scene.database_url


FAULTS = (
    Fault("source_not_directory", a_file_instead_of_a_directory),
    Fault("library_overlaps_source", a_library_inside_the_source, {"separate": library_elsewhere}),
    Fault("database_outdated", tables_of_another_version),
    Fault("database_unreachable", a_database_that_is_away, {"start_database": bring_database_back}),
)
