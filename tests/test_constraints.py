"""What a row may be, the database itself holds: each named constraint refuses what it names."""

import pytest
from django.db import IntegrityError, connection, transaction

from local_import.models import ImportItem, ImportSession, Incident, Media
from tests.builders import content_of, make_item, make_media, make_session

pytestmark = pytest.mark.django_db

# constraint → the state of an item, and what is written into its row past all of our code
ITEM = {
    "item_state_known": [
        ("pending", "state = 'lost'"),
        ("pending", "state = ''"),
        ("pending", "state = 'PENDING'"),
    ],
    "item_failed_has_error_code": [
        ("failed", "error_code = ''"),
        ("pending", "error_code = 'damaged'"),
        ("skipped", "error_code = 'damaged'"),
    ],
    "item_skipped_has_reason": [
        ("skipped", "skip_reason = ''"),
        ("pending", "skip_reason = 'empty'"),
        ("imported", "skip_reason = 'duplicate'"),
    ],
    "item_stopped_says_where": [
        ("failed", "stopped_in = ''"),
        ("skipped", "stopped_in = ''"),
        ("missing", "stopped_in = ''"),
        ("pending", "stopped_in = 'moving'"),
        ("imported", "stopped_in = 'updating'"),
    ],
    "item_in_work_has_lease": [
        ("analyzing", "owner = ''"),
        ("checking", "lease_until = NULL"),
        ("moving", "fence = 0"),
        ("updating", "owner = '', lease_until = NULL"),
        ("pending", "owner = 'host:1:1'"),
        ("failed", "owner = 'host:1:1', lease_until = state_changed_at"),
        ("imported", "lease_until = state_changed_at"),
    ],
    "item_moving_has_destination": [
        ("moving", "destination = ''"),
        ("updating", "destination = ''"),
        ("moving", "sha256 = ''"),
        ("updating", "sha256 = ''"),
    ],
    "item_imported_has_media": [("imported", "media_id = NULL")],
    "item_with_incident_is_unresolved": [
        ("pending", "incident_id = 1"),
        ("skipped", "incident_id = 1"),
    ],
}
SESSION = {
    "session_state_known": [("pending", "state = 'lost'"), ("pending", "state = ''")],
    "session_mode_known": [("pending", "mode = 'link'"), ("ready", "mode = ''")],
    "session_error_has_code": [
        ("error", "error_code = ''"),
        ("imported", "error_code = 'disk_full'"),
        ("failed", "error_code = 'disk_full'"),
    ],
    "session_runner_has_lease": [
        ("importing", "runner = 'host:1:1'"),
        ("importing", "runner_lease_until = created_at"),
    ],
    "session_with_incident_is_in_error": [
        ("ready", "incident_id = 1"),
        ("failed", "incident_id = 1"),
    ],
}
MEDIA = {
    "media_has_bytes": ["size_bytes = 0", "size_bytes = -1"],
    "media_has_path": ["path = ''"],
}
INCIDENT = {
    "incident_state_known": ["state = 'closed'", "state = ''"],
    "incident_resolved_has_time": ["state = 'resolved'", "resolved_at = first_seen_at"],
    "incident_acknowledged_has_time": ["state = 'acknowledged'"],
}
UNIQUE = {
    "item_once_per_session",
    "item_external_id_once",
    "item_one_mover_per_content",
    "item_one_mover_per_place",
    "media_once_per_content",
    "media_once_per_place",
}


def write(row, assignments, *values):
    """Set columns of the row by the database alone."""
    table = row._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {assignments} WHERE id = %s", [*values, row.pk])
        assert cursor.rowcount == 1


def assert_refused(constraint, row, assignments, *values):
    before = type(row)._base_manager.filter(pk=row.pk).values().get()
    with pytest.raises(IntegrityError) as refusal:
        write(row, assignments, *values)

    assert_named(constraint, refusal.value)
    assert type(row)._base_manager.filter(pk=row.pk).values().get() == before


def assert_named(constraint, error):
    """SQLite names the columns of a unique constraint, not the constraint itself."""
    if connection.vendor == "sqlite" and constraint in UNIQUE:
        assert "UNIQUE" in str(error)
    else:
        assert constraint in str(error)


def cases(table):
    return [(name, *case) for name, found in table.items() for case in found]


