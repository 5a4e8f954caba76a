"""Owner, mode, mount and flag; the desk works as a user without privileges."""

from __future__ import annotations

import os

from tests.photos import jpeg

from .fault import Fault
from .scene import NOBODY, Scene


def a_file_of_another_user(scene: Scene) -> None:
    scene.as_stranger()
    scene.put().chmod(0o600)
    scene.start()


def a_file_of_its_own_without_rights(scene: Scene) -> None:
    scene.as_stranger()
    os.chown(scene.put(), scene.stranger, NOBODY)
    scene.photo.chmod(0)
    scene.start()


def a_file_of_its_group_without_rights(scene: Scene) -> None:
    scene.as_stranger()
    os.chown(scene.put(), 0, NOBODY)
    scene.photo.chmod(0o604)
    scene.start()


def a_directory_that_cannot_be_entered(scene: Scene) -> None:
    """Found once, then closed: the file's own mode is fine."""
    scene.as_stranger()
    found_as_damaged(scene, "closed/photo.jpg")
    scene.photo.parent.chmod(0o700)
    scene.resume()


def a_directory_above_the_source_is_closed(scene: Scene) -> None:
    scene.as_stranger()
    found_as_damaged(scene)
    scene.inbox.parent.chmod(0o700)
    scene.later.callback(scene.inbox.parent.chmod, 0o755)
    scene.resume()


def a_library_of_another_user(scene: Scene) -> None:
    scene.as_stranger()
    found_as_damaged(scene)
    os.chown(scene.library / ".incoming", 0, 0)
    scene.resume()


def a_day_of_the_library_of_another_user(scene: Scene) -> None:
    scene.as_stranger()
    scene.put()
    (scene.library / "2019/01/02").mkdir(parents=True)
    scene.give(scene.library)
    os.chown(scene.library / "2019/01/02", 0, 0)
    scene.start()


def a_source_that_may_not_let_go(scene: Scene) -> None:
    """Mode move takes the name away from a directory that may not be written."""
    scene.as_stranger()
    os.chown(scene.put(), scene.stranger, NOBODY)
    scene.start("--mode", "move")


def found_as_damaged(scene: Scene, name: str = "photo.jpg") -> None:
    """A session that knows the photo, and has not imported it: the next try meets the fault."""
    scene.photo = scene.put(jpeg(1)[:-200], name)
    scene.start()
    assert scene.ending() == ("failed", "damaged")
    scene.put(jpeg(1), name)


FAULTS = (
    Fault("permission_denied", a_file_of_another_user),
    Fault("permission_denied", a_file_of_its_own_without_rights),
    Fault("permission_denied", a_file_of_its_group_without_rights),
    Fault("permission_denied", a_directory_that_cannot_be_entered),
    Fault("permission_denied", a_directory_above_the_source_is_closed),
    Fault("library_not_writable", a_library_of_another_user),
    Fault("library_not_writable", a_day_of_the_library_of_another_user),
    Fault("permission_denied", a_source_that_may_not_let_go),
)
