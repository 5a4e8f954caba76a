"""A file that somebody may still write is left alone until it has been still for the quiet time."""

import os
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from local_import.audit_logger import SYSTEM
from local_import.management import text
from local_import.management.watching import line
from local_import.models import AuditLog, ImportItem, ImportSession, Incident, Media
from local_import.pipeline import flags, quiet
from local_import.pipeline.claim import BATCH_ITEMS, claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.preview import preview
from local_import.pipeline.scan import scan
from local_import.pipeline.worker import run_batch
from local_import.services import background, reports, sessions
from local_import.services.dry_run import dry_run
from local_import.services.explain.item import explain_item
from local_import.services.explain.session import explain_session
from local_import.services.progress import progress_of
from local_import.transactions import database_now
from tests import builders
from tests.photos import jpeg
from tests.processes import wait_for

QUIET_S = 60
HOUR_S = 3600
NS = 1_000_000_000
here = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(monkeypatch):
    """The clock that a file's age is told by."""

    class Clock:
        shown_ns = 0

        def time_ns(self):
            return self.shown_ns

    clock = Clock()
    monkeypatch.setattr(quiet, "time", clock)
    return clock


@pytest.fixture
def session(inbox, library, settings):
    settings.PHOTONEST_QUIET_TIME = QUIET_S
    session = sessions.create(os.fsencode(inbox))
    builders.door.move(ImportSession, session.pk, builders.Step("start", "Started by the test."))
    return session


def look(session):
    """One look of a worker at every file that is due."""
    with open_desk(ImportSession.objects.get(pk=session.pk)) as desk:
        scan(desk, SYSTEM, lambda: False)
        batch = claim(session.pk, SYSTEM)
        while batch:
            batch = run_batch(desk, batch, SYSTEM, lambda: False)


def let_time_pass(seconds):
    """For what the database keeps of files that wait."""
    for item in ImportItem.objects.exclude(seen_at=None):
        past = timedelta(seconds=seconds)
        due, seen = item.next_attempt_at - past, item.seen_at - past
        ImportItem.objects.filter(pk=item.pk).update(next_attempt_at=due, seen_at=seen)


def states():
    return dict(ImportItem.objects.values_list("shown_path", "state"))


@here
def test_a_young_file_waits_while_an_older_one_goes_on(inbox, session, clock):
    older = inbox / "older.jpg"
    older.write_bytes(jpeg(1))
    while (
        os.stat(inbox).st_ctime_ns == older.stat().st_ctime_ns or not (inbox / "young.jpg").exists()
    ):
        time.sleep(0.02)
        (inbox / "young.jpg").write_bytes(jpeg(2))
    clock.shown_ns = older.stat().st_ctime_ns + QUIET_S * NS

    look(session)

    assert states() == {"older.jpg": "imported", "young.jpg": "pending"}
    young = ImportItem.objects.get(shown_path="young.jpg")
    assert (young.attempts, young.retries, young.deaths, young.error_code) == (0, 0, 0, "")
    assert not Incident.objects.exists()
    clock.shown_ns += QUIET_S * NS
    let_time_pass(QUIET_S)
    look(session)
    assert states() == {"older.jpg": "imported", "young.jpg": "imported"}
    assert ImportItem.objects.get(shown_path="young.jpg").seen_at is None


@here
def test_a_change_in_the_future_is_neither_believed_nor_waited_for_without_end(
    inbox, session, clock
):
    """The clock of a NAS, or the card of a camera, is ahead of ours."""
    photo = inbox / "a.jpg"
    photo.write_bytes(jpeg(1))
    clock.shown_ns = photo.stat().st_ctime_ns - HOUR_S * NS

    look(session)
    assert states() == {"a.jpg": "pending"}
    let_time_pass(QUIET_S / 2)
    ImportItem.objects.update(next_attempt_at=None)
    look(session)
    assert states() == {"a.jpg": "pending"}, "seen still for half of the quiet time"
    let_time_pass(QUIET_S / 2)
    look(session)

    assert states() == {"a.jpg": "imported"}


@here
def test_a_change_while_it_waits_begins_the_wait_anew(inbox, session, clock):
    photo = inbox / "a.jpg"
    photo.write_bytes(jpeg(1)[:-200])
    clock.shown_ns = photo.stat().st_ctime_ns - HOUR_S * NS
    look(session)
    let_time_pass(QUIET_S * 2)
    photo.write_bytes(jpeg(1))

    look(session)

    assert states() == {"a.jpg": "pending"}
    let_time_pass(QUIET_S)
    look(session)
    assert states() == {"a.jpg": "imported"}
    size = len(jpeg(1))
    assert (Media.objects.get().size_bytes, ImportItem.objects.get().size_bytes) == (size, size)


