"""The door for many rows: all of them with an audit row each, or nothing at all."""

from itertools import product

import pytest
from django.db import DatabaseError, transaction
from django_fsm import TransitionNotAllowed

from local_import import door
from local_import.audit_logger import Actor
from local_import.door import Each, StaleRows, Step
from local_import.models import AuditLog, ImportItem
from local_import.state_machine import declared
from local_import.states import ItemState
from tests.builders import content_of, make_item, make_session, step
from tests.test_door_one_row import audit_ids, break_the_audit_log, new_audit_rows

WORKER = Actor("host:1:1")
TRANSITIONS = sorted(set(declared(ImportItem).values()))
pytestmark = pytest.mark.django_db


def make_items(state, number=3):
    session = make_session()
    return [make_item(session, f"{n}.jpg".encode(), state) for n in range(number)]


def stored():
    return list(ImportItem.objects.order_by("pk").values())


def move(items, *steps, told=None, **options):
    door.move_many(
        steps,
        [item.pk for item in items],
        from_state=told or items[0].state,
        session_id=items[0].session_id,
        actor=WORKER,
        **options,
    )


def fenced(items, difference=0):
    return {
        "columns": ("id", "fence"),
        "rows": [(item.pk, item.fence + difference * (n == 1)) for n, item in enumerate(items)],
    }


# From checking to moving each row needs a destination of its own; see below.
ALIKE = sorted(set(declared(ImportItem)) - {("checking", "moving")})


@pytest.mark.parametrize(("source", "target"), ALIKE)
def test_every_legal_step_moves_all_and_leaves_one_audit_row_each(source, target):
    items = make_items(source)
    known = audit_ids()
    chosen = step(items[0], declared(ImportItem)[source, target])

    move(items, chosen)

    entries = new_audit_rows(known)
    assert {row["state"] for row in stored()} == {target}
    assert sorted(entry.item_id for entry in entries) == [item.pk for item in items]
    for entry in entries:
        assert (entry.from_state, entry.to_state) == (source, target)
        assert (entry.message, entry.actor) == (chosen.reason, WORKER.name)
        assert (entry.action, entry.session_id) == (
            f"item.{chosen.transition}",
            items[0].session_id,
        )


def test_the_same_step_sets_the_same_columns_through_both_doors():
    one, many = make_items("analyzing", 2)
    chosen = step(one, "fail")

    door.move(ImportItem, one.pk, chosen)
    move([many], chosen)

    unlike = ("id", "path", "path_digest", "shown_path", "state_changed_at")
    first, second = (
        {name: value for name, value in row.items() if name not in unlike} for row in stored()
    )
    assert first == second


def test_steps_in_a_row_leave_an_audit_row_for_each_of_them():
    items = make_items("pending")
    known = audit_ids()

    move(items, step(items[0], "claim"), Step("release", "Given back."))

    ways = [(e.item_id, e.from_state, e.to_state) for e in new_audit_rows(known)]
    assert sorted(ways) == sorted(
        way
        for item in items
        for way in [(item.pk, "pending", "analyzing"), (item.pk, "analyzing", "pending")]
    )
    assert {(row["owner"], row["fence"]) for row in stored()} == {("", 1)}


def test_each_row_gets_its_own_values():
    items = make_items("checking")
    places = [f"2020/{item.pk}.jpg" for item in items]
    rows = [(item.pk, item.fence, place) for item, place in zip(items, places, strict=True)]

    move(
        items,
        Step("plan", "Planned.", {"destination": Each("destination")}),
        columns=("id", "fence", "destination"),
        rows=rows,
    )

    assert [row["destination"] for row in stored()] == places
    assert [row["fence"] for row in stored()] == [item.fence for item in items]
    assert [row["sha256"] for row in stored()] == [content_of(bytes(i.path)) for i in items]


@pytest.mark.parametrize("state", ItemState.values)
def test_everything_illegal_writes_nothing_at_all(state):
    items = make_items(state, 2)
    before, known = stored(), audit_ids()
    legal = {name for (source, _), name in declared(ImportItem).items() if source == state}

    for name, told in product(TRANSITIONS, ItemState.values):
        if told == state and name in legal:
            continue
        with pytest.raises((TransitionNotAllowed, StaleRows)), transaction.atomic():
            move(items, step(items[0], name), told=told)

    assert stored() == before
    assert audit_ids() == known


@pytest.mark.parametrize("named", ["with fences", "without"])
def test_one_row_that_has_moved_on_stops_all_of_them(named):
    items = make_items("analyzing")
    door.move(ImportItem, items[1].pk, Step("release", "Lost."))
    before, known = stored(), audit_ids()

    with pytest.raises(StaleRows), transaction.atomic():
        move(items, Step("release", "No."), **(fenced(items) if named == "with fences" else {}))

    assert (stored(), audit_ids()) == (before, known)


@pytest.mark.parametrize("difference", [-1, 1])
def test_one_wrong_fence_stops_all_of_them(difference):
    items = make_items("analyzing")
    before, known = stored(), audit_ids()

    with pytest.raises(StaleRows), transaction.atomic():
        move(items, Step("release", "No."), **fenced(items, difference))

    assert (stored(), audit_ids()) == (before, known)


def test_a_worker_that_lost_its_lease_and_a_second_claim_in_between_can_do_no_harm():
    (item,) = make_items("analyzing", 1)
    door.move(ImportItem, item.pk, Step("release", "The lease ended."))
    door.move(ImportItem, item.pk, step(item, "claim"))
    before, known = stored(), audit_ids()

    with pytest.raises(StaleRows), transaction.atomic():
        move([item], Step("compare", "Late."), **fenced([item]))

    assert (stored(), audit_ids()) == (before, known)


def test_a_row_that_does_not_exist_stops_all_of_them():
    items = make_items("analyzing")
    before, known = stored(), audit_ids()

    with pytest.raises(StaleRows), transaction.atomic():
        move([*items, ImportItem(pk=10**9, session_id=items[0].session_id)], Step("release", "No."))

    assert (stored(), audit_ids()) == (before, known)


def test_without_their_audit_rows_the_transitions_do_not_happen():
    items = make_items("analyzing")
    before, known = stored(), audit_ids()
    break_the_audit_log()

    with pytest.raises(DatabaseError), transaction.atomic():
        move(items, Step("release", "No."))

    assert (stored(), audit_ids()) == (before, known)


def test_no_rows_are_no_work():
    door.move_many([Step("claim", "")], [], from_state="pending", session_id=1, actor=WORKER)

    assert not AuditLog.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_door_holds_its_own_transaction_when_nobody_else_does():
    items = make_items("analyzing")
    door.move(ImportItem, items[0].pk, Step("release", "Lost."))
    before, known = stored(), audit_ids()

    with pytest.raises(StaleRows):
        move(items, Step("release", "No."))

    assert (stored(), audit_ids()) == (before, known)
