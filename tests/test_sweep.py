"""The sweep: what was left behind goes on, a second sweep changes nothing."""

import json
import os
import socket
from datetime import timedelta

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db.models import F

from local_import import door, fsops
from local_import.audit_logger import SYSTEM, Actor
from local_import.door import Step
from local_import.errors import ErrorCode, ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession, Media, Worker
from local_import.pipeline import claim as claiming
from local_import.pipeline import lease as leases
from local_import.pipeline.analyse import analyse
from local_import.pipeline.check import check
from local_import.pipeline.claim import claim
from local_import.pipeline.crew import work_here
from local_import.pipeline.desk import open_desk
from local_import.pipeline.lease import Lease, LeaseLost
from local_import.pipeline.place import place
from local_import.pipeline.run import break_off
from local_import.pipeline.scan import scan
from local_import.pipeline.settle import settle
from local_import.services import background, sessions, sweeper
from local_import.state_synchronizer import StateSynchronizer
from local_import.transactions import database_now
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = Actor(f"{socket.gethostname()}:999999999:1")
AWAY = Actor("another-host:1:1")  # nobody here can tell whether it lives
WORK = ("analyzing", "checking", "moving", "updating")


@pytest.fixture
def session(inbox, library):
    """A started session of three photos, walked to its end."""
    for number in range(3):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number + 1))
    return started(inbox, "move")


def started(inbox, mode):
    session = sessions.create(os.fsencode(inbox), mode=mode)
    door.move(ImportSession, session.pk, Step("start", "Started by the test."))
    with open_desk(session) as desk:
        scan(desk, SYSTEM, lambda: False)
    ImportSession.objects.filter(pk=session.pk).update(planned_at=F("walked_at"))
    StateSynchronizer().sync_session_with_items(session.pk)
    return ImportSession.objects.get(pk=session.pk)


def leave_behind(session, owner, *, until):
    """A worker of that name gets so far with all three, and is not heard of again."""
    with open_desk(session) as desk:
        batch = claim(session.pk, owner)
        if until == "analyzing":
            return
        for work in batch:
            analyse(desk, work)
        check(desk, batch, owner)
        if until == "placed":
            assert place(desk, batch) is None


def end_lease():
    past = database_now() - timedelta(seconds=1)
    ImportItem.objects.exclude(owner="").update(lease_until=past)


def everything():
    """All rows there are, as text."""
    models = (ImportSession, ImportItem, Media, AuditLog, Worker)
    return [serializers.serialize("json", model.objects.order_by("pk")) for model in models]


def finish(session):
    work_here(session.pk, lambda: False)
    StateSynchronizer().sync_session_with_items(session.pk)
    return ImportSession.objects.get(pk=session.pk)


def assert_whole(session, inbox, library, imported=3):
    assert session.state == "imported"
    assert Media.objects.count() == imported
    with fsops.Tree(os.fsencode(library)) as tree:
        for media in Media.objects.all():
            assert fsops.compare(tree, media.path.encode(), media.sha256).is_equal
    assert os.listdir(inbox) == []


@pytest.mark.parametrize("owner", [DEAD, AWAY], ids=["provably dead", "lease ended"])
@pytest.mark.parametrize("until", ["analyzing", "moving", "placed"])
def test_what_a_dead_worker_held_comes_to_a_true_state_and_stays_there(
    session, inbox, library, owner, until
):
    leave_behind(session, owner, until=until)
    end_lease()

    assert sweeper.sweep()["items_recovered"] == 3

    assert not ImportItem.objects.filter(state__in=WORK).exists()
    after = everything()
    assert sweeper.sweep() == {}
    assert everything() == after
    assert_whole(finish(session), inbox, library)


def test_a_living_lease_is_left_alone(session):
    leave_behind(session, AWAY, until="moving")
    StateSynchronizer().sync_session_with_items(session.pk)
    before = everything()

    assert sweeper.sweep() == {}
    assert everything() == before


