"""No transaction is open while a file is read or changed: slow disks must not hold the database."""

import os

import pytest
from django.db import connection

from local_import import fsops
from local_import.audit_logger import Actor
from local_import.fsops import effects, reading
from local_import.models import ImportSession
from local_import.pipeline import run as running
from local_import.services import sessions, sweeper, undo
from tests.faults.flow import Here
from tests.photos import jpeg
from tests.test_sweep import DEAD, leave_behind, started

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("operator")


@pytest.fixture
def touched(monkeypatch):
    """The file work that was done, and whether a transaction was open then."""
    found = []
    opened = reading.Source.__init__

    def fault_point(effect, path):
        found.append((effect, connection.in_atomic_block))

    def open_file(self, *arguments):
        found.append(("read", connection.in_atomic_block))
        opened(self, *arguments)

    monkeypatch.setattr(effects, "fault_point", fault_point)
    monkeypatch.setattr(reading.Source, "__init__", open_file)
    monkeypatch.setattr(running, "Crew", Here)
    return found


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("disks", [1, 2])
def test_an_import_its_recovery_and_its_undo_touch_no_file_within_a_transaction(
    inbox, library, tmp_path, touched, monkeypatch, mode, disks
):
    if disks == 2:  # no rename leads from one tree to the other
        numbers = iter(range(10**6, 10**7))
        made = fsops.Tree.__init__

        def make(self, root, **options):
            made(self, root, **options)
            self.device = next(numbers)

        monkeypatch.setattr(fsops.Tree, "__init__", make)
    for name, seed in {"a": 1, "b": 2, "twin": 1}.items():
        (inbox / f"{name}.jpg").write_bytes(jpeg(seed))
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.jpg").write_bytes(jpeg(3))
    session = sessions.create(os.fsencode(inbox), mode=mode)
    sessions.run_to_end(session.pk, workers=1, actor=OPERATOR)
    abandoned = started(other, mode)
    leave_behind(abandoned, DEAD, until="placed")
    assert sweeper.sweep()["items_recovered"] == 1
    undo.undo(session.pk, actor=OPERATOR, reason="The wrong card.")

    assert ImportSession.objects.get(pk=session.pk).state == "canceled"
    assert {"read", "rename", "sync"} <= {effect for effect, _ in touched}
    assert [effect for effect, within in touched if within] == []
