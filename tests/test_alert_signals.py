"""Each signal fires for what it is meant for, and is silent where all is well."""

import os
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from local_import import door, fsops, operations, tasks
from local_import.alerts import evaluate, rules
from local_import.audit_logger import Actor
from local_import.door import Step
from local_import.metrics import Measure, Measurements, folding
from local_import.models import Alert, AlertRule, Finding, ImportItem, ImportSession, MetricBucket
from local_import.services import sessions
from local_import.transactions import database_now
from tests import builders
from tests.consistency import imported
from tests.faults.flow import run_here
from tests.test_workers import make_worker

pytestmark = pytest.mark.django_db
ADA = Actor("ada")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def firing():
    """What fires at once, by rule and cause; what has to last counts as well."""
    evaluate.evaluate()
    assert not AlertRule.objects.exclude(trouble="")
    alerts = Alert.objects.unresolved().select_related("rule")
    return sorted((alert.rule.code, alert.cause) for alert in alerts)


def measure(number, *, failed=0, ms=1000.0, size=100, ago=timedelta(minutes=5)):
    """Files that came to rest in one batch, which took so long."""
    measured = Measurements()
    for index in range(number):
        bad = index < failed
        file = measured.of(Measure.FILE, format="jpeg", code="damaged" if bad else "")
        file.add_all([1.0], size_bytes=size, failed=bad)
    measured.of(Measure.BATCH).add(ms)
    write_at(measured, ago)


def write_at(measured, ago):
    before = set(MetricBucket.objects.values_list("pk", flat=True))
    measured.write()
    MetricBucket.objects.exclude(pk__in=before).update(
        at=folding.begin(timezone.now() - ago, folding.MINUTE)
    )


def beat(silent):
    schedule = IntervalSchedule.objects.create(every=30, period="seconds")
    last = timezone.now() - silent
    PeriodicTask.objects.create(name="sweep", interval=schedule, last_run_at=last)


def find(rule, number=1, **values):
    now = timezone.now()
    for index in range(number):
        known = {"rule": rule, "severity": "high", "about": "media", "key": str(index)}
        times = {"first_seen_at": now, "last_seen_at": now}
        texts = {"summary": "It {is} gone.", "proposal": "Bring it back."}
        Finding.objects.create(digest=f"{rule} {index}", **(known | times | texts | values))


@pytest.mark.django_db(transaction=True)
def test_an_installation_where_all_is_well_has_no_alert(inbox, library):
    imported(inbox)
    make_worker("elsewhere:1:1")
    beat(timedelta(seconds=20))

    assert firing() == []


def test_many_failures_among_the_files_of_the_last_hour_fire(library):
    measure(100, failed=9)
    assert firing() == []

    measure(10, failed=5)

    assert firing() == [("failure_rate", "")]
    assert "14 of 110 files (13%) failed in the last 60 minutes: damaged." in (
        Alert.objects.get().summary
    )


@pytest.mark.parametrize("case", ["few", "long ago"])
def test_failures_that_say_nothing_of_now_do_not_fire(library, case):
    if case == "few":
        measure(19, failed=19)
    else:
        measure(100, failed=100, ago=2 * HOUR)

    assert firing() == []


def test_the_failure_rate_is_over_when_the_files_go_well_again(library):
    measure(40, failed=20)
    assert firing() == [("failure_rate", "")]

    measure(1000)

    assert firing() == []


def test_a_session_that_failed_fires_once_however_many_files_and_places(library):
    session = builders.make_session("failed")
    for number in range(6):
        builders.make_item(session, name=b"%d/a.jpg" % number, state="failed")

    assert firing() == [("session_failed", f"session:{session.pk}")]
    alert = Alert.objects.get()
    assert "6 of its files could not be imported (damaged)" in alert.summary
    assert alert.target == f"session:{session.pk}"


def test_it_is_over_when_its_files_are_dismissed(library):
    item = builders.make_item(builders.make_session("failed"), state="failed")
    assert firing() == [("session_failed", f"session:{item.session_id}")]

    operations.carry_out("dismiss", f"item:{item.pk}", actor=ADA, reason="Not needed.")

    assert firing() == []


def break_off(session, place="/library"):
    failure = {"code": "disk_full", "summary": "The disk is full.", "evidence": {"mount": place}}
    values = {"error_code": "disk_full", "failure": failure}
    door.move(ImportSession, session.pk, Step("break_off", "Full.", values))


