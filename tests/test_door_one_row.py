"""The door for one row: a legal step with its audit row, or nothing but a refusal."""

import pytest
from django.db import DatabaseError, connection
from django_fsm import TransitionNotAllowed

from local_import import door, operations
from local_import.audit_logger import Actor, Entry
from local_import.door import Step
from local_import.errors import ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.state_machine import declared
from local_import.state_synchronizer import StateSynchronizer
from local_import.states import ItemState, SessionState
from tests.builders import make_item, make_session, step

OPERATOR = Actor("operator")
STATES = {ImportSession: SessionState, ImportItem: ItemState}
EVERY_STATE = [(model, state) for model, states in STATES.items() for state in states.values]
EVERY_STEP = [(model, *pair) for model in STATES for pair in sorted(declared(model))]
pytestmark = pytest.mark.django_db


def make(model, state):
    return make_session(state) if model is ImportSession else make_item(state=state)


def stored(row):
    """The row as the database has it, every column."""
    return type(row)._base_manager.filter(pk=row.pk).values().get()


def new_audit_rows(known):
    """Those about the rows themselves; a new incident has one of its own (test_incidents)."""
    rows = AuditLog.objects.exclude(pk__in=known).exclude(action__startswith="incident.")
    return list(rows.order_by("pk"))


def audit_ids():
    return list(AuditLog.objects.values_list("pk", flat=True))


def to_target(row, target, reason):
    synchronizer = StateSynchronizer()
    go = (
        synchronizer.transition_session
        if isinstance(row, ImportSession)
        else synchronizer.transition_item
    )
    return go(row.pk, STATES[type(row)](target), reason, actor=OPERATOR)


@pytest.mark.parametrize(("model", "source", "target"), EVERY_STEP)
def test_every_legal_step_moves_the_row_and_leaves_one_audit_row(model, source, target):
    row = make(model, source)
    known = audit_ids()
    chosen = step(row, declared(model)[source, target])

    moved = door.move(model, row.pk, chosen, actor=OPERATOR)

    (entry,) = new_audit_rows(known)
    kind = "session" if model is ImportSession else "item"
    assert (moved.state, stored(row)["state"]) == (target, target)
    assert (entry.category, entry.level) == ("state_transition", "info")
    assert (entry.from_state, entry.to_state) == (source, target)
    assert (entry.message, entry.actor) == (chosen.reason, "operator")
    assert entry.action == f"{kind}.{chosen.transition}"
    about = (row.pk, None) if model is ImportSession else (row.session_id, row.pk)
    assert (entry.session_id, entry.item_id) == about
    assert moved.state_changed_at > row.state_changed_at


@pytest.mark.parametrize(("model", "source", "target"), EVERY_STEP)
def test_every_legal_step_is_found_by_its_target(model, source, target):
    row = make(model, source)
    known = audit_ids()
    values = step(row, declared(model)[source, target]).values

    moved = door.move_to(model, row.pk, target, "Asked for.", actor=OPERATOR, **values)

    (entry,) = new_audit_rows(known)
    assert moved.state == stored(row)["state"] == target
    assert (entry.from_state, entry.to_state, entry.message) == (source, target, "Asked for.")


@pytest.mark.parametrize(("model", "state"), EVERY_STATE)
@pytest.mark.parametrize("way", [to_target, "move_to"])
def test_every_illegal_target_is_refused_and_only_the_refusal_is_recorded(model, state, way):
    row = make(model, state)
    before = stored(row)
    for target in STATES[model].values:
        if (state, target) in declared(model):
            continue
        known = audit_ids()

        with pytest.raises(TransitionNotAllowed):
            if way == "move_to":
                door.move_to(model, row.pk, target, "No.", actor=OPERATOR)
            else:
                way(row, target, "No.")

        assert_refused(row, before, known)


