"""Files that are gone, changing, damaged, or no files at all."""

from __future__ import annotations

import os
import socket
import subprocess

from tests.photos import jpeg, picture

from .fault import Fault
from .faults_of_permission import found_as_damaged
from .scene import Scene, end, move, unmount

DISMISSED = ("skipped", "dismissed")


def a_file_that_was_moved_away(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene)
    move(scene.photo, scene.home / "kept")
    scene.resume()


def put_back(scene: Scene) -> None:
    move(scene.home / "kept", scene.photo)


def a_file_that_was_deleted(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene)
    scene.photo.unlink()
    scene.resume()


def a_directory_that_was_renamed(scene: Scene) -> None:
    scene.put(name="another.jpg")
    found_as_damaged(scene, "trip/photo.jpg")
    move(scene.inbox / "trip", scene.home / "trip")
    scene.resume()


def put_directory_back(scene: Scene) -> None:
    move(scene.home / "trip", scene.inbox / "trip")


def a_source_that_was_renamed(scene: Scene) -> None:
    (scene.inbox.parent / "another").mkdir()
    found_as_damaged(scene)
    move(scene.inbox, scene.home / "photos")
    scene.resume()


def put_source_back(scene: Scene) -> None:
    move(scene.home / "photos", scene.inbox)


def a_card_that_was_pulled_out(scene: Scene) -> None:
    """The source itself is the mount point."""
    _on_card(scene, scene.inbox)
    found_as_damaged(scene)
    unmount(scene.inbox)
    scene.resume()


def a_card_that_was_pulled_out_above_the_source(scene: Scene) -> None:
    _on_card(scene, scene.inbox.parent)
    scene.inbox.mkdir()
    found_as_damaged(scene)
    unmount(scene.inbox.parent)
    scene.resume()


def _on_card(scene: Scene, point) -> None:
    """A file system that is still there when it is not mounted: its image is mounted again."""
    image = scene.home / "card.img"
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-qF", "-m0", str(image)], check=True)
    _insert(scene, point)
    (point / "lost+found").rmdir()
    scene.environment["CARD"] = str(point)
    scene.later.callback(unmount, point)


def _insert(scene: Scene, point) -> None:
    subprocess.run(["mount", "-o", "loop", str(scene.home / "card.img"), str(point)], check=True)


def put_card_back(scene: Scene) -> None:
    _insert(scene, scene.environment["CARD"])


def a_link_in_place_of_the_file(scene: Scene) -> None:
    found_as_damaged(scene)
    scene.photo.unlink()
    scene.photo.symlink_to("/etc/hostname")
    scene.resume()


def another_directory_at_the_source(scene: Scene) -> None:
    found_as_damaged(scene)
    move(scene.inbox, scene.home / "photos")
    scene.put()
    scene.resume()


def put_the_first_one_back(scene: Scene) -> None:
    if scene.inbox.is_symlink():
        scene.inbox.unlink()
    else:
        move(scene.inbox, scene.home / "another")
    put_source_back(scene)


def a_link_at_the_source(scene: Scene) -> None:
    found_as_damaged(scene)
    move(scene.inbox, scene.home / "photos")
    scene.inbox.symlink_to(scene.home / "photos")
    scene.resume()


def a_pipe(scene: Scene) -> None:
    os.mkfifo(scene.photo)
    scene.start()


def a_socket(scene: Scene) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(scene.photo))
    scene.start()


def a_device(scene: Scene) -> None:
    os.mknod(scene.photo, 0o20644, os.makedev(1, 3))
    scene.start()


def a_directory_in_place_of_the_file(scene: Scene) -> None:
    found_as_damaged(scene)
    scene.photo.unlink()
    scene.photo.mkdir()
    scene.resume()


def a_file_that_grew_after_its_beginning_was_imported(scene: Scene) -> None:
    scene.put(jpeg(3))
    scene.start()
    scene.put(jpeg(3) + jpeg(4))
    scene.start()


def a_jpeg_cut_in_the_middle(scene: Scene) -> None:
    scene.put(jpeg(3)[:-150])
    scene.start()


def a_jpeg_whose_header_breaks_off(scene: Scene) -> None:
    scene.put(jpeg(3)[:40])
    scene.start()


def a_png_without_its_end(scene: Scene) -> None:
    scene.put(picture("PNG", 4)[:-20])
    scene.start()


def a_gif_without_its_end(scene: Scene) -> None:
    scene.put(picture("GIF", 4)[:-10])
    scene.start()


