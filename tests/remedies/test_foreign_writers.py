"""Another user writes into the source: as by Samba, FTP or Nextcloud, the desk may ask for no lease there."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256

import pytest

from tests.photos import jpeg

from .operator import follow

QUIET_S = "4"
# Writes a file piece by piece, a second apart, and says when the first of them is there.
WRITER = """
import sys, time
path, keep_open, *pieces = sys.argv[1:]
file = open(path, "wb", buffering=0)
for piece in pieces:
    file.write(bytes.fromhex(piece))
    if not int(keep_open):
        file.close()
        file = open(path, "ab", buffering=0)
        file.close()
    print("written", flush=True)
    time.sleep(1)
    if not int(keep_open):
        file = open(path, "ab", buffering=0)
"""


def write_slowly(scene, pieces: list[bytes], *, keep_open: bool) -> subprocess.Popen:
    """Returns when the first piece is written."""
    shown = (piece.hex() for piece in pieces)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, scene.photo, str(int(keep_open)), *shown],
        stdout=subprocess.PIPE,
    )
    scene.later.callback(writer.kill)
    assert writer.stdout.readline()
    return writer


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
    content = jpeg(1, size=(200, 200))
    pieces = [content[:500], content[500:1000], content[1000:]]
    writer = write_slowly(strangers, pieces, keep_open=keep_open)

    strangers.start("--mode", mode)

    writer.communicate()
    (item,) = strangers.report()["items"]
    assert (item["state"], item["size"]) == ("imported", len(content))
    assert (strangers.library / item["destination"]).read_bytes() == content


WHOLE = [jpeg(1), jpeg(2), jpeg(3)]  # as a motion photo: whole already without what comes behind it


@pytest.fixture
def grown(strangers):
    """A file that was imported as its beginning and renamed, and grew in the library after that: the
    writer paused for longer than the quiet time, which is none here."""
    (strangers.inbox / "other.jpg").write_bytes(jpeg(7))
    writer = start_writer(strangers)
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


def start_writer(scene) -> subprocess.Popen:
    beginning, rest = WHOLE[0].hex(), b"".join(WHOLE[1:]).hex()
    writer = subprocess.Popen(
        [sys.executable, "-c", LATE, scene.photo, beginning, rest],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    scene.later.callback(writer.kill)
    assert writer.stdout.readline()
    return writer


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
