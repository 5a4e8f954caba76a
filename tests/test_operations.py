"""The registry of operations: offered, previewed, carried out once, in the background where it is long."""

from datetime import timedelta

import pytest

from local_import import door, doorbell, operations
from local_import.audit_logger import Actor
from local_import.door import Step
from local_import.errors import ErrorCode, ImportProblem, Operation
from local_import.models import AuditLog, ImportItem, ImportSession, Incident, OperationRun
from local_import.operations import files, runs
from local_import.services import sweeper
from local_import.state_synchronizer import StateSynchronizer
from local_import.states import ItemState, SessionState
from tests.builders import make_item, make_session, step

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("olga")


@pytest.fixture
def sent(monkeypatch):
    """The messages that reach the broker: task and number."""
    messages = []
    monkeypatch.setattr(
        doorbell.current_app, "send_task", lambda task, ids: messages.append((task, *ids))
    )
    return messages


def session_with(*states, state="failed", source=b"/inbox"):
    """A session at rest with an item in each of the states; returns both."""
    session = make_session(source=source)
    made = [make_item(session, b"%d.jpg" % n, state=one) for n, one in enumerate(states)]
    now = session.created_at
    for name in ("confirm", "start", "plan"):
        door.move(ImportSession, session.pk, step(session, name))
    ImportSession.objects.filter(pk=session.pk).update(walked_at=now, planned_at=now)
    StateSynchronizer().sync_session_with_items(session.pk)
    return ImportSession.objects.get(pk=session.pk), made


def states_of(session):
    return list(session.items.order_by("pk").values_list("state", flat=True))


def carry_out(name, target, **options):
    return operations.carry_out(name, target, actor=OPERATOR, reason="It is mended.", **options)


def test_a_session_of_which_something_failed_offers_what_is_possible_and_says_why_not(
    django_assert_num_queries,
):
    session, _items = session_with("failed", "skipped")

    with django_assert_num_queries(0):
        offers = {offer.name: offer for offer in operations.offered(session)}

    assert {name for name, offer in offers.items() if offer.possible} == {
        "resume",
        "cancel",
        "retry",
        "dismiss",
        "rescan",
        "confirm_source",
    }
    assert "failed" in offers["pause"].why_not
    assert offers["undo"].why_not == "Nothing of the session is in the library."


@pytest.mark.parametrize("state", SessionState.values)
def test_what_is_offered_for_a_session_is_what_is_carried_out(state):
    """The button, the preview and the operation itself agree in every state."""
    session = make_session(state)

    for offer in operations.offered(session):
        assert operations.preview(offer.name, offer.target).possible == offer.possible, offer.name
        if not offer.possible:
            with pytest.raises(ImportProblem) as refusal:
                carry_out(offer.name, offer.target)
            assert refusal.value.code == ErrorCode.NOT_ALLOWED
            assert AuditLog.objects.latest("pk").action == f"refused.{offer.name}"
    assert ImportSession.objects.get(pk=session.pk).state == state


@pytest.mark.parametrize("state", ItemState.values)
def test_what_is_offered_for_a_file_is_what_is_carried_out(state):
    _session, (item,) = session_with(state)
    item = ImportItem.objects.select_related("session").get(pk=item.pk)

    for offer in operations.offered(item):
        assert operations.preview(offer.name, offer.target).possible == offer.possible, offer.name
        if offer.possible and offer.name == "dismiss":
            carry_out(offer.name, offer.target)
            item.refresh_from_db()
            assert item.state == "skipped"
        elif not offer.possible:
            with pytest.raises(ImportProblem):
                carry_out(offer.name, offer.target)


def test_the_preview_counts_exactly_and_says_what_it_leaves_alone():
    _session, made = session_with("failed", "missing", "skipped", "imported", "failed")
    chosen = ",".join(str(item.pk) for item in made)

    preview = operations.preview("dismiss", f"items:{chosen}")

    assert preview.touches == 3
    assert [item.pk for item in preview.sample] == [made[0].pk, made[1].pk, made[4].pk]
    ((why, number),) = preview.refused
    assert (number, why) == (2, "Only a file that failed or is missing can be set aside.")


