"""Files that are gone, damaged, or no files at all."""

from __future__ import annotations

from .fault import Fault
from .faults_of_permission import found_as_damaged
from .scene import Scene, move


def a_file_that_was_moved_away(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene)
    move(scene.photo, scene.home / "kept")
    scene.resume()


def put_back(scene: Scene) -> None:
    move(scene.home / "kept", scene.photo)


FAULTS = (Fault("source_missing", a_file_that_was_moved_away, {"put_back": put_back}),)
