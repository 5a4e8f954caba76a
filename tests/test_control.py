"""Pause, cancel, retry, resume: obeyed within a batch, recorded once, refused where impossible."""

import json
import os

import pytest
from django.core.management import call_command

from local_import import door, operations
from local_import.audit_logger import SYSTEM, Actor
from local_import.errors import ErrorCode, ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.pipeline import worker
from local_import.pipeline.claim import claim
from local_import.services import background, control, items
from local_import.states import ITEM_IN_WORK, SessionState
from tests.builders import make_item, make_session
from tests.photos import jpeg
from tests.test_import_photos import assert_library_is_true
from tests.test_interrupted_import import full_inbox, status, wait_for_imports  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("operator")
WAITING_OR_RUNNING = {"pending", "ready", "expanding", "processing", "enqueued", "importing"}
VERBS = {
    "pause": (control.pause, WAITING_OR_RUNNING),
    "cancel": (control.cancel, set(SessionState.values) - {"imported"}),
}


def in_state(state):
    """A session that its items bear out."""
    session = make_session(state)
    if state in ("imported", "failed", "enqueued", "importing"):
        item = {"enqueued": "pending", "importing": "pending"}.get(state, state)
        make_item(session, b"a.jpg", state=item)
        now = session.created_at
        ImportSession.objects.filter(pk=session.pk).update(walked_at=now, planned_at=now)
    return session


@pytest.mark.parametrize("state", SessionState.values)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_works_or_is_refused_with_one_row_and_no_change(verb, state):
    service, possible = VERBS[verb]
    session = in_state(state)
    before = ImportSession.objects.values().get(pk=session.pk)
    rows = AuditLog.objects.count()

    if state in possible:
        service(session.pk, actor=OPERATOR, reason="Because.")
        assert not AuditLog.objects.filter(action__startswith="refused").exists()
        return
    with pytest.raises(ImportProblem) as refusal:
        service(session.pk, actor=OPERATOR, reason="Because.")

    assert refusal.value.code == ErrorCode.NOT_ALLOWED
    assert ImportSession.objects.values().get(pk=session.pk) == before
    assert AuditLog.objects.count() == rows + 1
    last = AuditLog.objects.latest("pk")
    assert (last.action, last.actor, last.session_id) == (
        f"refused.{verb}",
        "operator",
        session.pk,
    )


@pytest.mark.parametrize("verb", [control.pause, control.cancel])
def test_asking_twice_is_no_error_and_is_recorded_once(verb):
    session = in_state("importing")
    verb(session.pk, actor=OPERATOR, reason="Because.")
    rows = AuditLog.objects.count()

    verb(session.pk, actor=Actor("somebody else"), reason="Me too.")

    assert AuditLog.objects.count() == rows


def test_no_file_of_a_paused_session_is_taken_until_it_is_resumed():
    session = in_state("importing")
    control.pause(session.pk, actor=OPERATOR, reason="Lunch.")

    assert claim(session.pk, SYSTEM) == []
    row = ImportSession.objects.get(pk=session.pk)
    assert (row.paused_by, row.paused_reason) == ("operator", "Lunch.")
    background.resume(session.pk, actor=OPERATOR)
    assert len(claim(session.pk, SYSTEM)) == 1
    actions = set(AuditLog.objects.filter(actor="operator").values_list("action", flat=True))
    assert {"session.pause", "session.resume"} <= actions


def test_a_canceled_session_waits_for_its_workers_to_let_go(inbox, library):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = make_session("importing", source=os.fsencode(inbox))
    make_item(session, b"a.jpg")
    ImportSession.objects.filter(pk=session.pk).update(walked_at=session.created_at)
    batch = claim(session.pk, SYSTEM)

    control.cancel(session.pk, actor=OPERATOR, reason="Wrong card.")

    assert ImportSession.objects.get(pk=session.pk).state == "importing"
    with worker_desk(session) as desk:
        following = worker.run_batch(desk, batch, SYSTEM, lambda: True)
    control.cancel(session.pk, actor=OPERATOR, reason="Wrong card.")
    assert following == []
    assert ImportSession.objects.get(pk=session.pk).state == "canceled"
    assert ImportItem.objects.get().state == "pending"
    assert (inbox / "a.jpg").exists()