def test_a_worker_that_was_only_thought_dead_cannot_write(session, inbox, library):
    with open_desk(session) as desk:
        batch = claim(session.pk, AWAY)
        for work in batch:
            analyse(desk, work)
        check(desk, batch, AWAY)
        end_lease()
        sweeper.sweep()

        place(desk, batch)  # it wakes up and moves the files all the same
        with pytest.raises(door.StaleRows):
            settle(desk, batch, AWAY)

    finish(session)
    sweeper.sweep()
    assert_whole(ImportSession.objects.get(pk=session.pk), inbox, library)


@pytest.mark.parametrize("retried", [False, True])
def test_what_a_late_worker_placed_after_it_was_called_missing_is_found(
    session, inbox, library, retried
):
    leave_behind(session, AWAY, until="moving")
    end_lease()
    sweeper.sweep()
    contents = {name: (inbox / name).read_bytes() for name in os.listdir(inbox)}
    for name in contents:
        (inbox / name).unlink()
    assert finish(session).counts["missing"] == 3
    if retried:
        sessions.resume(session.pk, actor=SYSTEM)
        assert finish(session).counts["missing"] == 3
    for item in ImportItem.objects.all():  # now it wakes up
        place = library / item.destination
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(contents[item.shown_path])

    assert sweeper.sweep()["items_found"] == 3

    assert_whole(ImportSession.objects.get(pk=session.pk), inbox, library)
    assert sweeper.sweep() == {}


def test_nothing_is_called_missing_while_the_source_is_away(session, inbox, library):
    leave_behind(session, DEAD, until="moving")
    os.rename(inbox, f"{inbox}-away")

    sweeper.sweep()

    assert set(ImportItem.objects.values_list("state", flat=True)) == {"pending"}
    os.rename(f"{inbox}-away", inbox)
    assert_whole(finish(session), inbox, library)


def test_a_session_whose_last_two_items_finished_at_one_instant_is_closed(session):
    work_here(session.pk, lambda: False)
    assert ImportSession.objects.get(pk=session.pk).state != "imported"

    assert sweeper.sweep()["sessions_moved"] == 1

    assert ImportSession.objects.get(pk=session.pk).state == "imported"
    assert sweeper.sweep() == {}


def test_a_source_that_is_due_is_released(session, inbox, library):
    finish(session)
    item = ImportItem.objects.order_by("pk").first()
    (inbox / os.fsdecode(bytes(item.path))).write_bytes((library / item.destination).read_bytes())
    ImportItem.objects.filter(pk=item.pk).update(source_disposition="release_due")

    assert sweeper.sweep() == {"sources_released": 1}

    assert os.listdir(inbox) == []
    assert sweeper.sweep() == {}


def test_a_source_whose_copy_is_gone_is_kept(session, inbox, library):
    finish(session)
    item = ImportItem.objects.order_by("pk").first()
    path = inbox / os.fsdecode(bytes(item.path))
    path.write_bytes((library / item.destination).read_bytes())
    ImportItem.objects.filter(pk=item.pk).update(source_disposition="release_due")
    (library / item.destination).unlink()

    assert sweeper.sweep() == {}
    assert path.exists()


@pytest.mark.parametrize("code", [ErrorCode.DISK_FULL, ErrorCode.SOURCE_MISSING])
def test_a_session_goes_on_only_when_its_trouble_is_proven_gone(session, inbox, code):
    os.rename(inbox, f"{inbox}-away")
    break_off(session.pk, ImportProblem(code, path=os.fsencode(inbox)), SYSTEM)
    before = everything()

    assert sweeper.sweep() == {}
    assert everything() == before
    os.rename(f"{inbox}-away", inbox)
    assert sweeper.sweep() == {"sessions_reopened": 1, "incidents_resolved": 1}

    assert ImportSession.objects.get(pk=session.pk).state == "expanding"
    assert sweeper.sweep() == {}
    background.advance(session.pk, should_stop=lambda: False)
    assert ImportSession.objects.get(pk=session.pk).state == "imported"


def test_a_session_in_error_for_another_reason_waits_for_its_operator(session):
    break_off(session.pk, ImportProblem(ErrorCode.IO_ERROR), SYSTEM)

    assert sweeper.sweep() == {}
    assert ImportSession.objects.get(pk=session.pk).state == "error"


