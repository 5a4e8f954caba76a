"""Explain: whatever is asked for is found, and whatever waits says what it waits for."""

import json
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from kombu import Connection

from local_import import door, doorbell, incidents, names, operations
from local_import.audit_logger import Actor
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, ImportSession, Worker
from local_import.pipeline import flags
from local_import.pipeline.lease import LEASE
from local_import.processes import identity
from local_import.services import sessions
from local_import.services.explain import explain
from local_import.services.explain.catalogue import OFFERS, SENTENCES, About
from local_import.states import SESSION_RUNNING, ItemState, SessionState
from tests.builders import content_of, make_item, make_media, make_session
from tests.photos import jpeg
from tests.test_docs import reference, rows_by_code, section
from tests.test_incidents import fail_many, import_all, import_item

OPERATOR = Actor("operator")
UNFINISHED = ("pending", "analyzing", "checking", "moving", "updating")
pytestmark = pytest.mark.django_db


def explained(target):
    answer = explain(str(target))
    assert answer.explanation is not None, (answer.candidates, answer.looked)
    return answer.explanation


def codes(target, about=None):
    return [s.code for s in explained(target).sentences if about in (None, s.about)]


def actions(target):
    return [action.code for action in explained(target).actions]


def running_session(**values):
    """A session that may be worked at, as background.start leaves it."""
    session = make_session("expanding", **values)
    ImportSession.objects.filter(pk=session.pk).update(
        started_at=timezone.now(), walked_at=timezone.now(), planned_at=timezone.now()
    )
    return ImportSession.objects.get(pk=session.pk)


def make_worker(session, name="elsewhere:1:1", heard=timedelta(0)):
    now = timezone.now()
    return Worker.objects.create(
        name=name,
        host="elsewhere",
        pid=1,
        session=session,
        started_at=now,
        heartbeat_at=now - heard,
    )


def beat(last=timedelta(0), **values):
    every = IntervalSchedule.objects.create(every=30, period="seconds")
    return PeriodicTask.objects.create(
        name="sweep",
        task="local_import.sweep",
        interval=every,
        last_run_at=timezone.now() - last,
        **values,
    )


# What is asked for


@pytest.fixture
def item():
    return import_item(make_item(make_session("ready", b"/inbox"), b"2019/a b.jpg"))


@pytest.mark.parametrize(
    "target",
    [
        "item:{item.pk}",
        "/inbox/2019/a b.jpg",
        "/inbox/2019/../2019/a b.jpg",
        "path:/inbox/2019/a b.jpg",
        "2019/a b.jpg",
        "a b.jpg",
        "{item.sha256}",
        "{upper}",
        "{prefix}",
        "sha256:{prefix}",
        "{item.destination}",
        "{library}/{item.destination}",
    ],
)
def test_an_item_is_found_by_whatever_names_it(item, target, settings):
    facts = {
        "item": item,
        "upper": item.sha256.upper(),
        "prefix": item.sha256[:8],
        "library": settings.PHOTONEST_LIBRARY,
    }

    assert explained(target.format(**facts)).target == f"item:{item.pk}"


def test_a_file_of_the_library_is_found_by_its_name_alone():
    name = "20190102_030405_local_abcdef01.jpg"
    make_media(path=f"2019/01/02/{name}")

    assert codes(name) == ["media_state", "next_done"]


def test_an_item_is_found_by_the_id_that_another_importer_gave_it():
    item = make_item(external_id="card-7/IMG_1.jpg")

    assert explained("card-7/IMG_1.jpg").target == f"item:{item.pk}"


@pytest.mark.parametrize(
    "name", [b"caf\xe9.jpg", b"a\nb.jpg", b"back\\slash.jpg", "é.jpg".encode()]
)
@pytest.mark.parametrize("spelling", [os.fsdecode, names.shown])
def test_a_file_is_found_by_its_bytes_and_by_what_the_screen_shows(name, spelling):
    item = make_item(make_session(source=b"/in\xffbox"), b"x/" + name)

    for asked in (name, b"x/" + name, b"/in\xffbox/x/" + name):
        assert explained(spelling(asked)).target == f"item:{item.pk}"


def test_a_path_through_a_link_leads_to_the_file_behind_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    item = make_item(make_session(source=os.fsencode(tmp_path / "real")), b"a.jpg")

    assert explained(tmp_path / "link" / "a.jpg").target == f"item:{item.pk}"
    assert explained("./a.jpg").target == f"item:{item.pk}"


