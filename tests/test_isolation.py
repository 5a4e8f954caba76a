"""One row's trouble is its own: no row, session, rule or notice keeps the others from their way."""

import os
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from local_import import door, formats, fsops
from local_import.alerts import channels, outbox
from local_import.audit_logger import SYSTEM, Actor
from local_import.consistency import findings, look
from local_import.door import Step
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media, Worker
from local_import.models.alert import AlertEvent
from local_import.pipeline import recover as recovering
from local_import.pipeline import run as running
from local_import.pipeline import settle as settling
from local_import.pipeline import worker as working
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.lease import NOBODY, Lease
from local_import.pipeline.recover import DEADLY
from local_import.pipeline.scan import scan
from local_import.pipeline.work import Verdict
from local_import.services import background, control, sessions, sweeper
from local_import.state_synchronizer import StateSynchronizer
from local_import.transactions import database_now
from tests import builders
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = Actor(f"{socket.gethostname()}:999999999:1")
AWAY = Actor("another-host:1:1")
ALONE = "4.jpg"


@pytest.fixture(params=["copy", "move"])
def mode(request):
    return request.param


@pytest.fixture
def photos(inbox):
    for number in range(10):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    return {path.name for path in inbox.iterdir()}


@pytest.fixture
def session(inbox, library, photos, mode):
    return sessions.create(os.fsencode(inbox), mode=mode)


def import_all(session):
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    return states()


def states():
    return dict(ImportItem.objects.values_list("shown_path", "state"))


def the(name=ALONE):
    return ImportItem.objects.get(shown_path=name)


def stands(library):
    """What the library lists, and what stands in it."""
    files = {str(p.relative_to(library)) for p in library.rglob("*.*") if p.is_file()}
    files = {p for p in files if not p.startswith((".", "quarantine"))}
    return set(Media.objects.values_list("path", flat=True)), files


def claims_too_much(monkeypatch):
    """A reader that passes no bounds says of one photo what no column takes."""
    look_at = formats.bounded

    def unbounded(found):
        return found._replace(width=2**64) if found.width == 65 else look_at(found)

    monkeypatch.setattr(formats, "bounded", unbounded)


def names_no_camera(monkeypatch):
    def unbounded(found):
        spoilt = found.exif._replace(make="\ud800")
        return found._replace(exif=spoilt) if found.width == 65 else found

    monkeypatch.setattr(formats, "bounded", unbounded)


REFUSED = {"width": (claims_too_much, str(2**64)), "camera_make": (names_no_camera, r"\ud800")}


@pytest.mark.parametrize("column", REFUSED)
def test_a_photo_whose_values_no_column_takes_fails_alone_and_names_it(
    session, inbox, library, photos, monkeypatch, column
):
    spoil, value = REFUSED[column]
    spoil(monkeypatch)
    content = jpeg(4, size=(65, 48))
    (inbox / ALONE).write_bytes(content)
    (inbox / "twin.jpg").write_bytes(content)

    found = import_all(session)

    bad = {ALONE, "twin.jpg"}
    assert found == dict.fromkeys(photos - bad, "imported") | dict.fromkeys(bad, "failed")
    for name in bad:
        assert the(name).error_code == "bad_value"
        assert column in the(name).failure["diagnosis"] and value in the(name).failure["diagnosis"]
        assert (inbox / name).read_bytes() == content
    listed, there = stands(library)
    assert listed == there and len(listed) == 9
    assert ImportSession.objects.get().state == "failed"


def test_a_file_of_which_not_even_the_failure_can_be_written_fails_in_the_end(
    session, inbox, photos, monkeypatch
):
    claims_too_much(monkeypatch)
    (inbox / ALONE).write_bytes(jpeg(4, size=(65, 48)))
    refused = Verdict("fail", "A text with \ud800.", {"failure": {"code": "unknown"}})
    monkeypatch.setattr(settling, "failed", lambda *_: refused)
    monkeypatch.setattr(running, "RENEW_EVERY_S", 0.1)

    assert import_all(session) == dict.fromkeys(photos, "imported") | {ALONE: "failed"}

    assert the().deaths == DEADLY - 1
    assert ImportSession.objects.get().state == "failed"


def test_an_intent_that_cannot_be_written_fails_alone(session, photos, monkeypatch):
    analyse = working.analyse

    def spoilt(desk, work, *rest):
        analyse(desk, work, *rest)
        if work.path == ALONE.encode():
            work.destination = "2019/\udc80.jpg"

    monkeypatch.setattr(working, "analyse", spoilt)

    found = import_all(session)

    assert found == dict.fromkeys(photos, "imported") | {ALONE: "failed"}


def moved_from_outside(work):
    step = Step("fail", "Somebody says so.", {"error_code": "damaged", "failure": builders.DAMAGED})
    door.move(ImportItem, work.item_id, step)


