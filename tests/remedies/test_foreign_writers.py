"""Another user writes into the source: as by Samba, FTP or Nextcloud, the desk may ask for no lease there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.photos import jpeg

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


def write_slowly(scene, content: bytes, *, keep_open: bool) -> subprocess.Popen:
    """Returns when the first third is written."""
    third = len(content) // 3
    pieces = [content[:third], content[third : 2 * third], content[2 * third :]]
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WRITER,
            scene.photo,
            str(int(keep_open)),
            *(p.hex() for p in pieces),
        ],
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
    writer = write_slowly(strangers, content, keep_open=keep_open)

    strangers.start("--mode", mode)

    writer.communicate()
    (item,) = strangers.report()["items"]
    assert (item["state"], item["size"]) == ("imported", len(content))
    assert (strangers.library / item["destination"]).read_bytes() == content
