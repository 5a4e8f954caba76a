"""Disks that are full, away, or closed."""

from __future__ import annotations

import os
import subprocess

from tests.photos import jpeg

from .fault import Fault
from .faults_of_permission import found_as_damaged
from .scene import Scene

BALLAST = "ballast"


def a_library_without_room(scene: Scene) -> None:
    scene.mount(scene.library, "size=3m")
    scene.put()
    with (scene.library / BALLAST).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2_900_000)
    scene.start()


def a_library_without_inodes(scene: Scene) -> None:
    scene.mount(scene.library, "size=8m", "nr_inodes=20")
    found_as_damaged(scene)
    (scene.library / BALLAST).mkdir()
    for number in range(os.statvfs(scene.library).f_favail):
        (scene.library / BALLAST / str(number)).touch()
    scene.resume()


def make_room(scene: Scene) -> None:
    subprocess.run(["rm", "-r", str(scene.library / BALLAST)], check=True)


def a_library_that_became_read_only(scene: Scene) -> None:
    scene.mount(scene.library)
    found_as_damaged(scene)
    subprocess.run(["mount", "-o", "remount,ro", str(scene.library)], check=True)
    scene.resume()


FAULTS = (
    Fault("disk_full", a_library_without_room, {"make_room": make_room}),
    Fault("inodes_exhausted", a_library_without_inodes, {"remove_files": make_room}),
    Fault("read_only_filesystem", a_library_that_became_read_only),
)
_ = jpeg