def after(monkeypatch, step, act):
    """Let something happen between a step of a batch and the next one, once."""
    did, acted = getattr(working, step), []

    def did_and_then(desk, batch, *rest):
        result = did(desk, batch, *rest)
        if not acted:
            acted.append(act(next(work for work in batch if work.path == ALONE.encode())))
        return result

    monkeypatch.setattr(working, step, did_and_then)


@pytest.mark.parametrize("step", ["claim", "check", "place"])
def test_an_item_that_is_moved_from_outside_keeps_no_other_of_its_batch(
    session, library, photos, monkeypatch, step
):
    if step == "claim":
        analyse = working.analyse

        def analysed(desk, work, *rest):
            analyse(desk, work, *rest)
            if work.path == ALONE.encode():
                moved_from_outside(work)

        monkeypatch.setattr(working, "analyse", analysed)
    else:
        after(monkeypatch, step, moved_from_outside)
    found = import_all(session)
    assert found == dict.fromkeys(photos, "imported") | {ALONE: "failed"}
    assert ImportItem.objects.held().count() == 0

    monkeypatch.undo()
    sessions.resume(session.pk, actor=SYSTEM)
    assert import_all(session) == dict.fromkeys(photos, "imported")
    listed, there = stands(library)
    assert listed == there and len(listed) == 10


def test_a_file_that_was_listed_anew_meanwhile_is_imported_with_its_row(
    session, library, photos, monkeypatch
):
    def rebuilt(work):
        builders.make_media(path=work.destination)
        Media.objects.update(sha256=work.sha256)

    after(monkeypatch, "place", rebuilt)

    assert import_all(session) == dict.fromkeys(photos, "imported")
    assert the().media.path == the().destination
    assert Media.objects.count() == 10


def test_a_file_whose_bytes_are_listed_under_another_name_meanwhile_is_a_duplicate(
    session, library, photos, monkeypatch
):
    def listed_otherwise(work):
        (library / "other.jpg").write_bytes(jpeg(4))
        builders.make_media(path="other.jpg")
        Media.objects.update(sha256=work.sha256)

    after(monkeypatch, "place", listed_otherwise)

    assert import_all(session) == dict.fromkeys(photos, "imported") | {ALONE: "skipped"}
    listed, there = stands(library)
    assert listed == there and len(listed) == 10


def test_a_worker_that_breaks_off_keeps_no_lease_by_its_heartbeat(session, library, monkeypatch):
    walked(session)
    me = Actor("this-host:1:1")

    def defect(*_):
        raise RuntimeError("a defect")

    monkeypatch.setattr(working, "place", defect)
    with open_desk(session) as desk, Lease(me, session.pk) as lease:
        with pytest.raises(RuntimeError):
            working.run_batch(desk, claim(session.pk, me), me, lambda: False)
        lease.renew()

        assert set(ImportItem.objects.values_list("state", "owner")) == {("moving", NOBODY)}
        assert sweeper.sweep()["items_recovered"] == 10

    assert set(ImportItem.objects.values_list("state", "owner")) == {("pending", "")}


def walked(session):
    door.move(ImportSession, session.pk, Step("start", "Started by the test."))
    with open_desk(session) as desk:
        scan(desk, SYSTEM, lambda: False)
    builders.walk(session)


def left_in_motion(session, owner):
    walked(session)
    with open_desk(session) as desk:
        batch = claim(session.pk, owner)
        for work in batch:
            working.analyse(desk, work)
        working.check(desk, batch, owner)
    ImportItem.objects.in_session(session.pk).update(
        lease_until=database_now() - timedelta(minutes=5)
    )
    StateSynchronizer().sync_session_with_items(session.pk)


@pytest.fixture
def defect(monkeypatch):
    """Something of one item that no recovery can do."""
    recover_one = recovering._recover_one

    def refuse(desk, item, actor):
        if item.shown_path == ALONE:
            raise OverflowError("Python int too large")
        recover_one(desk, item, actor)

    monkeypatch.setattr(recovering, "_recover_one", refuse)


@pytest.fixture
def behind(tmp_path, library):
    """A session that comes behind in every loop."""
    path = tmp_path / "behind"
    path.mkdir()
    (path / "behind.jpg").write_bytes(jpeg(77))
    return lambda: sessions.create(os.fsencode(path))


def finding_codes():
    report = look.take()
    findings.keep(report)
    return {suspect.rule for suspect in report.suspects}


