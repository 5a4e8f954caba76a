"""Disks and libraries that are full, away, closed, or in two parts."""

from __future__ import annotations

import json
import os
import subprocess

from tests.photos import jpeg

from .fault import IMPORTED, Fault
from .faults_of_permission import found_as_damaged
from .faults_of_sources import DISMISSED
from .scene import Scene, move, unmount

BALLAST = "ballast"
DUPLICATE = ("skipped", "duplicate")
RESTORED = ("source_restored", "")


def a_library_without_room(scene: Scene) -> None:
    scene.mount(scene.library, "size=3m")
    scene.put()
    with (scene.library / BALLAST).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2_900_000)
    scene.start()


def a_library_without_inodes(scene: Scene) -> None:
    scene.mount(scene.library, "size=8m", "nr_inodes=20")
    found_as_damaged(scene)
    _fill_inodes(scene, left=0)
    scene.resume()


def a_library_that_runs_out_of_inodes(scene: Scene) -> None:
    """There is an inode left to prove that files can be made, and none for a new directory."""
    scene.mount(scene.library, "size=8m", "nr_inodes=20")
    found_as_damaged(scene)
    _fill_inodes(scene, left=1)
    scene.resume()


def _fill_inodes(scene: Scene, left: int) -> None:
    (scene.library / BALLAST).mkdir()
    for number in range(os.statvfs(scene.library).f_favail - left):
        (scene.library / BALLAST / str(number)).touch()


def make_room(scene: Scene) -> None:
    subprocess.run(["rm", "-r", str(scene.library / BALLAST)], check=True)


def a_library_that_became_read_only(scene: Scene) -> None:
    scene.mount(scene.library)
    found_as_damaged(scene)
    subprocess.run(["mount", "-o", "remount,ro", str(scene.library)], check=True)
    scene.resume()


def a_library_that_was_never_writable(scene: Scene) -> None:
    """Refused before there is a session."""
    scene.put()
    scene.mount(scene.library)
    subprocess.run(["mount", "-o", "remount,ro", str(scene.library)], check=True)
    scene.start()


def a_file_marked_immutable(scene: Scene) -> None:
    """Mode move cannot take away its name."""
    scene.put()
    subprocess.run(["chattr", "+i", str(scene.photo)], check=True)
    scene.later.callback(subprocess.run, ["chattr", "-i", str(scene.photo)], capture_output=True)
    scene.start("--mode", "move")


def a_directory_marked_append_only(scene: Scene) -> None:
    scene.put()
    subprocess.run(["chattr", "+a", str(scene.inbox)], check=True)
    scene.later.callback(subprocess.run, ["chattr", "-a", str(scene.inbox)])
    scene.start("--mode", "move")


def a_library_that_is_not_mounted(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene)
    move(scene.library, scene.home / "library-disk")
    scene.library.mkdir()
    scene.resume()


def connect_library(scene: Scene) -> None:
    scene.library.rmdir()  # nothing was made in the mount point
    move(scene.home / "library-disk", scene.library)


def a_library_that_was_renamed(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene)
    move(scene.library, scene.home / "library-disk")
    scene.resume()


def give_library_its_name_back(scene: Scene) -> None:
    assert not scene.library.exists()  # or it would be moved into what was made there
    move(scene.home / "library-disk", scene.library)


def a_library_with_a_year_on_another_disk(scene: Scene) -> None:
    scene.put()
    scene.mount(scene.library / "2019")
    scene.start()


def take_year_away(scene: Scene) -> None:
    unmount(scene.library / "2019")


def a_library_file_with_other_bytes(scene: Scene) -> None:
    file = _imported_once(scene)
    file.write_bytes(b"rotten" + file.read_bytes()[6:])
    scene.photo = scene.put(scene.photo.read_bytes(), "again.jpg")
    scene.start()


def _imported_once(scene: Scene):
    scene.put(jpeg(8))
    scene.start()
    assert scene.ending() == IMPORTED
    (item,) = scene.report()["items"]
    return scene.library / item["destination"]


def a_hard_link_of_a_file_that_the_database_has_lost(scene: Scene) -> None:
    file = _imported_once(scene)
    for target in (("local_import", "zero"), ("local_import",)):
        assert scene.desk("migrate", *target).returncode == 0
    scene.photo.unlink()
    os.link(file, scene.photo)
    scene.start()


def a_library_below_the_source(scene: Scene) -> None:
    scene.put()
    scene.put(b"", "other/.photonest-library")
    scene.put(name="other/inner.jpg")
    scene.start()


def take_library_away(scene: Scene) -> None:
    (scene.inbox / "other").rename(scene.home / "other")


def other_bytes_at_the_source(scene: Scene) -> None:
    """An undo of a move finds a new file where the old one was."""
    scene.put(jpeg(8))
    scene.start("--mode", "move")
    scene.put(jpeg(9))
    done = scene.desk("import_undo", str(scene.session), "--json")
    scene.refusal = json.loads(done.stdout)["refused"][0]


def the_only_copy_of_another_session(scene: Scene) -> None:
    """An undo finds that a duplicate was skipped for the sake of its file, and then deleted."""
    scene.put(jpeg(8))
    scene.start()
    first, photo = scene.session, scene.photo
    (scene.inbox.parent / "other").mkdir()
    scene.inbox = scene.inbox.parent / "other"
    scene.put(jpeg(8), "again.jpg")
    scene.start()
    (scene.inbox / "again.jpg").unlink()
    scene.session, scene.photo = first, photo
    done = scene.desk("import_undo", str(first), "--json")
    scene.refusal = json.loads(done.stdout)["refused"][0]


def bring_duplicate_back(scene: Scene) -> None:
    scene.put(jpeg(8), "again.jpg")


FAULTS = (
    Fault("disk_full", a_library_without_room, {"make_room": make_room}),
    Fault("inodes_exhausted", a_library_without_inodes, {"remove_files": make_room}),
    Fault("inodes_exhausted", a_library_that_runs_out_of_inodes, {"remove_files": make_room}),
    Fault("read_only_filesystem", a_library_that_became_read_only),
    Fault("read_only_filesystem", a_library_that_was_never_writable),
    Fault("immutable", a_file_marked_immutable),
    Fault("immutable", a_directory_marked_append_only),
    Fault("library_unmounted", a_library_that_is_not_mounted, {"connect_library": connect_library}),
    Fault(
        "library_unmounted",
        a_library_that_was_renamed,
        {"connect_library": give_library_its_name_back},
    ),
    Fault("library_split", a_library_with_a_year_on_another_disk, {"find_mounts": take_year_away}),
    Fault("library_file_wrong", a_library_file_with_other_bytes, ends=DUPLICATE),
    Fault("source_in_library", a_hard_link_of_a_file_that_the_database_has_lost, ends=DISMISSED),
    Fault(
        "library_overlaps_source",
        a_library_below_the_source,
        {"take_library_away": take_library_away},
    ),
    Fault("source_occupied", other_bytes_at_the_source, ends=RESTORED),
    Fault("still_needed", the_only_copy_of_another_session),
    Fault(
        "still_needed",
        the_only_copy_of_another_session,
        {"bring_duplicate_back": bring_duplicate_back},
        ends=RESTORED,
        cure=1,
    ),
    Fault("still_needed", the_only_copy_of_another_session, ends=RESTORED, cure=2),
)
