"""While imports run the check finds nothing: what is under way is no finding, even without the time of
grace that it gives to whatever changed just now."""

import os
from datetime import timedelta

import pytest
from django.db import connections

from local_import.audit_logger import Actor
from local_import.consistency import look
from local_import.consistency.rule import Depth
from local_import.models import ImportSession, Media
from local_import.services import sessions, undo
from local_import.states import SESSION_RUNNING
from tests.consistency import HOUR, found, imported, time_passed
from tests.faults.flow import run_here
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
PHOTOS = 300
EVERY = 25  # imports with `--faults all`, on each database
HEALTHY = 75


def pytest_generate_tests(metafunc):
    every = metafunc.config.getoption("--faults") == "all"
    if "running" in metafunc.fixturenames:
        metafunc.parametrize("running", range(EVERY) if every else range(2))
    if "healthy" in metafunc.fixturenames:
        metafunc.parametrize("healthy", range(HEALTHY) if every else range(3))


@pytest.fixture
def without_grace(monkeypatch):
    monkeypatch.setattr("local_import.consistency.rule.GRACE", timedelta(0))


def in_a_child(work):
    """Start the work in a process of its own; returns its number."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    finally:
        connections.close_all()
        os._exit(status)


def looks_until_done(child):
    """(looks, findings) as long as the child works."""
    number, told = 0, []
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        report = look.take(depth=Depth.CONTENTS)
        told += [(suspect.rule, dict(suspect.evidence)) for suspect in report.suspects]
        number += 1
    return number, told


def test_a_check_finds_nothing_while_an_import_and_its_undo_run(
    inbox, library, without_grace, running
):
    for seed in range(PHOTOS):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed % (PHOTOS - 20), size=(64 + seed, 64)))
    mode = ("copy", "move")[running % 2]
    session = sessions.create(os.fsencode(inbox), mode=mode)
    actor = Actor("importer")

    importing = in_a_child(lambda: sessions.run_to_end(session.pk, workers=2, actor=actor))
    looks, told = looks_until_done(importing)
    assert (told, looks > 0) == ([], True)
    assert ImportSession.objects.get().state == "imported"

    undoing = in_a_child(lambda: undo.undo(session.pk, actor=actor, reason="Test."))
    looks, told = looks_until_done(undoing)
    assert told == []
    assert not Media.objects.exists()


def test_a_healthy_system_has_no_findings(inbox, library, healthy, monkeypatch):
    """Imports in both modes, again, with failures, canceled, undone, and imported again."""
    session = imported(inbox, 2 + healthy % 4, mode=("copy", "move")[healthy % 2])
    (inbox / "broken.jpg").write_bytes(jpeg(9)[:200])
    imported(inbox, healthy % 3)
    if healthy % 3:
        undo.undo(session.pk, actor=Actor("operator"), reason="Test.")
        for other in ImportSession.objects.filter(state__in=SESSION_RUNNING):
            run_here(other.pk)  # it has its duplicates to import now
    if healthy % 5 == 4:
        imported(inbox, 1)

    with time_passed(monkeypatch, HOUR):
        assert found(depth=Depth.CONTENTS) == []
