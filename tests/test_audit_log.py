"""The audit log: one writer, rows that stay, details that every database takes, named questions."""

import json
from collections import deque

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from local_import.audit_log_repository import AuditLogRepository
from local_import.audit_logger import (
    MAX_DETAILS_BYTES,
    MAX_TEXT,
    Actor,
    AuditLogger,
    Entry,
    StructuredLogger,
    capped,
)
from local_import.models import AuditLog, ImportItem
from local_import.state_synchronizer import find_item
from tests.builders import make_item, make_session

HOSTILE = "a\x00b\ud800c\n\x1b[31m写真"
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def written(entry):
    AuditLogger().record(entry)
    return AuditLog.objects.latest("id")


@pytest.mark.django_db
def test_a_row_holds_what_was_told():
    user = User.objects.create_user("anna")
    entry = Entry(
        "validation",
        "Looked at.",
        level="warning",
        action="item.look",
        session_id=1,
        item_id=2,
        external_item="item_002",
        actor=Actor.of(user),
        request_id="r-1",
        task_id="t-1",
        details={"size_bytes": 5},
        recommended_actions=["Look again."],
        duration_ms=1.5,
        from_state="pending",
        to_state="skipped",
    )

    row = written(entry)

    for name in Entry.__slots__:
        if name != "actor":
            assert getattr(row, name) == getattr(entry, name)
    assert (row.actor, row.user_id) == ("anna", user.pk)


@pytest.mark.django_db
def test_many_rows_differ_in_the_named_columns_only():
    AuditLogger().record_many(Entry("validation", "Seen."), ["item_id"], [(1,), (2,), (3,)])

    rows = AuditLog.objects.order_by("id")
    assert [row.item_id for row in rows] == [1, 2, 3]
    assert {(row.message, row.timestamp) for row in rows} == {("Seen.", rows[0].timestamp)}


@pytest.mark.django_db
def test_no_rows_are_no_work():
    AuditLogger().record_many(Entry("validation", "Seen."), ["item_id"], [])

    assert not AuditLog.objects.exists()


@pytest.mark.django_db
def test_an_error_is_kept_with_its_type_its_message_and_its_stack():
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        row = written(Entry("error", "It failed.", level="error").about(error))

    assert row.error_type == "ValueError"
    assert "写真" in row.error_message and "\x00" not in row.error_message
    assert "raise ValueError(HOSTILE)" in row.stack_trace


@pytest.mark.django_db
def test_a_message_of_megabytes_is_cut():
    row = written(Entry("error", "It failed.").about(ValueError("x" * 10_000_000)))

    assert len(row.error_message) == MAX_TEXT
    assert len(row.stack_trace) <= MAX_TEXT


@pytest.mark.django_db
@pytest.mark.parametrize("text", [HOSTILE, "\x00", "\ud800", "\\u0000", "x" * 100_000])
def test_hostile_texts_are_written_wherever_they_come_from(text):
    log = StructuredLogger(session_id=1, item_id=text, actor=Actor(text))

    log.info(text, value=text, **{text[:50]: 1})
    log.error(text, ValueError(text), recommended_actions=[text])
    log.performance(text, 1.0)

    assert AuditLog.objects.count() == 3


@given(st.dictionaries(st.text(), json_like))
def test_details_of_any_kind_become_small_clean_json(details):
    text = json.dumps(capped(details))

    assert len(text) <= 6 * MAX_DETAILS_BYTES
    assert "\\u0000" not in text.replace("\\\\", "")


@pytest.mark.parametrize(
    "details",
    [
        {"paths": ["x" * 100] * 10_000},
        {"text": "x" * 10_000_000},
        {str(number): "x" * 1000 for number in range(10_000)},
        {"x" * 1_000_000: 1},
        {"deep": [["x" * 50_000] * 9] * 9},
        {"bytes": b"\xff" * 1_000_000},
        {"path": deque(range(100_000))},
    ],
)
def test_large_details_are_cut(details):
    assert len(json.dumps(capped(details))) <= MAX_DETAILS_BYTES


def test_a_long_list_keeps_both_ends_and_its_length():
    kept = capped({"paths": [f"{number:0100}" for number in range(10_000)], "why": "many"})

    assert kept["why"] == "many"
    assert kept["paths"]["count"] == 10_000
    assert int(kept["paths"]["first"][0]) == 0 and int(kept["paths"]["last"][-1]) == 9999