def test_sessions_that_meet_one_full_disk_are_one_alert(library):
    pair = [builders.make_session("ready", source=b"/inbox/%d" % number) for number in range(2)]
    other = builders.make_session("ready", source=b"/elsewhere")
    for session in pair:
        break_off(session)
    break_off(other, place="/another")

    causes = {f"incident:{s.incident_id}" for s in ImportSession.objects.all()}

    assert len(causes) == 2
    assert firing() == sorted(("session_error", cause) for cause in causes)
    told = {alert.summary for alert in Alert.objects.all()}
    assert f"Session {pair[0].pk}, {pair[1].pk} cannot go on. The disk is full." in told


def stand_still(session, since=HOUR):
    for name in ("start", "plan", "offer"):
        door.move(ImportSession, session.pk, Step(name, "The test says so."))
    now = timezone.now()
    rows = ImportSession.objects.filter(pk=session.pk)
    rows.update(walked_at=now, planned_at=now, state_changed_at=now - since)
    ImportItem.objects.filter(session=session).update(state_changed_at=now - since)


def test_a_session_that_nobody_comes_to_fires(library):
    make_worker("elsewhere:1:1")
    session = builders.make_session("ready")
    builders.make_item(session)
    stand_still(session, since=timedelta(minutes=14))
    assert firing() == []

    ImportSession.objects.update(state_changed_at=timezone.now() - HOUR)
    ImportItem.objects.update(state_changed_at=timezone.now() - HOUR)

    assert firing() == [("session_stalled", f"session:{session.pk}")]


def test_a_session_that_was_paused_does_not_stand_still(library):
    make_worker("elsewhere:1:1")
    session = builders.make_session("ready")
    builders.make_item(session)
    stand_still(session)
    ImportSession.objects.update(paused_at=timezone.now(), paused_by="ada")

    assert firing() == []


def test_no_worker_fires_where_a_session_waits_for_one(library):
    assert firing() == []
    session = builders.make_session("ready")
    builders.make_item(session)
    stand_still(session, since=timedelta())
    make_worker("elsewhere:1:1", silent_s=600)

    assert firing() == [("no_worker", "")]

    make_worker("elsewhere:2:1")
    assert firing() == []


def test_sessions_that_stand_still_for_want_of_a_worker_are_one_alert(library):
    worker = make_worker("elsewhere:1:1")
    for number in range(3):
        session = builders.make_session("ready", source=b"/inbox/%d" % number)
        builders.make_item(session)
        stand_still(session)
    assert [rule for rule, _cause in firing()] == ["session_stalled"] * 3

    worker.delete()
    assert firing() == [("no_worker", "")]

    rules.change("no_worker", {"enabled": False}, actor=ADA)
    assert [rule for rule, _cause in firing()] == ["session_stalled"] * 3


def test_no_worker_fires_where_beat_asks_in_vain(library):
    beat(timedelta(seconds=30))

    assert firing() == [("no_worker", "")]


def test_a_silent_beat_fires_and_one_that_is_switched_off_does_not(library):
    make_worker("elsewhere:1:1")
    beat(timedelta(minutes=9))
    assert firing() == []

    PeriodicTask.objects.update(last_run_at=timezone.now() - HOUR)
    assert firing() == [("beat_silent", "")]

    PeriodicTask.objects.update(enabled=False)
    assert firing() == []


def test_grave_findings_fire_by_rule_and_others_do_not(library):
    find("media_missing", number=50)
    find("library_away", severity="critical", about="library")
    find("time_ahead", severity="low")
    find("media_content", state="accepted", accepted_until=timezone.now() + DAY,
         accepted_reason="Known.")  # fmt: skip
    find("session_stalled")

    assert firing() == [("finding", "finding:library_away"), ("finding", "finding:media_missing")]
    severities = dict(Alert.objects.values_list("cause", "severity"))
    assert severities["finding:library_away"] == "critical"
    assert "(50): It {is} gone." in Alert.objects.get(cause="finding:media_missing").summary


def disk_with(monkeypatch, free_bytes):
    seen = SimpleNamespace(room=fsops.Room(free_bytes, 10**12, 1000, 1000))
    monkeypatch.setattr("local_import.fsops.probe", lambda path: seen)