@pytest.mark.parametrize("state", ["failed", "pending", "skipped", "missing", "moving", "updating"])
def test_bytes_that_are_not_in_the_library_are_found_by_their_hash(state):
    item = make_item(state=state)
    digits = content_of(b"found")
    ImportItem.objects.filter(pk=item.pk).update(sha256=digits)

    assert explained(digits[:10]).target == f"item:{item.pk}"


def test_of_one_path_in_many_sessions_the_newest_item_speaks_and_names_the_others():
    first, second = make_item(make_session()), make_item(make_session())

    explanation = explained("/inbox/a.jpg")

    assert explanation.target == f"item:{second.pk}"
    (other,) = [s for s in explanation.sentences if s.code == "also_known"]
    assert other.evidence["target"] == f"item:{first.pk}"


def test_of_one_content_the_item_that_brought_it_speaks(library):
    media = make_media()
    duplicate = make_item(make_session(), b"b.jpg")
    door.move(
        ImportItem,
        duplicate.pk,
        Step("skip", "Twin.", {"skip_reason": "duplicate", "media_id": media.pk}),
    )
    original = import_item(make_item(make_session(), b"a.jpg"))

    assert explained(media.sha256).target == f"item:{original.pk}"
    assert "also_known" in codes(media.sha256)


def test_an_ambiguous_target_lists_its_candidates_each_by_a_name_that_is_not():
    session = make_session()
    made = [make_item(session, path) for path in (b"1/a.jpg", b"2/a.jpg")]

    answer = explain("a.jpg")

    assert answer.explanation is None
    assert {one.target for one in answer.candidates} == {f"item:{item.pk}" for item in made}
    for one in answer.candidates:
        assert explained(one.target).target == one.target


def test_a_number_of_a_session_and_an_item_is_ambiguous():
    session = make_session()
    item = make_item(session, pk=session.pk)
    ImportSession.objects.filter(pk=session.pk).update(label="\x1b[31m")

    answer = explain(str(item.pk))

    assert [one.kind for one in answer.candidates] == ["session", "item"]
    assert "\x1b" not in answer.candidates[0].label


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "item:",
        "item:x",
        "session:999999999999999999999",
        "nothing.jpg",
        "deadbeef" * 8,
        "a\0b",
        "\\",
        "path:",
        "é" * 5000,
        "/elsewhere/a.jpg",
    ],
)
def test_an_unknown_target_says_where_was_looked(target):
    answer = explain(target)

    assert (answer.explanation, answer.candidates) == (None, [])
    assert answer.looked or target in ("session:999999999999999999999", "path:", "")


# Files that no session recorded


@pytest.fixture
def walked(inbox, library):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (inbox / ".thumbs").mkdir()
    (inbox / ".thumbs" / "b.jpg").write_bytes(jpeg(2))
    (inbox / "Thumbs.db").write_bytes(b"x")
    (inbox / "link.jpg").symlink_to(inbox / "a.jpg")
    session = sessions.create(os.fsencode(inbox))
    import_all(session)
    return session


@pytest.mark.parametrize("name", [".thumbs/b.jpg", "Thumbs.db", "link.jpg"])
def test_a_file_that_was_left_out_says_by_which_rule(walked, inbox, name):
    explanation = explained(inbox / name)

    assert [s.code for s in explanation.sentences] == ["not_recorded", "left_out", "next_operator"]
    assert explanation.kind == "file"


def test_a_file_that_came_after_the_walk_says_so(walked, inbox):
    (inbox / "late.jpg").write_bytes(jpeg(3))
    soon = timezone.now().timestamp() + 10
    os.utime(inbox / "late.jpg", (soon, soon))

    assert "came_later" in codes(inbox / "late.jpg")
    assert "rescan_source" in actions(inbox / "late.jpg")


def test_an_old_file_that_was_brought_after_the_walk_says_so(walked, inbox):
    (inbox / "old.jpg").write_bytes(jpeg(3))
    os.utime(inbox / "old.jpg", (1, 1))

    assert "walked_past" in codes(inbox / "old.jpg")


def test_a_file_that_is_nowhere_says_so(walked, inbox):
    assert "not_on_disk" in codes(inbox / "nowhere.jpg")


def test_a_source_that_is_gone_is_no_reason_to_say_nothing():
    session = make_session(source=b"/nonexistent/inbox")

    assert codes("/nonexistent/inbox/a.jpg")[1] == "disk_silent"
    assert f"session:{session.pk}" in str(explained("/nonexistent/inbox/a.jpg").actions)