@pytest.mark.parametrize("owner", [DEAD, AWAY], ids=["dead", "away"])
def test_an_item_that_cannot_be_recovered_stops_no_sweep_and_fails_in_the_end(
    session, behind, photos, defect, owner
):
    left_in_motion(session, owner)
    left_in_motion(behind(), owner)

    first = sweeper.sweep()

    assert first["not_swept"] == 1 and first["items_recovered"] == 10
    assert states() == dict.fromkeys([*photos, "behind.jpg"], "pending") | {ALONE: "moving"}
    assert "OverflowError" in ImportSession.objects.get(pk=session.pk).unswept
    assert finding_codes() == {"not_swept", "lease_ended"}
    for _ in range(DEADLY - 2):
        assert sweeper.sweep()["not_swept"] == 1
    assert the().deaths == DEADLY - 1

    assert "not_swept" not in sweeper.sweep()

    assert (the().state, the().error_code) == ("failed", "bad_value")
    assert ImportSession.objects.get(pk=session.pk).unswept == ""
    assert finding_codes() == set()
    told = AuditLog.objects.filter(action__in=["session.not_swept", "session.swept"])
    assert list(told.order_by("pk").values_list("action", flat=True)) == [
        "session.not_swept",
        "session.swept",
    ]


@pytest.mark.parametrize("verb", ["resume", "cancel"])
def test_an_operator_can_do_what_is_asked_while_an_item_cannot_be_recovered(
    session, photos, defect, monkeypatch, verb
):
    monkeypatch.setattr(running, "RENEW_EVERY_S", 0.1)  # an import looks after the dead as often
    left_in_motion(session, DEAD)
    sweeper.sweep()

    if verb == "resume":
        sessions.resume(session.pk, actor=SYSTEM)
        assert import_all(session) == dict.fromkeys(photos, "imported") | {ALONE: "failed"}
    else:
        control.cancel(session.pk, actor=SYSTEM, reason="")
    for _ in range(DEADLY):
        sweeper.sweep()

    ended = {"resume": "failed", "cancel": "canceled"}[verb]
    assert (the().state, ImportSession.objects.get().state) == ("failed", ended)


def test_the_command_of_the_sweep_tells_that_not_all_was_swept(session, defect, capsys):
    left_in_motion(session, DEAD)

    with pytest.raises(SystemExit) as ended:
        call_command("sweep")

    assert ended.value.code == 1
    assert "not swept: 1" in capsys.readouterr().out


def test_a_part_of_the_sweep_that_fails_keeps_no_other_part(session, monkeypatch):
    Worker.objects.create(
        name="old", host="", pid=1, version="", heartbeat_at=builders.MOMENT, started_at=builders.MOMENT
    )  # fmt: skip

    def fail(now):
        raise KeyError("a defect")

    monkeypatch.setattr(background, "with_work", fail)

    assert sweeper.sweep() == {"workers_forgotten": 1, "not_swept": 1}


def test_a_rule_that_cannot_be_asked_is_a_finding_and_keeps_no_other(session, monkeypatch):
    left_in_motion(session, AWAY)
    assert finding_codes() == {"lease_ended"}
    of_library = look.RULES["media_missing"].find

    def fail(look, keys):
        raise OSError(5, "Input/output error")

    for code, rule in look.RULES.items():
        if rule.find is look.RULES["lease_ended"].find or rule.find is of_library:
            monkeypatch.setitem(look.RULES, code, SimpleNamespace(**fields(rule) | {"find": fail}))

    assert "rule_not_asked" in finding_codes()
    standing = Finding.objects.exclude(state__in=["gone", "repaired"])
    assert "lease_ended" in standing.values_list("rule", flat=True)
    with pytest.raises(SystemExit):
        call_command("check_consistency")
    monkeypatch.undo()
    assert finding_codes() == {"lease_ended"}
    assert Finding.objects.get(rule="rule_not_asked", key="lease_ended").state == "gone"


def fields(rule):
    return {name: getattr(rule, name) for name in dir(rule) if not name.startswith("__")}


def test_a_notice_that_cannot_be_sent_keeps_no_other(monkeypatch):
    monkeypatch.setattr(channels, "configured", lambda: ["broken", "whole"])
    outbox.put(AlertEvent.FIRED, {"text": "x"}, database_now() - timedelta(seconds=1))

    def send(channel, *_):
        if channel == "broken":
            raise UnicodeEncodeError("ascii", "x", 0, 1, "a defect")

    monkeypatch.setattr(channels, "send", send)

    assert outbox.deliver() == {"delivered": 1, "given_up": 0, "failed": 1}


def test_a_file_effect_that_fails_in_the_recovery_is_no_fault_of_the_item(
    session, photos, monkeypatch
):
    left_in_motion(session, DEAD)

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(fsops, "discard", fail)
        for _ in range(DEADLY + 1):
            sweeper.sweep()
        assert set(states().values()) == {"moving"}

    sweeper.sweep()
    assert states() == dict.fromkeys(photos, "pending")
