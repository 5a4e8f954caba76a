"""The picture of a session while it runs: fresh, cheap, and never taken where it would do harm."""

import time

import pytest
from django.db import transaction

from local_import.audit_logger import SYSTEM
from local_import.models import ImportSession
from local_import.pipeline import picture
from local_import.pipeline.picture import Picture
from tests.builders import make_item, make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session():
    session = make_session("importing")
    make_item(session, b"a.jpg", "imported", size_bytes=7)
    make_item(session, b"b.jpg", "pending", size_bytes=5)
    return session


def test_it_tells_files_and_bytes_as_they_are(session):
    reports = []

    Picture(session.pk, SYSTEM, reports.append)()

    row = ImportSession.objects.get(pk=session.pk)
    assert (row.counts["imported"], row.counts["pending"]) == (1, 1)
    assert (row.bytes_done, row.bytes_found) == (7, 12)
    assert row.pace["files"] == 1
    assert reports[0].done_bytes == 7


def test_it_is_not_taken_again_at_once(session):
    reports = []
    take = Picture(session.pk, SYSTEM, reports.append)

    for _ in range(50):
        take()

    assert len(reports) == 1


def test_the_longer_counting_takes_the_seldomer_it_is_done(session, monkeypatch):
    monkeypatch.setattr(picture, "EVERY_S", 0.0)
    reports = []
    take = Picture(session.pk, SYSTEM, lambda snapshot: (reports.append(1), time.sleep(0.05)))

    ends = time.monotonic() + 0.8
    while time.monotonic() < ends:
        take()

    assert len(reports) == 1


def test_within_a_transaction_over_items_it_waits(session):
    reports = []
    take = Picture(session.pk, SYSTEM, reports.append)

    with transaction.atomic():
        take()
    assert reports == []

    take()
    assert len(reports) == 1
