"""The database refuses what no transition allows, and keeps the audit log as it is."""

import pytest
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection, transaction

from local_import import guards
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.state_machine import declared
from local_import.states import ITEM_IN_WORK, ITEM_STOPPED, ItemState, SessionState
from tests.builders import MOMENT, make_item, make_media, make_session

pytestmark = pytest.mark.django_db


def sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def refused(statement, *values):
    """Whether a guard refuses it, and not some constraint."""
    try:
        sql(statement, *values)
    except IntegrityError as error:
        return "only added to" in str(error) or "no transition" in str(error)
    return False


def move_session(state):
    """SQL and values that write a state with every column that the constraints ask for."""
    statement = "UPDATE local_import_session SET state = %s, error_code = %s, incident_id = NULL"
    return statement, state, "unknown" if state == "error" else ""


def move_item(state):
    in_work = state in ITEM_IN_WORK
    return (
        "UPDATE local_import_item SET state = %s, error_code = %s, skip_reason = %s, owner = %s, "
        "lease_until = %s, stopped_in = %s, fence = 1, incident_id = NULL, sha256 = 's', "
        "destination = 'd', media_id = %s",
        state,
        "damaged" if state == "failed" else "",
        "empty" if state == "skipped" else "",
        "worker" if in_work else "",
        MOMENT if in_work else None,
        "pending" if state in ITEM_STOPPED else "",
        make_media(b"other").pk,
    )


@pytest.mark.parametrize("source", SessionState.values)
def test_a_session_goes_by_sql_only_where_a_transition_leads(source):
    make_session(state=source)
    legal = {end for start, end in declared(ImportSession) if start == source}

    for target in set(SessionState.values) - legal - {source}:
        assert refused(*move_session(target)), target
    assert ImportSession.objects.get().state == source
    sql(*move_session(source))


@pytest.mark.parametrize("source", ItemState.values)
def test_an_item_goes_by_sql_only_where_a_transition_leads(source):
    make_item(state=source)
    legal = {end for start, end in declared(ImportItem) if start == source}
    legal |= {end for start, end in guards.IN_ONE_STATEMENT if start == source}

    for target in set(ItemState.values) - legal - {source}:
        assert refused(*move_item(target)), target
    assert ImportItem.objects.get().state == source
    sql(*move_item(source))


@pytest.mark.parametrize("target", ["moving", "skipped", "failed"])
def test_what_a_transition_allows_is_allowed(target):
    make_item(state="analyzing")

    sql(*move_item(target))

    assert ImportItem.objects.get().state == target


def new_row(source, **changed):
    """SQL and values of a row like that one, with some columns changed; without id it is a new one."""
    values = type(source)._base_manager.filter(pk=source.pk).values().get() | changed
    columns = {f.attname: f for f in source._meta.concrete_fields if f.attname in values}
    held = [f.get_db_prep_save(values[name], connection) for name, f in columns.items()]
    names = ", ".join(f.column for f in columns.values())
    marks = ", ".join(["%s"] * len(held))
    return f"INTO {source._meta.db_table} ({names}) VALUES ({marks})", *held


@pytest.mark.parametrize("state", set(SessionState.values) - {"pending"})
def test_a_session_begins_as_pending_also_by_sql(state):
    session = make_session(state=state)
    into, *values = new_row(session, id=session.pk + 1)

    assert refused(f"INSERT {into}", *values)

    first = {"state": "pending", "error_code": "", "incident_id": None}
    into, *values = new_row(session, id=session.pk + 1, **first)
    sql(f"INSERT {into}", *values)
    assert ImportSession.objects.count() == 2