def test_an_empty_mount_point_is_an_error_of_the_session_and_no_loss_of_files(session, inbox):
    os.rename(inbox, f"{inbox}-away")
    inbox.mkdir()

    with pytest.raises(ImportProblem) as refusal:
        work_here(session.pk, lambda: False)

    assert refusal.value.code == ErrorCode.SOURCE_MISSING
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"pending"}


def test_a_session_that_breaks_off_is_in_error_only_when_no_file_is_in_work(session):
    batch = claim(session.pk, AWAY)
    break_off(session.pk, ImportProblem(ErrorCode.IO_ERROR), SYSTEM)

    halted = ImportSession.objects.get(pk=session.pk)
    assert (halted.state, halted.error_code) == ("importing", "io_error")
    assert claim(session.pk, SYSTEM) == []

    with open_desk(halted) as desk:
        for work in batch:
            work.release("The worker was told to stop.")
        check(desk, batch, AWAY)
    sweeper.sweep()

    stopped = ImportSession.objects.get(pk=session.pk)
    assert (stopped.state, stopped.error_code) == ("error", "io_error")
    assert AuditLog.objects.get(action="session.break_off").reason == stopped.failure["summary"]
    assert AuditLog.objects.get(action="session.diagnose").recommended_actions


def test_a_second_failure_does_not_hide_the_first_and_a_session_at_rest_takes_none(session):
    for code in (ErrorCode.IO_ERROR, ErrorCode.DISK_FULL):
        break_off(session.pk, ImportProblem(code), SYSTEM)
    assert ImportSession.objects.get(pk=session.pk).error_code == "io_error"

    sessions.offer_again(session.pk, actor=SYSTEM)
    background.start(session.pk, actor=SYSTEM)
    background.advance(session.pk, should_stop=lambda: False)
    break_off(session.pk, ImportProblem(ErrorCode.IO_ERROR), SYSTEM)

    done = ImportSession.objects.get(pk=session.pk)
    assert (done.state, done.error_code) == ("imported", "")


def test_an_operator_who_resumes_before_the_session_has_stopped_takes_the_failure_back(session):
    claim(session.pk, AWAY)
    break_off(session.pk, ImportProblem(ErrorCode.IO_ERROR), SYSTEM)

    sessions.offer_again(session.pk, actor=SYSTEM)

    resumed = ImportSession.objects.get(pk=session.pk)
    assert (resumed.state, resumed.error_code, resumed.failure) == ("importing", "", {})
    end_lease()
    sweeper.sweep()
    assert finish(session).state == "imported"


def test_a_file_that_ends_its_worker_again_and_again_is_set_aside_and_the_rest_goes_on(
    session, inbox, library
):
    pill = ImportItem.objects.order_by("pk").first()
    for _ in range(20):
        batch = claim(session.pk, DEAD)
        if pill.pk not in {work.item_id for work in batch}:
            break
        sweeper.sweep()  # the worker that has the pill dies
    with open_desk(session) as desk:
        for work in batch:
            work.release("The test gives it back.")
        check(desk, batch, DEAD)
    done = finish(session)

    pill.refresh_from_db()
    assert (pill.state, pill.error_code, pill.deaths) == ("failed", "poison", 3)
    assert pill.failure["recommended_actions"]
    assert (done.state, done.counts["imported"]) == ("failed", 2)
    assert (inbox / os.fsdecode(bytes(pill.path))).exists()


@pytest.mark.parametrize(("deaths", "sizes"), [(0, [3]), (1, [2, 1]), (2, [1, 1, 1])])
def test_the_more_workers_died_with_a_file_the_fewer_go_with_it(
    session, monkeypatch, deaths, sizes
):
    monkeypatch.setattr(claiming, "SUSPECTS", 2)
    ImportItem.objects.update(deaths=deaths)

    assert [len(claim(session.pk, AWAY)) for _ in sizes] == sizes
    assert claim(session.pk, AWAY) == []


