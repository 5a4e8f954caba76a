"""Sources go once their copies are safe on another disk, a batch at a time, and the disk has said so."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from local_import.audit_logger import SYSTEM
from local_import.fsops import effects
from local_import.models import AuditLog
from local_import.pipeline.desk import open_desk
from local_import.pipeline.release import release_left
from local_import.services import sessions
from tests.photos import jpeg

PHOTOS = 40
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def card():
    """A source on another filesystem than the library."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        for number in range(PHOTOS):
            (Path(path) / f"{number}.jpg").write_bytes(jpeg(number))
        yield Path(path)


def failing(monkeypatch, name, tree):
    def fault(effect, path):
        if effect == name and (path == os.fsencode(tree) or effect != "sync"):
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)

    monkeypatch.setattr(effects, "fault_point", fault)


def run(card):
    session = sessions.create(os.fsencode(card), mode="move")
    return sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)


def fates(session):
    return set(session.items.values_list("source_disposition", flat=True))


def told(session):
    rows = AuditLog.objects.filter(session_id=session.pk, action="file.release")
    return list(rows.order_by("id").values_list("message", flat=True))


def test_sources_go_with_a_row_for_each_and_a_few_statements_for_all(library, card, monkeypatch):
    failing(monkeypatch, "unlink", card)
    session = run(card)
    assert fates(session) == {"release_due"}
    assert told(session) == ["Kept for now: Input/output error."] * PHOTOS

    monkeypatch.setattr(effects, "fault_point", effects._nothing)
    with open_desk(session) as desk, CaptureQueriesContext(connection) as seen:
        assert release_left(desk, SYSTEM) == PHOTOS

    assert len(seen) < PHOTOS / 2
    assert (fates(session), os.listdir(card)) == ({"released"}, [])
    assert told(session)[PHOTOS:] == ["Removed: its copy in the library was verified."] * PHOTOS


def test_a_source_is_released_only_when_its_disk_has_confirmed_it(library, card, monkeypatch):
    """Else a loss of power brings back what is said to be gone."""
    failing(monkeypatch, "sync", card)

    session = run(card)

    assert session.state == "imported"
    assert (fates(session), os.listdir(card)) == ({"release_due"}, [])
    assert set(told(session)) == {"Removed, which the disk could not confirm: Input/output error."}
    monkeypatch.setattr(effects, "fault_point", effects._nothing)
    with open_desk(session) as desk:
        release_left(desk, SYSTEM)
    assert fates(session) == {"released"}
