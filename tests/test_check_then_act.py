"""What is looked at before it is acted upon is still so when the act commits: SQLite has one writer,
and hides where a transaction of PostgreSQL rests on a row that another one changes meanwhile."""

import pytest

from local_import import door, operations
from local_import.audit_logger import SYSTEM, Actor
from local_import.consistency.purge import purge
from local_import.door import Step
from local_import.errors import ErrorCode, ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.pipeline import release, runner
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.run import break_off
from local_import.processes import identity
from local_import.services import control, sweeper
from local_import.states import ITEM_IN_WORK
from tests.interleaving import interleave
from tests.photos import jpeg
from tests.test_place import run
from tests.test_sweep import started
from tests.test_upkeep import age

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = Actor("operator")
WORKER = Actor("host:1:1")
CLAIMED = r"UPDATE .?local_import_item"


@pytest.fixture
def session(inbox, library):
    for number in range(6):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    return started(inbox, "copy")


def in_work():
    return ImportItem.objects.filter(state__in=ITEM_IN_WORK).count()


def test_no_file_is_taken_of_a_session_that_was_answered_to_be_canceled(session):
    def cancel():
        answered = control.cancel(session.pk, actor=OPERATOR, reason="The wrong card.")
        return answered.state, in_work()

    taken, answered = interleave(lambda: claim(session.pk, WORKER), CLAIMED, cancel)

    assert answered != ("canceled", 0) or not taken
    assert (ImportSession.objects.get().state, in_work()) in [("canceled", 0), ("importing", 6)]


def test_whoever_claims_while_the_session_is_canceled_takes_nothing(session):
    def cancel():
        return control.cancel(session.pk, actor=OPERATOR, reason="The wrong card.").state

    answered, taken = interleave(cancel, r"INSERT INTO .*audit", lambda: claim(session.pk, WORKER))

    assert (answered, taken, in_work()) == ("canceled", [], 0)


def cancel_it(session):
    return control.cancel(session.pk, actor=OPERATOR, reason="The wrong card.").state


def broken(session, library):
    break_off(session.pk, ImportProblem(ErrorCode.DISK_FULL, path=bytes(library)), SYSTEM)
    return ImportSession.objects.get(pk=session.pk)


def test_a_retry_starts_no_session_again_that_was_answered_to_be_canceled(session, library):
    incident = broken(session, library).incident_id

    def retry():
        target = f"incident:{incident}"
        operations.carry_out("retry", target, actor=OPERATOR, reason="There is room.", wait=True)

    _, answered = interleave(retry, r"^SAVEPOINT", lambda: cancel_it(session))

    assert (answered, ImportSession.objects.get().state) == ("canceled", "canceled")


def test_a_sweep_starts_no_session_again_that_is_canceled_while_it_looks(
    session, library, monkeypatch
):
    broken(session, library)
    monkeypatch.setattr(sweeper, "require_room", lambda *_: cancel_it(session))

    sweeper.sweep()

    assert ImportSession.objects.get().state == "canceled"


def test_a_purge_leaves_the_rows_of_what_changes_just_now(session):
    item = ImportItem.objects.order_by("pk").first()
    age()
    told = AuditLog.objects.of_item(item.pk).transitions()
    before = told.count()

    def fail():
        values = {"error_code": "damaged", "failure": {"code": "damaged", "summary": "Damaged."}}
        door.move(ImportItem, item.pk, Step("fail", "It is damaged.", values), actor=OPERATOR)

    interleave(fail, r"INSERT INTO .?local_import_audit_log", purge)

    assert told.count() == before + 1 >= 2


def test_a_runner_that_was_out_of_touch_does_not_take_the_session_back(session):
    runner.hold(session.pk)
    runner.renew(session.pk)
    assert ImportSession.objects.get().runner == identity()
    ImportSession.objects.update(runner="another:1:1")

    runner.renew(session.pk)

    assert ImportSession.objects.get().runner == "another:1:1"


def test_a_source_that_another_has_let_go_is_not_called_due_again(inbox, library):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    session = run(started(inbox, "copy"))
    ImportItem.objects.update(source_disposition="released")
    item = ImportItem.objects.get()
    due = release.Due(item.pk, bytes(item.path), item.sha256, item.destination)

    with open_desk(session) as desk:
        release._record(desk, [(due, release._kept("Kept for now."))], WORKER)

    assert ImportItem.objects.get().source_disposition == "released"