def test_a_suspect_takes_no_innocent_file_with_it(session):
    second = ImportItem.objects.order_by("pk")[1]
    ImportItem.objects.filter(pk=second.pk).update(deaths=1)

    batches = [[work.item_id for work in claim(session.pk, AWAY)] for _ in range(4)]

    assert [len(batch) for batch in batches] == [1, 1, 1, 0]
    assert batches[1] == [second.pk]


def test_a_trouble_that_may_pass_is_tried_again_and_then_fails(session, inbox, settings):
    settings.PHOTONEST_RETRIES = 2
    path = inbox / "1.jpg"
    waits = []
    with path.open("ab"):  # somebody still writes it
        for _ in range(3):
            finish_once(session)
            item = ImportItem.objects.get(shown_path="1.jpg")
            if item.state == "failed":
                break
            waits.append((item.next_attempt_at - item.state_changed_at).total_seconds())
            ImportItem.objects.filter(pk=item.pk).update(next_attempt_at=None)

    assert (item.state, item.error_code, item.retries) == ("failed", "source_busy", 2)
    assert 0.4 < waits[0] < 1.1 and 1.9 < waits[1] < 4.1
    assert ImportItem.objects.filter(state="imported").count() == 2


def finish_once(session):
    """One pass over what is due, without waiting for what is not."""
    from local_import.pipeline.worker import run_batch

    with open_desk(session) as desk:
        batch = claim(session.pk, SYSTEM)
        while batch:
            batch = run_batch(desk, batch, SYSTEM, lambda: False)


def test_a_worker_that_was_out_of_touch_stops_by_itself(session, monkeypatch):
    monkeypatch.setattr(leases, "SAFE_S", -1.0)

    with pytest.raises(LeaseLost):
        work_here(session.pk, lambda: False)

    assert not ImportItem.objects.filter(state__in=WORK).exists()


def test_a_heartbeat_extends_the_lease_and_tells_of_the_worker(session):
    me = Actor("this-host:1:1")
    with Lease(me, session.pk, queue="imports") as lease:
        claim(session.pk, me)
        end_lease()
        lease.renew()
        worker = Worker.objects.get()
        ends = set(ImportItem.objects.filter(owner=me.name).values_list("lease_until", flat=True))

    assert (worker.name, worker.queue, worker.session_id) == (me.name, "imports", session.pk)
    assert min(ends) > worker.heartbeat_at + leases.LEASE / 2
    assert not Worker.objects.exists()


def test_the_command_tells_what_was_done(session, capsys):
    leave_behind(session, DEAD, until="analyzing")

    call_command("sweep", "--json")
    assert json.loads(capsys.readouterr().out) == {"items_recovered": 3, "workers_called": 1}

    call_command("sweep")
    assert capsys.readouterr().out == "Nothing was left behind.\n"


def test_a_closed_session_whose_file_waits_again_is_opened_by_the_sweep(session, inbox):
    (inbox / "1.jpg").write_bytes(b"")
    os.truncate(inbox / "2.jpg", 100)
    assert finish(session).state == "failed"
    damaged = ImportItem.objects.get(state="failed")
    door.move(ImportItem, damaged.pk, Step("requeue", "Its process died just here."))

    sweeper.sweep()

    assert ImportSession.objects.get(pk=session.pk).state == "importing"
    assert sweeper.sweep() == {}


def test_a_source_that_cannot_be_listed_is_an_error_of_the_session_and_no_file_of_it(
    inbox, library, monkeypatch
):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    pk = sessions.create(os.fsencode(inbox)).pk

    def refuse(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("local_import.fsops.walking.os.scandir", refuse)
        background.start(pk, actor=SYSTEM)
        background.advance(pk, should_stop=lambda: False)

    session = ImportSession.objects.get(pk=pk)
    assert (session.state, session.error_code) == ("error", "permission_denied")
    assert not ImportItem.objects.exists()
    sweeper.sweep()
    background.advance(pk, should_stop=lambda: False)
    assert ImportSession.objects.get(pk=pk).state == "imported"