# Why it is so


def test_a_failed_item_tells_its_failure_its_incident_and_the_record_of_the_advice():
    session = make_session("importing")
    made = fail_many(session, ["/inbox/a.jpg", "/inbox/b.jpg", "/inbox/c.jpg"])
    operations.carry_out("retry", f"item:{made[0].pk}", actor=OPERATOR, reason="Mended.")
    import_item(ImportItem.objects.get(pk=made[0].pk))
    incident = ImportItem.objects.get(pk=made[1].pk).incident
    incidents.acknowledge(incident.pk, actor=OPERATOR, reason="On it.")

    explanation = explained(f"item:{made[1].pk}")

    said = {s.code: s for s in explanation.sentences}
    assert said["failure"].evidence["code"] == "permission_denied"
    assert said["one_of_incident"].evidence["number"] == 2
    assert said["acknowledged"].evidence["reason"] == "On it."
    assert said["advice_record_here"].evidence == {
        "incident": incident.pk,
        "tried": 1,
        "imported": 1,
        "failed_again": 0,
        "otherwise": 0,
        "is_cut": False,
    }
    assert said["next_operator"]
    offered = [action.code for action in explanation.actions]
    assert offered.index("retry_incident") > 0  # first what was recorded with the failure


def test_what_was_seen_and_the_coded_actions_of_a_failure_are_told():
    failure = {
        "code": "damaged",
        "summary": "It is damaged.",
        "diagnosis": "It breaks off.",
        "seen": ["It ends at byte 7."],
        "seen_at": "2026-11-25T00:00:00+00:00",
        "actions": [
            {
                "code": "retry",
                "text": "Try again.",
                "command": "x 'a b'",
                "operation": "retry",
                "target": "item:1",
                "then": "y",
            }
        ],
    }
    values = {"error_code": "damaged", "failure": failure}
    item = door.move(ImportItem, make_item().pk, Step("fail", "Broken.", values))

    explanation = explained(f"item:{item.pk}")

    assert "It ends at byte 7." in [s.text for s in explanation.sentences]
    assert explanation.actions[0].as_json() == failure["actions"][0]


def test_a_duplicate_names_the_file_of_the_library_and_who_brought_it():
    original = import_item(make_item(make_session(), b"a.jpg"))
    item = make_item(make_session(), b"b.jpg")
    values = {"skip_reason": "duplicate", "media_id": original.media_id}
    door.move(ImportItem, item.pk, Step("skip", "Twin.", values))

    said = {s.code: s for s in explained(f"item:{item.pk}").sentences}

    assert said["duplicate_of"].evidence["library_path"] == original.media.path
    assert said["duplicate_brought_by"].evidence["item"] == original.pk


def test_the_reason_and_the_actor_come_from_the_audit_log_with_its_row():
    item = make_item(state="failed")
    operations.carry_out("dismiss", f"item:{item.pk}", actor=OPERATOR, reason="It is no photo.")

    (moved,) = [s for s in explained(f"item:{item.pk}").sentences if s.code == "moved_by"]

    row = AuditLog.objects.get(pk=moved.evidence["audit"])
    assert (row.actor, row.to_state) == ("operator", "skipped")
    assert "It is no photo." in moved.text


def test_an_item_of_which_no_audit_row_is_left_says_so():
    item = make_item()  # made past the scan, which writes the first row
    assert not item.audit_rows.exists()

    assert "history_gone" in codes(f"item:{item.pk}")


@pytest.mark.parametrize("state", SessionState)
def test_every_session_tells_who_brought_it_to_its_state_and_what_happens_next(state):
    session = make_session(state.value)

    told = codes(f"session:{session.pk}")

    assert told[0] == "session_state"
    assert "moved_by" in told or state == SessionState.PENDING
    assert any(SENTENCES[code][0] == About.NEXT for code in told)


@pytest.mark.parametrize("state", ItemState)
def test_every_item_tells_how_it_came_there_and_what_happens_next(state):
    told = codes(f"item:{make_item(state=state.value).pk}")

    assert told[0] == "item_state"
    assert {"moved_by", "found_by", "history_gone"} & set(told)
    assert any(SENTENCES[code][0] == About.NEXT for code in told)


