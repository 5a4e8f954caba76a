"""A file that changed within the clock tick in which it was read: no time tells of it, so the bytes do."""

import os
import tempfile
import time
from pathlib import Path

import pytest

from local_import.audit_logger import SYSTEM
from local_import.fsops import Fingerprint
from local_import.models import ImportItem
from local_import.pipeline.analyse import analyse
from local_import.pipeline.check import check
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.place import place
from local_import.pipeline.release import release_batch
from local_import.pipeline.settle import settle
from tests.photos import jpeg
from tests.test_sweep import started

pytestmark = pytest.mark.django_db(transaction=True)
READ = jpeg(1)
SAVED_LATER = READ[:-9] + bytes([READ[-9] ^ 1]) + READ[-8:]  # of the same length
LATER_NS = 60_000_000_000


@pytest.fixture
def one_tick(monkeypatch):
    """A disk of which every change in this test falls into one tick, as of FAT, or of an old kernel."""
    tick, of = time.time_ns(), Fingerprint.of

    def coarse(found):
        return of(found)._replace(ctime_ns=tick)

    monkeypatch.setattr(Fingerprint, "of", coarse)


def some_time_later(monkeypatch):
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + LATER_NS)


def save_again(path):
    before = path.stat()
    with path.open("r+b") as file:
        file.write(SAVED_LATER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_photo_that_was_saved_while_it_was_read_is_not_renamed_under_the_hash_of_before(
    inbox, library, one_tick, monkeypatch
):
    (inbox / "a.jpg").write_bytes(READ)
    session = started(inbox, "move")

    with open_desk(session) as desk:
        batch = claim(session.pk, SYSTEM)
        analyse(desk, batch[0])
        save_again(inbox / "a.jpg")
        some_time_later(monkeypatch)
        check(desk, batch, SYSTEM)
        place(desk, batch)
        settle(desk, batch, SYSTEM)

    assert (ImportItem.objects.get().state, (inbox / "a.jpg").read_bytes()) == (
        "pending",
        SAVED_LATER,
    )
    assert list(library.rglob("*.jpg")) == []


def test_a_source_that_was_saved_while_it_was_copied_is_not_removed(library, one_tick, monkeypatch):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as card:
        photo = Path(card) / "a.jpg"
        photo.write_bytes(READ)
        session = started(Path(card), "move")

        with open_desk(session) as desk:
            batch = claim(session.pk, SYSTEM)
            analyse(desk, batch[0])
            check(desk, batch, SYSTEM)
            place(desk, batch)
            save_again(photo)
            some_time_later(monkeypatch)
            settle(desk, batch, SYSTEM)
            release_batch(desk, batch, SYSTEM)

        item = ImportItem.objects.get()
        assert (item.state, item.source_disposition) == ("imported", "changed")
        assert photo.read_bytes() == SAVED_LATER
        assert (library / item.destination).read_bytes() == READ


def test_a_photo_that_rests_is_not_read_again(inbox, library, monkeypatch):
    (inbox / "a.jpg").write_bytes(READ)
    some_time_later(monkeypatch)
    session = started(inbox, "move")

    with open_desk(session) as desk:
        batch = claim(session.pk, SYSTEM)
        analyse(desk, batch[0])
        check(desk, batch, SYSTEM)
        monkeypatch.setattr("local_import.fsops.compare", None)
        place(desk, batch)

    assert batch[0].placed and os.listdir(inbox) == []