def a_webp_cut_short(scene: Scene) -> None:
    scene.put(picture("WEBP", 4)[:-30])
    scene.start()


def a_tiff_cut_short(scene: Scene) -> None:
    scene.put(picture("TIFF", 4)[:-300])
    scene.start()


def a_damaged_file_of_which_a_backup_exists(scene: Scene) -> None:
    scene.put(jpeg(3)[:-150])
    scene.start()


def a_web_page_called_photo(scene: Scene) -> None:
    scene.put(b"<!DOCTYPE html><title>404</title>")
    scene.start()


def a_photo_overwritten_with_zeros(scene: Scene) -> None:
    scene.put(bytes(100_000))
    scene.start()


def a_whole_copy(scene: Scene) -> None:
    scene.put(jpeg(3))


def a_file_that_is_being_uploaded(scene: Scene) -> None:
    scene.put()
    hold = "import sys, time; f = open(sys.argv[1], 'r+b'); time.sleep(60)"
    scene.program = scene.writer(hold)
    scene.start()


def a_file_that_keeps_changing(scene: Scene) -> None:
    scene.put(jpeg(5) + bytes(80_000_000))
    touch = "import os, sys\nwhile True: os.utime(sys.argv[1])"
    scene.program = scene.writer(touch)
    scene.start()


def wait_for_writer(scene: Scene) -> None:
    end(scene.program)


def a_directory_that_could_not_be_listed(scene: Scene) -> None:
    scene.as_stranger()
    scene.photo = scene.put(name="closed/photo.jpg")
    scene.photo.parent.chmod(0o700)
    scene.start()


def a_directory_that_could_be_listed_and_not_entered(scene: Scene) -> None:
    scene.as_stranger()
    scene.put(name="closed/another.jpg")
    scene.photo = scene.put(name="closed/photo.jpg")
    scene.photo.parent.chmod(0o704)
    scene.start()


FAULTS = (
    Fault("source_grew", a_file_that_grew_after_its_beginning_was_imported),
    Fault("source_grew", a_file_that_grew_after_its_beginning_was_imported, cure=1),
    Fault("source_missing", a_file_that_was_moved_away, {"put_back": put_back}),
    Fault("source_missing", a_file_that_was_deleted, ends=DISMISSED, cure=1),
    Fault(
        "source_directory_missing",
        a_directory_that_was_renamed,
        {"put_directory_back": put_directory_back},
    ),
    Fault("source_missing", a_source_that_was_renamed, {"put_back": put_source_back}),
    Fault(
        "source_replaced",
        another_directory_at_the_source,
        {"put_source_back": put_the_first_one_back},
    ),
    Fault("source_replaced", another_directory_at_the_source, cure=1),
    Fault("source_replaced", a_link_at_the_source, {"put_source_back": put_the_first_one_back}),
    Fault("source_unmounted", a_card_that_was_pulled_out, {"connect": put_card_back}),
    Fault(
        "source_unmounted", a_card_that_was_pulled_out_above_the_source, {"connect": put_card_back}
    ),
    Fault("not_regular_file", a_link_in_place_of_the_file, ends=DISMISSED),
    Fault("not_regular_file", a_pipe, ends=DISMISSED),
    Fault("not_regular_file", a_socket, ends=DISMISSED),
    Fault("not_regular_file", a_device, ends=DISMISSED),
    Fault("not_regular_file", a_directory_in_place_of_the_file, ends=DISMISSED),
    Fault("damaged", a_jpeg_cut_in_the_middle),
    Fault("damaged", a_jpeg_whose_header_breaks_off),
    Fault("damaged", a_png_without_its_end),
    Fault("damaged", a_gif_without_its_end),
    Fault("damaged", a_webp_cut_short),
    Fault("damaged", a_tiff_cut_short),
    Fault(
        "damaged",
        a_damaged_file_of_which_a_backup_exists,
        {"replace_by_whole_copy": a_whole_copy},
        cure=1,
    ),
    Fault("content_mismatch", a_web_page_called_photo, {"replace_by_whole_copy": a_whole_copy}),
    Fault("content_mismatch", a_photo_overwritten_with_zeros, ends=DISMISSED, cure=1),
    Fault("source_busy", a_file_that_is_being_uploaded, {"wait_for_writer": wait_for_writer}),
    Fault("source_changed", a_file_that_keeps_changing, {"wait_for_writer": wait_for_writer}),
    Fault("permission_denied", a_directory_that_could_not_be_listed),
    Fault("permission_denied", a_directory_that_could_be_listed_and_not_entered),
)