@pytest.mark.parametrize(("model", "state"), EVERY_STATE)
def test_every_illegal_transition_is_refused_and_only_the_refusal_is_recorded(model, state):
    row = make(model, state)
    before = stored(row)
    legal = {name for (source, _), name in declared(model).items() if source == state}
    for name in sorted(set(declared(model).values()) - legal):
        known = audit_ids()

        with pytest.raises(TransitionNotAllowed):
            door.move(model, row.pk, Step(name, "No.", step(row, name).values), actor=OPERATOR)

        assert_refused(row, before, known)


def assert_refused(row, before, known):
    (refusal,) = new_audit_rows(known)
    assert stored(row) == before
    assert (refusal.category, refusal.level) == ("validation", "warning")
    assert refusal.action.startswith("refused.")
    assert (refusal.from_state, refusal.to_state) == (row.state, "")
    assert (refusal.details, refusal.actor) == ({"reason": "No."}, "operator")


@pytest.mark.parametrize("model", STATES)
@pytest.mark.parametrize("target", ["", "nonsense", "PENDING", "x" * 1000])
def test_a_target_that_does_not_exist_is_refused(model, target):
    row = make(model, "pending")

    with pytest.raises(TransitionNotAllowed):
        door.move_to(model, row.pk, target, "No.")

    assert stored(row)["state"] == "pending"


def test_a_row_that_does_not_exist_leaves_no_trace():
    with pytest.raises(ImportItem.DoesNotExist):
        door.move(ImportItem, 123, Step("lose", "No."))
    with pytest.raises(ImportSession.DoesNotExist):
        door.move_to(ImportSession, 123, "ready", "No.")

    assert not AuditLog.objects.exists()


def test_a_stale_object_does_not_matter_because_the_row_is_read_again():
    stale = make_item()
    door.move(ImportItem, stale.pk, step(stale, "claim"))

    with pytest.raises(TransitionNotAllowed):
        door.move(ImportItem, stale.pk, step(stale, "claim"))

    assert stored(stale)["fence"] == 1


def test_a_note_adds_to_the_audit_row_but_cannot_change_what_it_is_about():
    item = make_item()
    note = Entry(
        "error", "Lies.", level="error", item_id=99, to_state="imported", details={"tries": 3}
    )

    door.move(ImportItem, item.pk, step(item, "fail"), note=note)

    entry = AuditLog.objects.get_by_item(item.pk).get()
    assert (entry.level, entry.details) == ("error", {"tries": 3})
    assert (entry.category, entry.message) == ("state_transition", "Because the test says so.")
    assert (entry.item_id, entry.to_state) == (item.pk, "failed")


def break_the_audit_log():
    """Rows can still be read, but none can be added."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER full BEFORE INSERT ON local_import_audit_log "
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the table cannot be altered
            cursor.execute(
                "ALTER TABLE local_import_audit_log ADD CHECK (actor = 'nobody') NOT VALID"
            )


@pytest.mark.parametrize(("model", "source", "target"), EVERY_STEP)
def test_without_its_audit_row_a_transition_does_not_happen(model, source, target):
    row = make(model, source)
    before, known = stored(row), audit_ids()
    break_the_audit_log()

    with pytest.raises(DatabaseError):
        door.move(model, row.pk, step(row, declared(model)[source, target]))

    assert stored(row) == before
    assert audit_ids() == known


def test_a_reason_that_the_database_refuses_undoes_the_transition():
    item = make_item()
    before = stored(item)

    with pytest.raises((DatabaseError, ValueError)):
        door.move(ImportItem, item.pk, Step("lose", None))

    assert stored(item) == before
    assert not AuditLog.objects.exists()


def test_only_a_damaged_file_is_imported_although_damaged():
    item = make_item(state="missing")

    with pytest.raises(ImportProblem):
        operations.carry_out(
            "import_anyway", f"item:{item.pk}", actor=OPERATOR, reason="It is not damaged."
        )

    item.refresh_from_db()
    assert (item.state, item.accept_damage) == ("missing", False)
    assert AuditLog.objects.filter(action="refused.import_anyway", item_id=item.pk).count() == 1
