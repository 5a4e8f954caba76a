"""The first look: an operator account, a sample inbox, and its import. A second look adds nothing."""

import io
import json
import os
import re
from datetime import datetime

import pytest
from PIL import Image

from local_import import door, sample_photos
from local_import.door import Step
from local_import.management.commands.prepare_demo import is_to_be_imported
from local_import.models import ImportSession

UNREADABLE = "not_regular_file" if os.geteuid() == 0 else "permission_denied"
SHOWN_ONCE = re.compile(rb"password, shown only now: (\S+)")


def prepare(desk):
    done = desk.manage("prepare_demo")
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def sessions(desk):
    return json.loads(desk.manage("import_status", "--json").stdout)


def ask(desk, expression):
    program = f"from django.contrib.auth import *; print({expression})"
    done = desk.manage("shell", "-v0", "-c", program)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def test_the_sample_shows_every_way_that_a_file_can_go(desk):
    desk.environment["PHOTONEST_QUIET_TIME"] = "600"  # it does not wait for what it has just made
    prepare(desk)

    codes = {}
    for item in desk.items(1):
        codes.setdefault((item["state"], item["code"]), []).append(item["path"])
    assert {key: len(paths) for key, paths in codes.items()} == {
        ("imported", ""): 14,
        ("skipped", "duplicate"): 1,
        ("skipped", "empty"): 1,
        ("skipped", "unsupported"): 2,
        ("failed", "content_mismatch"): 1,
        ("failed", "damaged"): 1,
        ("failed", UNREADABLE): 1,
    }
    left_out = json.loads(desk.manage("import_status", "1", "--json").stdout)["left_out"]
    assert sum(left_out.values()) == 2


def test_the_password_opens_the_account_and_is_shown_once(desk):
    password = SHOWN_ONCE.search(prepare(desk))[1].decode()

    operator = "get_user_model().objects.get(username='operator')"
    assert ask(desk, f"{operator}.check_password({password!r})") == "True"
    assert password.encode() not in prepare(desk)


def test_a_second_run_changes_and_says_nothing(desk):
    prepare(desk)
    before = {path: path.lstat().st_mtime_ns for path in desk.home.glob("inbox/sample/**/*")}

    assert prepare(desk) == b""

    assert len(sessions(desk)) == 1
    after = {path: path.lstat().st_mtime_ns for path in desk.home.glob("inbox/sample/**/*")}
    assert before == after


def test_who_has_an_administrator_gets_no_second_one(desk):
    desk.manage("createsuperuser", "--noinput", "--username", "boss", "--email", "")

    assert not SHOWN_ONCE.search(prepare(desk))

    assert ask(desk, "[user.username for user in get_user_model().objects.all()]") == "['boss']"


def test_the_sample_is_imported_although_another_directory_was_before(desk):
    (desk.inbox / "note.txt").write_text("not a photo")
    desk.import_photos(str(desk.inbox))

    prepare(desk)

    assert len(sessions(desk)) == 2


def test_the_sample_is_imported_until_a_session_of_it_came_to_its_end(db, inbox):
    path = os.fsencode(inbox)
    assert is_to_be_imported(path)

    interrupted = ImportSession.objects.create(source_path=path)
    assert is_to_be_imported(path)

    door.move(ImportSession, interrupted.pk, Step("cancel", "Enough of it."))
    assert not is_to_be_imported(path)


def test_a_refused_import_is_told_and_not_passed_over(desk):
    desk.environment["PHOTONEST_LIBRARY"] = str(desk.home / "inbox" / "sample" / "library")

    done = desk.manage("prepare_demo")

    assert done.returncode == 2
    assert b"lie inside each other" in done.stderr
    assert b"Traceback" not in done.stderr
    assert sessions(desk) == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP"])
def test_a_sample_photo_is_a_picture_of_its_kind(kind):
    with Image.open(io.BytesIO(sample_photos.photo(3, kind))) as picture:
        picture.load()
        assert (picture.format, picture.size) == (kind, (800, 600))


def test_the_sample_photos_differ_in_time_offset_and_camera():
    seen = [_exif(sample_photos.photo(number)) for number in range(6)]

    taken, offsets, cameras = map(set, zip(*seen, strict=True))
    assert len(taken) == 6
    assert all(datetime.strptime(value, "%Y:%m:%d %H:%M:%S") for value in taken)
    assert offsets == {None, "+09:00", "-03:30"}
    assert len(cameras) == 3


def _exif(content):
    with Image.open(io.BytesIO(content)) as picture:
        exif = picture.getexif()
        taken = exif.get_ifd(0x8769)
        return taken[0x9003], taken.get(0x9011), exif[0x0110]


def test_the_sample_has_names_that_are_hard_to_handle():
    names = b"\n".join(path for path, _ in sample_photos.sample_files())

    assert "家族".encode() in names
    assert "🎆".encode() in names
    assert b'"' in names
    assert b" " in names
    with pytest.raises(UnicodeDecodeError):
        names.decode()