def test_a_run_touches_what_the_preview_counted_and_is_recorded():
    session, _made = session_with("failed", "missing", "skipped")
    count = operations.preview("dismiss", f"session:{session.pk}").touches

    run = carry_out("dismiss", f"session:{session.pk}")

    assert (run.state, run.total, run.done, count) == ("done", 2, 2, 2)
    assert states_of(session) == ["skipped"] * 3
    assert ImportSession.objects.get(pk=session.pk).state == "imported"
    told = AuditLog.objects.filter(action__startswith="operation.").order_by("pk")
    assert [row.action for row in told] == ["operation.ask", "operation.end_done"]
    assert {row.actor for row in told} == {"olga"}


def test_the_same_key_does_nothing_twice():
    session, _made = session_with("failed")
    first = carry_out("dismiss", f"session:{session.pk}", key="click-1")
    rows = AuditLog.objects.count()

    again = carry_out("dismiss", f"session:{session.pk}", key="click-1")

    assert (again.pk, AuditLog.objects.count()) == (first.pk, rows)
    assert OperationRun.objects.count() == 1


def test_many_files_are_moved_in_the_background_chunk_by_chunk(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 2)
    monkeypatch.setattr(files, "CHUNK", 2)
    session, _made = session_with(*["failed"] * 5)

    run = carry_out("retry", f"session:{session.pk}")

    assert (run.state, run.done) == ("waiting", 0)
    assert sent == [("local_import.carry_out", run.pk)]
    assert states_of(session) == ["failed"] * 5
    operations.work(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, run.refused) == ("done", 5, 0)
    assert states_of(session) == ["pending"] * 5