def circle():
    here = []
    here.append(here)
    return here


def well():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [circle(), well(), 10**5000, float("nan"), float("-inf"), {b"k": 1, (1, 2): 2}, {1, 2}, object],
    ids=["circle", "well", "huge", "nan", "inf", "keys", "set", "class"],
)
def test_details_that_are_no_json_do_not_stop_the_logger(value):
    StructuredLogger().info("Seen.", good=1, odd=value)

    assert AuditLog.objects.get().message == "Seen."


def test_small_details_are_kept_as_they_are():
    details = {"a": [1, 2.5, None, True, "写真"], "b": {"c": "\\u0000 and \\"}}

    assert capped(details) == details


@pytest.mark.django_db
def test_a_written_row_cannot_be_changed_or_removed():
    row = written(Entry("validation", "First."))
    row.message = "Second."

    for change in (row.save, row.delete):
        with pytest.raises(TypeError):
            change()

    assert AuditLog.objects.get().message == "First."


@pytest.mark.django_db
def test_a_row_outlives_what_it_tells_of():
    item = make_item()
    StructuredLogger(session_id=item.session_id, item_id=item.pk).info("Seen.")
    known = item.pk

    item.delete()

    assert AuditLog.objects.get().item_id == known


@pytest.mark.django_db
def test_an_item_is_found_by_our_id_and_by_the_other_importers():
    item = make_item(make_session(), external_id="item_001")
    log = StructuredLogger(session_id=item.session_id, item_id="item_001")
    log.info("Seen.")
    StructuredLogger(item_id="item_002").info("Never heard of.")

    assert [row.message for row in AuditLogRepository().get_by_item(item.pk)] == ["Seen."]
    assert [row.message for row in AuditLog.objects.get_by_item("item_001")] == ["Seen."]
    assert [r.message for r in AuditLog.objects.get_by_item("item_002")] == ["Never heard of."]


@pytest.mark.django_db
@pytest.mark.parametrize("item_id", ["9" * 30, "²", "-1", "٣", "007"])
def test_ids_that_look_like_numbers_are_no_trap(item_id):
    StructuredLogger(item_id=item_id).info("Seen.")

    assert [row.message for row in AuditLog.objects.get_by_item(item_id)] == ["Seen."]


@pytest.mark.django_db
def test_the_other_importer_may_number_its_items():
    other = make_item(make_session(), external_id="7000")
    StructuredLogger(item_id="7000").info("Seen.")

    assert [row.item_id for row in AuditLog.objects.get_by_item("7000")] == [other.pk]


@pytest.mark.django_db
@pytest.mark.parametrize("item_id", ["9" * 30, "²", "", "-1", "1" * 5000, "item_404", 10**9])
def test_an_item_that_does_not_exist_is_said_not_to(item_id):
    with pytest.raises(ImportItem.DoesNotExist):
        find_item(item_id)


@pytest.fixture
def rows_of_two_sessions(db):
    for session in (1, 2):
        log = StructuredLogger(session_id=session, item_id=session * 10)
        log.info("Seen.")
        log.error("Failed.", ValueError("bad"))
        log.performance("hashing", 12.5)
        entry = Entry("state_transition", "Moved.", session_id=session, item_id=session * 10)
        AuditLogger().record(entry)


@pytest.mark.parametrize(
    ("question", "messages"),
    [
        ("get_errors", ["Failed."]),
        ("get_state_transitions", ["Moved."]),
        ("get_performance_metrics", ["hashing"]),
        ("search", ["Moved.", "hashing", "Failed.", "Seen."]),
    ],
)
def test_questions_find_their_rows_newest_first(rows_of_two_sessions, question, messages):
    ask = getattr(AuditLogRepository(), question)

    assert [row.message for row in ask(session_id=1)] == messages
    assert [row.message for row in ask(item_id=20)] == messages
    assert [row.message for row in ask(session_id=1, item_id=20)] == []
    assert len(ask()) == 2 * len(messages)


def test_a_session_is_asked_for_by_its_number(rows_of_two_sessions):
    assert {row.session_id for row in AuditLog.objects.get_by_session(2)} == {2}


def test_an_entry_needs_no_more_than_a_category_and_a_message():
    assert Entry("validation", "x").columns()["level"] == "info"