def worker_desk(session):
    from local_import.pipeline.desk import open_desk

    return open_desk(session)


def test_a_cancel_can_be_taken_back_before_and_after_it_took_effect():
    for held in (True, False):
        session = in_state("importing")
        if held:
            claim(session.pk, SYSTEM)
        control.cancel(session.pk, actor=OPERATOR, reason="Wrong card.")

        background.resume(session.pk, actor=OPERATOR)

        row = ImportSession.objects.get(pk=session.pk)
        assert row.cancel_requested_at is None
        assert row.state == ("importing" if held else "expanding")
        ImportItem.objects.exclude(owner="").update(lease_until=row.created_at)


def test_retry_offers_only_what_failed_by_the_code():
    session = make_session("failed")
    make_item(session, b"a.jpg", state="failed")
    make_item(session, b"b.jpg", state="missing")

    def retry(code):
        target = f"session:{session.pk}:{code}"
        return operations.carry_out("retry", target, actor=OPERATOR, reason="Because.").done

    with pytest.raises(ImportProblem):
        retry("disk_full")
    assert retry("source_missing") == 1
    assert ImportItem.objects.get(state="pending").shown_path == "b.jpg"
    assert retry("damaged") == 1


def test_what_fails_again_at_once_is_offered_only_once(monkeypatch):
    session = in_state("failed")
    requeue = items._requeue

    def fail_again(ids, *arguments):
        requeue(ids, *arguments)
        for pk in ids:
            values = {"error_code": "damaged", "failure": {}}
            door.move(ImportItem, pk, door.Step("fail", "Again.", values))

    monkeypatch.setattr(items, "_requeue", fail_again)

    assert items.retry_all(session.pk, actor=OPERATOR, reason="Because.") == 1


def test_the_commands_answer_in_json_and_by_their_exit_status(capsys):
    session = in_state("failed")

    def run(*arguments):
        code = 0
        try:
            call_command(*map(str, arguments), "--json")
        except SystemExit as end:
            code = end.code
        return code, json.loads(capsys.readouterr().out)

    assert run("import_retry", session.pk, "--code", "disk_full")[0] == 1
    assert run("import_retry", session.pk)[1]["retried"] == 1
    code, report = run("import_pause", session.pk, "--reason", "Lunch.")
    assert (code, report["paused"]) == (0, "Lunch.")
    assert run("import_resume", session.pk)[1]["paused"] is None
    assert run("import_cancel", session.pk)[1]["state"] == "canceled"
    code, report = run("import_pause", session.pk)
    assert (code, report["error"]["code"]) == (2, "not_allowed")
    assert run("import_cancel", 99)[1]["error"]["code"] == "session_unknown"


@pytest.mark.parametrize("verb", ["import_pause", "import_cancel"])
def test_a_run_in_the_foreground_obeys_another_terminal(desk, full_inbox, verb):  # noqa: F811
    process = desk.start("import_photos", str(full_inbox), "--mode", "move", "--workers", "2")
    wait_for_imports(desk, process)
    answer = desk.manage(verb, "1", "--json")
    process.communicate(timeout=30)

    stopped = status(desk)
    if answer.returncode == 2:  # the import was faster
        assert stopped["state"] == "imported"
        return
    assert sum(stopped["counts"][name] for name in ITEM_IN_WORK) == 0
    if verb == "import_cancel":
        assert stopped["state"] == "canceled" and process.returncode == 1
    elif stopped["counts"]["pending"]:
        assert stopped["paused"] == "Paused by an operator." and process.returncode == 130
    done = desk.import_photos("--resume", "1")
    assert (done["state"], done["counts"]["imported"]) == ("imported", stopped["total"])
    assert_library_is_true(desk, desk.items(1))