@here
def test_what_never_is_still_is_told_of_as_being_written_in_the_end(inbox, session, settings):
    settings.PHOTONEST_RETRIES = 2
    photo = inbox / "a.jpg"
    looks = 0
    photo.write_bytes(jpeg(9))
    look(session)
    ImportItem.objects.update(young_since=database_now() - quiet.LONGEST)
    while states().get("a.jpg", "pending") == "pending":
        looks += 1
        photo.write_bytes(jpeg(looks))
        ImportItem.objects.update(next_attempt_at=None)
        look(session)

    item = ImportItem.objects.get()
    assert (item.state, item.error_code, looks) == ("failed", "source_busy", 3)
    assert (item.seen_as, item.seen_at, item.young_since) == ("", None, None)
    assert "written to it while it was waited for" in item.failure["diagnosis"]


@here
def test_a_foreground_import_waits_and_ends_by_itself(inbox, library, settings):
    settings.PHOTONEST_QUIET_TIME = 1
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = sessions.create(os.fsencode(inbox), mode="move")

    ended = sessions.run_to_end(session.pk, workers=2, actor=SYSTEM)

    assert (ended.state, states()) == ("imported", {"a.jpg": "imported"})
    waited = AuditLog.objects.filter(action="item.release", message__contains="a moment ago")
    assert waited.count() == 1


@here
def test_what_waits_is_shown_with_its_seconds_wherever_waiting_is_shown(inbox, session):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (inbox / "b.jpg").write_bytes(jpeg(2))
    look(session)
    row, now = sessions.get(session.pk), database_now()

    report = reports.session_report(row)
    assert report["young"]["files"] == 2
    assert 0 < report["young"]["seconds"] <= QUIET_S
    told = f"2 files wait up to {report['young']['seconds']} s more because they were changed"
    assert told in text.session(report)
    progress = progress_of(row)
    assert "2 files wait up to" in line(row, progress)
    assert progress.outlook.code == "young"
    of_session = [s.code for s in explain_session(row, now).sentences]
    assert "young_files" in of_session
    item = explain_item(ImportItem.objects.select_related("session").first(), now)
    said = {sentence.code: sentence.text for sentence in item.sentences}
    assert "changed a moment ago" in said["changed_lately"]
    assert "due_later" not in said


@here
def test_a_dry_run_tells_what_would_wait_and_waits_for_nothing(inbox, library, settings):
    settings.PHOTONEST_QUIET_TIME = 600
    (inbox / "a.jpg").write_bytes(jpeg(1))

    found = dry_run(os.fsencode(inbox), "copy")

    assert found.told == [("imported", "", 1)]
    assert "1 file waits up to" in found.patience
    with sessions.dry_desk(os.fsencode(inbox), "copy") as desk:
        report = reports.preview_report(preview(desk, {}), os.fsencode(inbox), {})
    assert report["counts"]["imported"] == 1
    assert report["young"]["files"] == 1
    assert 500 < report["young"]["seconds"] <= 600


@here
def test_no_quiet_time_holds_for_a_session_that_waits_already(inbox, session):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    look(session)
    assert states() == {"a.jpg": "pending"}

    assert flags.skip_quiet_time(session.pk, actor=SYSTEM, reason="The card is not written to.")
    look(session)

    assert states() == {"a.jpg": "imported"}


def test_no_quiet_time_holds_for_the_workers_in_the_background(desk, worker):
    desk.environment["PHOTONEST_QUIET_TIME"] = "600"
    (desk.inbox / "a.jpg").write_bytes(jpeg(1))
    worker()

    desk.import_photos(str(desk.inbox), "--background", "--no-quiet-time")

    wait_for(lambda: desk.status()["state"] == "imported", 60)


def test_no_quiet_time_holds_for_the_workers_in_the_foreground(desk):
    desk.environment["PHOTONEST_QUIET_TIME"] = "600"
    (desk.inbox / "a.jpg").write_bytes(jpeg(1))

    assert desk.import_photos(str(desk.inbox), "--no-quiet-time")["state"] == "imported"


@here
def test_a_batch_of_young_files_costs_no_more_statements_than_one_of_old_ones(inbox, session):
    for number in range(BATCH_ITEMS):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number + 1))

    with CaptureQueriesContext(connection) as seen:
        look(session)

    assert set(states().values()) == {"pending"}
    assert len(seen) / BATCH_ITEMS < 0.25


@here
def test_workers_are_called_for_files_that_wait_once_their_time_is_over(inbox, session):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    look(session)
    builders.walk(session)

    assert not background.with_work(database_now()).filter(pk=session.pk).exists()
    let_time_pass(QUIET_S)
    assert background.with_work(database_now()).filter(pk=session.pk).exists()