def test_a_session_in_error_names_the_others_that_the_same_cause_stops():
    stopped = [running_session(), running_session(source=b"/card")]
    for session in stopped:
        break_off(session)
    incident = ImportSession.objects.get(pk=stopped[0].pk).incident_id

    explanation = explained(f"session:{stopped[0].pk}")

    (said,) = [s for s in explanation.sentences if s.code == "sessions_alike"]
    assert said.evidence == {"number": 2, "incident": incident}
    offered = [action.then for action in explanation.actions]
    assert f"python manage.py import_retry --incident {incident}" in offered


def test_an_incident_explains_itself():
    session = make_session("importing")
    made = fail_many(session, ["/inbox/a.jpg", "/inbox/b.jpg"])
    incident = ImportItem.objects.get(pk=made[0].pk).incident

    explanation = explained(f"incident:{incident.pk}")

    said = {s.code: s for s in explanation.sentences}
    assert said["incident_holds"].evidence == {"files": 2, "sessions": 1}
    offered = [action.code for action in explanation.actions]
    assert offered[-2:] == ["retry_incident", "acknowledge_incident"]


# What it waits for


def pause(session):
    flags.pause(session.pk, actor=OPERATOR, reason="Nights only.")


def cancel(session):
    flags.ask_to_cancel(session.pk, actor=OPERATOR, reason="No.")


def break_off(session):
    evidence = {"path": "/library"}
    failure = {"summary": "The disk is full.", "evidence": evidence}
    values = {"error_code": "disk_full", "failure": failure}
    door.move(ImportSession, session.pk, Step("break_off", "Full.", values))


def set_columns(**values):
    """Times are given as what is to be added to the moment of the test."""

    def bring(session):
        now = timezone.now()
        moments = {k: now + v for k, v in values.items() if isinstance(v, timedelta)}
        ImportSession.objects.filter(pk=session.pk).update(**(values | moments))

    return bring


undo = set_columns(
    undo_requested_at=timedelta(0), undo_requested_by="operator", undo_reason="Wrong card."
)
SITUATIONS = {
    "paused": (pause, "resume_session"),
    "cancel_under_way": (cancel, "resume_session"),
    "undo_under_way": (undo, "finish_undo"),
    "session_error": (break_off, "resume_session"),
    "no_worker_alive": (lambda session: None, "start_worker"),
    "workers_not_called": (lambda session: None, "sweep"),
    "workers_called": (
        set_columns(unanswered_rings=1, rung_at=timedelta(0)),
        "start_worker",
    ),
    "no_worker_came": (
        set_columns(unanswered_rings=2, rung_at=-5 * doorbell.PATIENCE),
        "start_worker",
    ),
    "runner_gone": (
        set_columns(runner=f"{identity().rpartition(':')[0]}:1", runner_lease_until=LEASE),
        "start_worker",
    ),
    "runner_here": (
        set_columns(runner="far:1:1", runner_lease_until=timedelta(days=9)),
        "see_audit",
    ),
    "being_walked": (
        set_columns(
            runner="far:1:1",
            runner_lease_until=timedelta(days=9),
            walked_at=None,
        ),
        "see_audit",
    ),
    "workers_here": (make_worker, "see_audit"),
    "workers_idle": (lambda session: make_worker(None), "start_worker"),
    "session_breaking_off": (
        set_columns(error_code="disk_full", failure={"summary": "Full."}),
        "resume_session",
    ),
    "workers_elsewhere": (lambda session: make_worker(make_session()), "start_worker"),
    "sweep_never": (lambda session: None, "start_beat"),
    "sweep_off": (lambda session: beat(enabled=False), "switch_sweep_on"),
    "sweep_silent": (lambda session: beat(last=timedelta(hours=1)), "start_beat"),
}


@pytest.mark.parametrize("code", SITUATIONS)
def test_a_pending_item_names_what_it_waits_for(code):
    bring, offer = SITUATIONS[code]
    session = running_session()
    item = make_item(session)
    bring(session)

    assert code in codes(f"item:{item.pk}", About.WAITS)
    assert code in codes(f"session:{session.pk}", About.WAITS)
    assert offer in actions(f"item:{item.pk}")


def test_a_sweep_that_ran_a_moment_ago_is_no_reason():
    beat()
    item = make_item(running_session())

    assert not {c for c in codes(f"item:{item.pk}") if c.startswith("sweep")}


