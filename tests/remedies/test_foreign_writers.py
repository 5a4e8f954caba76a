"""Another user writes into the source: as by Samba, FTP or Nextcloud, the desk may ask for no lease there."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256

import pytest

from tests.conftest import ROOT
from tests.photos import jpeg
from tests.processes import wait_for

from .operator import follow

QUIET_S = "6"
WHOLE = [jpeg(1), jpeg(2), jpeg(3)]  # as a motion photo: whole already without what comes behind it
# Writes the first piece, then a byte every 0.3 s until it is told to end, and then the last piece.
SLOW = """
import select, sys, time
path, keep_open, first, last = sys.argv[1:]
file = open(path, "wb", buffering=0)
file.write(bytes.fromhex(first))
print("written", flush=True)
while not select.select([sys.stdin], [], [], 0.3)[0]:
    if not int(keep_open):
        file.close()
        file = open(path, "ab", buffering=0)
    file.write(b"+")
    if not int(keep_open):
        file.close()
open(path, "ab").write(bytes.fromhex(last)) if file.closed else file.write(bytes.fromhex(last))
"""


@pytest.fixture
def strangers(scene):
    """The desk is of another user than what is written into its source."""
    scene.as_stranger()
    scene.inbox.chmod(0o777)
    return scene


@pytest.mark.parametrize("mode", ["move", "copy"])
@pytest.mark.parametrize("keep_open", [True, False], ids=["kept open", "closed between pieces"])
def test_a_file_that_is_still_written_is_imported_whole(strangers, keep_open, mode):
    strangers.environment["PHOTONEST_QUIET_TIME"] = QUIET_S
    writer = started(strangers, SLOW, str(int(keep_open)), WHOLE[0].hex(), WHOLE[1].hex())
    desk = begun(strangers, "--mode", mode)

    wait_for(lambda: is_waiting(strangers) or desk.poll() is not None)
    writer.communicate(b"end")
    desk.communicate()

    strangers.session = 1
    (item,) = strangers.report()["items"]
    content = (strangers.library / item["destination"]).read_bytes()
    assert (item["state"], item["size"]) == ("imported", len(content))
    assert content.startswith(WHOLE[0]) and content.endswith(WHOLE[1])


def begun(scene, *arguments: str) -> subprocess.Popen:
    """An import of the inbox that is not waited for."""
    command = [*scene.prefix, sys.executable, "manage.py", "import_photos", str(scene.inbox)]
    process = subprocess.Popen(
        [*command, *arguments], cwd=ROOT, env=scene.environment, stdout=subprocess.PIPE
    )
    scene.later.callback(process.kill)
    return process


def is_waiting(scene) -> bool:
    done = scene.desk("import_status", "1", "--json")
    return done.returncode == 0 and json.loads(done.stdout)["young"] is not None


def started(scene, script: str, *arguments: str) -> subprocess.Popen:
    """A writer of the photo that has written its first piece."""
    writer = subprocess.Popen(
        [sys.executable, "-c", script, scene.photo, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    scene.later.callback(writer.kill)
    assert writer.stdout.readline()
    return writer


@pytest.fixture
def grown(strangers):
    """A file that was imported as its beginning and renamed, and grew in the library after that: the
    writer paused for longer than the quiet time, which is none here."""
    (strangers.inbox / "other.jpg").write_bytes(jpeg(7))
    writer = started(strangers, LATE, WHOLE[0].hex(), b"".join(WHOLE[1:]).hex())
    strangers.start("--mode", "move")
    writer.communicate(b"go on")
    return strangers


# Holds the file open, and writes its end when it is told to.
LATE = """
import sys
file = open(sys.argv[1], "wb", buffering=0)
file.write(bytes.fromhex(sys.argv[2]))
print("written", flush=True)
sys.stdin.read()
file.write(bytes.fromhex(sys.argv[3]))
"""


def item_of(scene) -> dict:
    return next(i for i in scene.report()["items"] if i["path"] == str(scene.photo))


def test_an_undo_that_a_grown_file_refuses_says_how_to_accept_what_stands_there(grown):
    done = grown.desk("import_undo", str(grown.session), "--json")
    (refused,) = json.loads(done.stdout)["refused"]
    assert refused["code"] == "library_file_wrong"

    follow(grown, refused["actions"][0], {})

    assert_whole(grown)
    grown.desk("import_undo", str(grown.session))
    assert grown.photo.read_bytes() == b"".join(WHOLE)


def test_the_repair_of_a_grown_file_says_how_to_accept_what_stands_there(grown):
    checked = grown.desk("check_consistency", "--json")
    assert b"media_size" in checked.stdout

    grown.desk("repair_consistency", "--apply")

    (failure,) = grown.failures()
    assert (item_of(grown)["state"], failure["code"]) == ("failed", "library_file_wrong")
    follow(grown, failure["actions"][0], {})
    assert_whole(grown)


def assert_whole(scene) -> None:
    content, item = b"".join(WHOLE), item_of(scene)
    assert (item["state"], item["size"]) == ("imported", len(content))
    assert item["sha256"] == sha256(content).hexdigest()
    assert (scene.library / item["destination"]).read_bytes() == content
    assert scene.desk("check_consistency", "--deep").returncode == 0
    assert scene.report()["state"] == "imported"