def test_a_disk_that_is_soon_full_fires(library, monkeypatch):
    library.mkdir()
    (library / ".photonest-library").touch()
    disk_with(monkeypatch, 10_000_000_000)
    assert firing() == []

    measure(1, size=20_000_000_000)

    assert firing() == [("disk_runway", "")]
    assert "9.3 GB free" in Alert.objects.get().summary and "4 days" in Alert.objects.get().summary


def test_a_disk_that_is_nearly_full_fires_at_any_pace(library, monkeypatch):
    library.mkdir()
    (library / ".photonest-library").touch()
    disk_with(monkeypatch, 500_000_000)

    assert firing() == [("disk_runway", "")]


def test_a_disk_that_does_not_answer_keeps_no_rule_waiting(library, monkeypatch):
    library.mkdir()
    (library / ".photonest-library").touch()
    monkeypatch.setattr("local_import.runway.LOOK_S", 0.1)
    monkeypatch.setattr("local_import.fsops.probe", lambda path: time.sleep(5))
    began = time.monotonic()

    assert firing() == []
    assert time.monotonic() - began < 4


def past(files=1000, size=100, ms=600_000.0):
    measure(files, size=size, ms=ms, ago=3 * DAY)


@pytest.mark.parametrize(
    ("now", "fires"),
    [
        ({"number": 10, "size": 100, "ms": 120_000}, True),  # a twentieth, in files and in bytes
        ({"number": 10, "size": 20_000, "ms": 120_000}, False),  # large files
        ({"number": 200, "size": 1, "ms": 120_000}, False),  # small files
        ({"number": 200, "size": 100, "ms": 120_000}, False),  # as ever
        ({"number": 1, "size": 100, "ms": 30_000}, False),  # too little to tell
    ],
)
def test_a_worker_that_is_much_slower_than_it_was_fires(library, now, fires):
    past()
    measure(**now)

    assert firing() == ([("slow", "")] if fires else [])
    if fires:
        assert Alert.objects.get().state == "pending"  # it has to last


def test_what_is_slow_names_the_step_that_became_slow(library):
    past()
    measure(10, ms=120_000)
    for ago, sync, settle in ((3 * DAY, 1000.0, 5000.0), (timedelta(minutes=5), 110_000.0, 50.0)):
        measured = Measurements()
        measured.of(Measure.SYNC).add(sync)
        measured.of(Measure.SETTLE).add(settle)
        write_at(measured, ago)

    assert firing() == [("slow", "")]
    told = Alert.objects.get().summary
    assert "“batch made durable”: 11000.0 ms for each file, against 1.0 ms." in told


def test_where_there_is_no_past_nothing_is_slow(library):
    measure(1, ms=3_600_000)

    assert firing() == []


@pytest.mark.django_db(transaction=True)
def test_an_import_that_fails_is_told_of_end_to_end(inbox, library, settings, mailoutbox):
    settings.PHOTONEST_ALERT_EMAILS = ["ada@example.org"]
    make_worker("elsewhere:1:1")
    (inbox / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    session = run_here(sessions.create(os.fsencode(inbox)).pk)

    tasks.evaluate_alerts()
    tasks.evaluate_alerts()

    (message,) = mailoutbox
    told = f"Session {session.pk} has failed: 1 of its files could not be imported (damaged)."
    assert told in message.subject
    assert f"explain session:{session.pk}" in message.body


def test_every_threshold_can_be_set(library):
    measure(100, failed=9)
    assert firing() == []

    rules.change("failure_rate", {"threshold": 0.05}, actor=ADA)

    assert firing() == [("failure_rate", "")]


def test_an_evaluation_asks_as_often_for_many_rows_as_for_few(
    library, django_assert_max_num_queries
):
    evaluate.evaluate()
    for number in range(30):
        session = builders.make_session("ready", source=b"/inbox/%d" % number)
        builders.make_item(session)
        stand_still(session, since=timedelta())
        measure(5)
    make_worker("elsewhere:1:1")

    with django_assert_max_num_queries(80 + 30 * 4):
        evaluate.evaluate()


def test_times_are_the_databases(library):
    evaluate.evaluate()

    for rule in AlertRule.objects.all():
        assert abs(rule.evaluated_at - database_now()) < timedelta(minutes=1)