def test_a_run_that_was_cut_off_goes_on_where_it_was(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    monkeypatch.setattr(files, "CHUNK", 2)
    session, _made = session_with(*["failed"] * 5)
    run = carry_out("dismiss", f"session:{session.pk}")

    operations.work(run.pk, should_stop=lambda: True)  # one chunk, as a worker that is stopped

    run.refresh_from_db()
    assert (run.state, run.done) == ("running", 2)
    assert len(sent) == 2, "it calls for another turn"
    operations.work(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 5)
    assert AuditLog.objects.filter(action="item.dismiss").count() == 5


def test_what_fails_again_while_a_run_is_under_way_is_not_tried_twice(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    monkeypatch.setattr(files, "CHUNK", 2)
    session, _made = session_with(*["failed"] * 4)
    run = carry_out("retry", f"session:{session.pk}")
    operations.work(run.pk, should_stop=lambda: True)
    for item in session.items.filter(state="pending"):
        door.move(ImportItem, item.pk, step(item, "fail"))

    operations.work(run.pk)

    run.refresh_from_db()
    assert (run.state, run.done) == ("done", 4)
    assert sorted(states_of(session)) == ["failed", "failed", "pending", "pending"]


def test_what_others_did_meanwhile_is_counted_as_refused(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    session, made = session_with(*["failed"] * 3)
    run = carry_out("dismiss", f"session:{session.pk}")
    operations.carry_out(
        "dismiss", f"item:{made[0].pk}", actor=Actor("otto"), reason="No photo.", wait=True
    )

    operations.work(run.pk)

    run.refresh_from_db()
    assert (run.done, run.refused) == (2, 1)
    assert run.refusals == [{"why": "They changed meanwhile.", "number": 1}]


def test_a_canceled_run_does_no_more_and_what_it_did_stays(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    monkeypatch.setattr(files, "CHUNK", 2)
    session, _made = session_with(*["failed"] * 5)
    run = carry_out("dismiss", f"session:{session.pk}")
    operations.work(run.pk, should_stop=lambda: True)

    operations.cancel(run.pk, actor=Actor("otto"), reason="Not these.")
    operations.work(run.pk)

    run.refresh_from_db()
    assert (run.state, run.done) == ("canceled", 2)
    assert states_of(session).count("failed") == 3
    last = AuditLog.objects.filter(action="operation.end_canceled").get()
    assert (last.actor, last.message) == ("otto", "Not these.")


def test_the_sweep_calls_for_a_run_whose_message_was_lost(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 0)
    session, _made = session_with("failed")
    run = carry_out("dismiss", f"session:{session.pk}")
    assert "operations_called_for" not in sweeper.sweep(), "somebody may be on the way"
    late = run.progressed_at - sweeper.RUN_SILENT_FOR - timedelta(seconds=1)
    OperationRun.objects.filter(pk=run.pk).update(progressed_at=late)
    sent.clear()

    assert sweeper.sweep()["operations_called_for"] == 1

    assert ("local_import.carry_out", run.pk) in sent


def test_an_incident_is_retried_in_all_its_sessions_and_says_where_it_cannot():
    failure = {"code": "damaged", "evidence": {"path": "/inbox/disk/1.jpg"}}
    first, second, third = (session_with("missing")[0] for _ in range(3))
    for item in ImportItem.objects.all():  # of one cause in one place
        door.move(ImportItem, item.pk, Step("requeue", "So that it can fail of the same."))
        values = {"error_code": "damaged", "failure": failure}
        door.move(ImportItem, item.pk, Step("fail", "Because the test says so.", values))
        StateSynchronizer().sync_session_with_items(item.session_id)
    carry_out("cancel", f"session:{third.pk}")
    incident = Incident.objects.get(code="damaged")

    run = carry_out("retry", f"incident:{incident.pk}")

    assert (run.done, run.refused) == (2, 1)
    assert f"Session {third.pk} is canceled" in run.refusals[0]["why"]
    assert [states_of(one) for one in (first, second, third)] == [
        ["pending"],
        ["pending"],
        ["failed"],
    ]


def test_only_damaged_files_are_imported_as_they_are():
    _session, (damaged, missing) = session_with("failed", "missing")

    run = carry_out("import_anyway", f"items:{damaged.pk},{missing.pk}")

    assert (run.done, run.refused) == (1, 1)
    damaged.refresh_from_db()
    assert (damaged.state, damaged.accept_damage) == ("pending", True)


@pytest.mark.parametrize(
    ("filters", "touched"),
    [
        ("state=failed", [0, 1]),
        ("state=failed&path=1", [1]),
        ("code=damaged", [0, 1]),
        ("state=skipped", [3]),
        ("path=0.jpg", [0]),
        ("path=%25", []),
        ("", [0, 1, 2, 3]),
    ],
)
def test_all_files_that_filters_find_are_meant_and_no_other(filters, touched):
    session, made = session_with("failed", "failed", "missing", "skipped", "imported")
    others, _items = session_with("failed")
    target = ":".join(filter(None, ("files", str(session.pk), filters)))
    found = operations.preview("retry", target)
    assert found.touches == len(touched)

    if touched:
        carry_out("retry", target)

    now = states_of(session)
    assert [number for number in range(5) if now[number] == "pending"] == touched
    assert states_of(others) == ["failed"]
    assert len(made) == 5


def test_what_comes_to_match_after_it_was_asked_for_is_left_alone(monkeypatch, sent):
    monkeypatch.setattr(runs, "AT_ONCE", 1)
    session, _made = session_with("failed", "failed", "skipped")
    run = carry_out("retry", f"files:{session.pk}")
    assert run.total == 3
    late = make_item(session, b"late.jpg", state="failed")

    runs.work(run.pk)

    late.refresh_from_db()
    assert late.state == "failed"
    assert OperationRun.objects.get(pk=run.pk).done == 3


@pytest.mark.parametrize(
    "text",
    [
        *("", "session:", "session:x", "session:1,2", "session:1:nonsense", "session:" + "9" * 30),
        *(
            "item:1:damaged",
            "items:",
            "items:1,x",
            "items:" + "1," * 2000,
            "quarantine:",
            "planet:1",
            "files:",
            "files:1,2",
            "files:1:state=lost",
            "files:1:code=oops",
            "files:1:incident=x",
            "files:1:incident=" + "9" * 30,
            "files:1:colour=red",
            "files:1:state",
        ),
    ],
)
def test_what_names_nothing_is_no_target(text):
    with pytest.raises(operations.WrongTarget):
        operations.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *("session:4", "session:4:damaged", "item:7", "items:1,2", "incident:3", "quarantine:a/b"),
        *("files:4", "files:4:state=failed&code=damaged&incident=3&path=a%26b%3A%2F%C3%A9"),
    ],
)
def test_a_target_is_written_as_it_is_read(text):
    assert str(operations.parse(text)) == text


def test_an_operation_refuses_a_target_of_another_kind():
    with pytest.raises(operations.WrongTarget):
        operations.preview("pause", "item:1")


def test_every_operation_has_all_its_parts():
    assert set(operations.REGISTRY) == set(Operation)
    for spec in operations.REGISTRY.values():
        assert all(str(text) for text in (spec.label, spec.effect, spec.undo)), spec.name
        assert spec.permission in ("local_import.operate_import", "local_import.maintain_import")