@pytest.mark.parametrize("state", set(ItemState.values) - {"pending", *ITEM_IN_WORK})
def test_an_item_begins_as_pending_also_by_sql(state):
    item = make_item(state=state)
    into, *values = new_row(item, id=item.pk + 1, path_digest="other")

    assert refused(f"INSERT {into}", *values)

    first = {"state": "pending", "stopped_in": "", "error_code": "", "skip_reason": ""}
    first |= {"incident_id": None}
    into, *values = new_row(item, id=item.pk + 1, path_digest="other", **first)
    sql(f"INSERT {into}", *values)
    assert ImportItem.objects.count() == 2


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="REPLACE is SQLite's")
@pytest.mark.parametrize("table", [AuditLog, ImportItem, ImportSession])
def test_no_row_is_put_in_the_place_of_another(table):
    make_item(state="missing")
    row = table._base_manager.order_by("pk").first()
    before = list(table._base_manager.order_by("pk").values())
    into, *values = new_row(row, state="pending")

    assert refused(f"REPLACE {into}", *values)

    assert list(table._base_manager.order_by("pk").values()) == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="TRUNCATE is PostgreSQL's")
@pytest.mark.parametrize("table", [AuditLog, ImportItem, ImportSession])
def test_no_table_is_emptied(table):
    make_item(state="missing")

    assert refused(f"TRUNCATE {table._meta.db_table} CASCADE")

    assert table._base_manager.exists()


@pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="on SQLite it is no replacement of its own"
)
def test_what_is_inserted_over_an_audit_row_is_refused():
    make_item(state="missing")
    into, *values = new_row(AuditLog.objects.first())

    assert refused(f"INSERT {into} ON CONFLICT (id) DO UPDATE SET message = 'other'", *values)


def test_a_gate_that_somebody_left_open_is_shut():
    sql("INSERT INTO local_import_gate (purpose) VALUES ('for ever')")
    assert not guards.is_installed()

    guards.install()

    make_item(state="missing")
    assert guards.is_installed()
    assert refused("DELETE FROM local_import_audit_log")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM local_import_audit_log",
        "UPDATE local_import_audit_log SET message = 'nothing happened'",
        "UPDATE local_import_audit_log SET to_state = 'imported', item_id = NULL",
        "UPDATE local_import_audit_log SET user_id = 1",
    ],
)
def test_an_audit_row_cannot_be_changed_or_removed_by_sql(statement):
    make_item(state="missing")
    before = list(AuditLog.objects.order_by("pk").values())

    assert refused(statement)

    assert list(AuditLog.objects.order_by("pk").values()) == before


def test_a_user_who_is_deleted_is_no_longer_named():
    user = get_user_model().objects.create_user("operator")
    make_item(state="missing")
    AuditLog.objects.create(
        timestamp="2026-01-01T00:00Z", level="info", category="error", user=user
    )

    user.delete()

    assert AuditLog.objects.latest("pk").user is None


def test_the_gate_is_open_for_its_transaction_only():
    item = make_item(state="missing")

    with transaction.atomic(), guards.open_gate("test"):
        sql(
            "UPDATE local_import_item SET state = 'pending', stopped_in = '', incident_id = NULL "
            "WHERE id = %s",
            item.pk,
        )
        sql("DELETE FROM local_import_audit_log")

    assert refused(*move_item("moving"))


def test_guards_that_were_lost_are_made_again():
    on = " ON local_import_item" if connection.vendor == "postgresql" else ""
    sql(f"DROP TRIGGER guard_item_state{on}")
    assert not guards.is_installed()

    guards.install()

    assert guards.is_installed()


def test_a_guard_that_allows_too_much_is_replaced(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(guards, "_is_illegal", lambda model: guards._FALSE)
        guards.install()
    assert not guards.is_installed()

    guards.install()

    make_item()
    assert refused(*move_item("imported"))


def test_a_guard_of_an_earlier_version_is_taken_away():
    make_item()
    earlier = guards._Guard("guard_of_old", guards._ITEMS, "AFTER INSERT", "", "as it was once")
    sql(guards._trigger(earlier, "default"))
    assert not guards.is_installed()

    guards.install()

    assert guards.is_installed()
    make_item()