@pytest.mark.parametrize(("constraint", "state", "assignments"), cases(ITEM))
def test_an_item_that_breaks_a_rule_is_refused(constraint, state, assignments):
    assert_refused(constraint, make_item(state=state), assignments)


@pytest.mark.parametrize(("constraint", "state", "assignments"), cases(SESSION))
def test_a_session_that_breaks_a_rule_is_refused(constraint, state, assignments):
    assert_refused(constraint, make_session(state), assignments)


@pytest.mark.parametrize(
    ("constraint", "assignments"), [(name, case) for name in MEDIA for case in MEDIA[name]]
)
def test_media_that_break_a_rule_are_refused(constraint, assignments):
    assert_refused(constraint, make_media(), assignments)


@pytest.mark.parametrize(
    ("constraint", "assignments"), [(name, case) for name in INCIDENT for case in INCIDENT[name]]
)
def test_an_incident_that_breaks_a_rule_is_refused(constraint, assignments):
    assert_refused(constraint, make_item(state="failed").incident, assignments)


def test_every_named_constraint_has_its_test():
    models = (ImportItem, ImportSession, Media, Incident)
    named = {c.name for model in models for c in model._meta.constraints}

    assert named == {*ITEM, *SESSION, *MEDIA, *INCIDENT, *UNIQUE}


def test_a_path_is_in_a_session_once():
    session = make_session()
    item, other = make_item(session, b"a.jpg"), make_item(session, b"b.jpg")

    assert_refused("item_once_per_session", other, "path_digest = %s", item.path_digest)


def test_a_path_may_be_in_many_sessions():
    assert make_item().path_digest == make_item().path_digest


def test_an_id_of_another_importer_is_there_once_and_may_be_absent():
    session = make_session()
    make_item(session, b"a.jpg", external_id="item_1")
    other = make_item(session, b"b.jpg")
    make_item(session, b"c.jpg")

    assert_refused("item_external_id_once", other, "external_id = 'item_1'")


@pytest.mark.parametrize("state", ["moving", "updating"])
def test_one_content_is_moved_by_one_item_at_a_time(state):
    make_item(name=b"a.jpg", state="moving")
    other = make_item(name=b"b.jpg", state=state)

    assert_refused("item_one_mover_per_content", other, "sha256 = %s", content_of(b"a.jpg"))


@pytest.mark.parametrize("state", ["moving", "updating"])
def test_one_place_is_filled_by_one_item_at_a_time(state):
    first = make_item(name=b"a.jpg", state="updating")
    other = make_item(name=b"b.jpg", state=state)

    assert_refused("item_one_mover_per_place", other, "destination = %s", first.destination)


@pytest.mark.parametrize("state", ["checking", "imported", "skipped", "missing"])
def test_items_that_do_not_move_may_share_content_and_place(state):
    first = make_item(name=b"a.jpg", state="moving")
    other = make_item(name=b"b.jpg", state=state)

    write(other, "sha256 = %s, destination = %s", first.sha256, first.destination)


@pytest.mark.parametrize(
    ("constraint", "column"),
    [("media_once_per_content", "sha256"), ("media_once_per_place", "path")],
)
def test_content_and_place_are_in_the_library_once(constraint, column):
    first, other = make_media(b"a.jpg"), make_media(b"b.jpg")

    assert_refused(constraint, other, f"{column} = %s", getattr(first, column))


@pytest.mark.parametrize("state", ["imported", "skipped"])
def test_a_session_with_items_and_media_with_items_cannot_be_deleted(state):
    item = make_item(state=state)

    with pytest.raises(IntegrityError), transaction.atomic():
        item.session.delete()
    if item.media_id:
        with pytest.raises(IntegrityError), transaction.atomic():
            item.media.delete()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="only SQLite makes tables of lists")
def test_no_table_is_made_to_judge_a_row():
    """A list of more than two values becomes one, in a trigger anew for each row of an import."""
    columns = ("state", "owner", "destination", "stopped_in", "error_code", "skip_reason")
    assignments = ", ".join(f"{name} = 'x'" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN UPDATE local_import_item SET {assignments} WHERE id = 1")
        made = [row for row in cursor.fetchall() if row[1] == "OpenEphemeral"]

    assert made == []