def test_a_broker_that_cannot_be_reached_is_named_without_its_password(monkeypatch):
    from celery import current_app

    monkeypatch.setattr(
        current_app, "connection_for_write", lambda: Connection("redis://:secret@127.0.0.1:1//")
    )
    item = make_item(running_session())

    (said,) = [s for s in explained(f"item:{item.pk}").sentences if s.code == "broker_gone"]

    assert "127.0.0.1:1" in said.text
    assert "secret" not in json.dumps(said.as_json())


def test_a_file_that_is_tried_again_later_says_when():
    item = make_item(running_session(), state="analyzing")
    due = timezone.now() + timedelta(hours=1)
    door.move(ImportItem, item.pk, Step("release", "Busy.", {"next_attempt_at": due}))

    explanation = explained(f"item:{item.pk}")

    (said,) = explanation.of(About.WAITS)
    assert (said.code, said.evidence["due"]) == ("due_later", due.isoformat())
    assert codes(f"session:{item.session_id}", About.WAITS) == ["due_later"]


def test_a_file_tells_how_many_come_before_it():
    session = running_session()
    made = [make_item(session, b"%d.jpg" % n) for n in range(3)]

    (said,) = [s for s in explained(f"item:{made[2].pk}").sentences if s.code == "others_first"]

    assert said.evidence["number"] == 2


def test_a_file_whose_bytes_another_session_is_moving_names_it():
    twin = make_item(make_session(), b"a.jpg", state="moving")
    item = make_item(running_session(), b"b.jpg")
    ImportItem.objects.filter(pk=item.pk).update(sha256=twin.sha256)

    (said,) = [s for s in explained(f"item:{item.pk}").sentences if s.code == "same_bytes_moving"]

    assert (said.evidence["item"], said.evidence["session"]) == (twin.pk, twin.session_id)


def test_a_file_with_which_workers_died_says_so():
    item = make_item(running_session(), state="analyzing")
    door.move(ImportItem, item.pk, Step("release", "Its worker ended.", {"died": True}))

    assert "workers_died" in codes(f"item:{item.pk}", About.WHY)


HOLDERS = {
    "worker_busy": {"heard": timedelta(0)},
    "worker_silent": {"heard": timedelta(seconds=45)},
    "worker_unknown": None,
}


@pytest.mark.parametrize("code", HOLDERS)
def test_an_item_in_work_names_its_worker_and_how_fresh_its_heartbeat_is(code):
    item = make_item(running_session(), state="analyzing")
    if HOLDERS[code] is not None:
        make_worker(item.session, item.owner, **HOLDERS[code])

    assert codes(f"item:{item.pk}", About.WAITS) == [code]


def test_an_item_whose_lease_is_over_or_whose_worker_is_gone_is_taken_back_by_the_sweep():
    item = make_item(running_session(), state="analyzing")
    rows = ImportItem.objects.filter(pk=item.pk)

    rows.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert codes(f"item:{item.pk}", About.WAITS) == ["lease_over"]
    rows.update(owner=f"{identity().rpartition(':')[0]}:1")
    assert codes(f"item:{item.pk}", About.WAITS) == ["worker_gone"]
    assert codes(f"item:{item.pk}", About.NEXT) == ["next_sweep"]
    assert "sweep" in actions(f"item:{item.pk}")


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("item_state", UNFINISHED)
@pytest.mark.parametrize("flag", [None, pause, cancel, undo])
def test_nobody_waits_for_nothing(state, item_state, flag):
    """Law 11, over every pair of states, also those that should not be."""
    session = make_session(state.value)
    item = make_item(session, state=item_state)
    if flag is not None:
        flag(session)

    for target in (f"item:{item.pk}", f"session:{session.pk}"):
        waits = codes(target, About.WAITS)
        is_item = target.startswith("item")
        assert waits or not (is_item or state in SESSION_RUNNING), target
        assert "unexplained" not in waits
        assert codes(target, About.NEXT)


def test_a_running_session_of_which_all_is_at_rest_says_that_the_sweep_moves_it():
    session = running_session()
    make_item(session, state="skipped")

    assert codes(f"session:{session.pk}", About.WAITS) == ["session_behind"]
    assert "sweep" in actions(f"session:{session.pk}")


# How it is said


def test_the_number_of_queries_does_not_depend_on_the_number_of_files(
    django_assert_max_num_queries,
):
    session = running_session()
    fail_many(session, [f"/inbox/{n}.jpg" for n in range(300)])
    item = make_item(session, b"waiting.jpg")

    for target in ("waiting.jpg", f"session:{session.pk}", "/inbox/waiting.jpg"):
        with django_assert_max_num_queries(25):
            explain(target)
    assert item.pk


def test_no_explanation_reads_a_large_table_from_end_to_end():
    """What is fast here must be fast at a million items: the planner is asked how it goes about it."""
    session = running_session()
    failed = fail_many(session, ["/inbox/1.jpg", "/inbox/2.jpg"])[0]
    done = import_item(make_item(session, b"done.jpg"))
    waiting = make_item(session, b"x/waiting.jpg")
    ImportItem.objects.filter(pk=waiting.pk).update(sha256="ab" * 32)
    targets = [f"item:{i.pk}" for i in (failed, done, waiting)]
    targets += [f"session:{session.pk}", "incident:1", "done.jpg", "x/waiting.jpg", "7"]
    targets += ["/inbox/x/waiting.jpg", "/inbox/nothing.jpg", "nothing.jpg", done.destination]
    targets += [done.sha256, done.sha256[:9], "ab" * 32, "0" * 64]
    seen = []

    def note(execute, sql, params, many, context):
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        for target in targets:
            explain(target)

    assert len(seen) > 50
    for sql, params in {query[0]: query for query in seen}.values():
        assert not scanned_tables(sql, params) & {"local_import_item", "local_import_audit_log"}, (
            sql
        )


def scanned_tables(sql, params):
    """The tables that a query reads whole, in the plan that the database makes for it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET LOCAL enable_seqscan = off"
            )  # or it scans because there are few rows
            cursor.execute(f"EXPLAIN {sql}", params)
            found = "Seq Scan on ([a-z_]+)"
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
            found = "SCAN ([a-z_]+)"
        return {table for row in cursor.fetchall() for table in re.findall(found, str(row[-1]))}


def test_nothing_is_written_by_an_explanation():
    item = make_item(running_session(), state="failed")
    before = list(ImportItem.objects.values()), AuditLog.objects.count()

    explain(f"item:{item.pk}")

    assert (list(ImportItem.objects.values()), AuditLog.objects.count()) == before


def test_names_and_reasons_by_strangers_cannot_disturb_a_terminal(capsys):
    item = make_item(running_session(), b"\x1b[31m\xe2\x80\xae.jpg")
    flags.pause(item.session_id, actor=Actor("\x1b]0;x\x07"), reason="a\rb\u202e" + "x" * 100_000)

    call_command("explain", f"item:{item.pk}")

    printed = capsys.readouterr().out
    assert len(printed) < 20_000
    assert all(line.isprintable() for line in printed.splitlines())


def test_the_command_prints_json_and_nothing_else_and_fails_when_nothing_is_found(capsys):
    item = make_item()

    call_command("explain", f"item:{item.pk}", json=True)
    found = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit) as ended:
        call_command("explain", "nothing.jpg", json=True)
    missed = json.loads(capsys.readouterr().out)

    assert found["explanation"]["target"] == f"item:{item.pk}"
    assert (ended.value.code, missed["explanation"]) == (1, None)
    assert missed["looked"]


def test_every_sentence_and_every_offer_is_used_and_documented():
    package = Path(explain.__code__.co_filename).parent
    source = "".join(p.read_text() for p in package.glob("*.py") if p.name != "catalogue.py")
    page = reference("explanations.md")

    used = set(re.findall(r'"([a-z_]+)"', source))

    assert set(SENTENCES) - {"unexplained"} <= used
    assert set(OFFERS) <= used
    listed = {code for about in About for code in rows_by_code(section(page, str(about.label)))}
    assert listed == set(SENTENCES)
    assert set(rows_by_code(section(page, "Actions"))) == set(OFFERS)


@pytest.mark.parametrize("code", SENTENCES)
def test_the_page_of_explanations_says_what_the_catalogue_says(code):
    about, text = SENTENCES[code]

    assert rows_by_code(section(reference("explanations.md"), str(about.label)))[code] == [
        str(text)
    ]


@pytest.mark.parametrize("code", OFFERS)
def test_the_page_of_explanations_says_of_each_action_what_it_does(code):
    offer = OFFERS[code]
    command = f"`{offer.shell}`" if offer.shell else ""

    row = rows_by_code(section(reference("explanations.md"), "Actions"))[code]
    operation = f"{offer.operation} `{offer.target}`" if offer.operation else ""
    assert row == [str(offer.text), operation, command]
