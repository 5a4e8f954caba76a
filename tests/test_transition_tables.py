"""The two transition tables: the same in the design, in the code and in the documentation."""

import re
from itertools import product
from pathlib import Path

import pytest
from django.db import transaction
from django_fsm import TransitionNotAllowed

from local_import import door, names
from local_import.door import StaleRows, Step
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.state_machine import declared
from local_import.state_synchronizer import StateSynchronizer
from local_import.states import ItemState, SessionState

SESSION = {
    "pending": "ready canceled error",
    "ready": "expanding canceled error",
    "expanding": "processing ready failed error canceled",
    "processing": "enqueued importing imported failed error canceled",
    "enqueued": "importing imported failed error canceled",
    "importing": "imported failed error canceled",
    "failed": "processing imported canceled",
    "error": "ready canceled",
    "imported": "importing failed canceled",
    "canceled": "ready",
}
ITEM = {
    "pending": "analyzing skipped missing failed",
    "analyzing": "checking skipped missing failed pending",
    "checking": "moving skipped failed missing pending",
    "moving": "updating failed missing pending source_restored",
    "updating": "imported failed",
    "failed": "pending skipped",
    "missing": "pending skipped imported",
    "skipped": "pending",
    "imported": "source_restored missing failed",
    "source_restored": "pending",
}
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "states.md"


def pairs(table):
    return {(source, target) for source, targets in table.items() for target in targets.split()}


@pytest.mark.parametrize(("model", "table"), [(ImportSession, SESSION), (ImportItem, ITEM)])
def test_the_code_declares_exactly_the_tables(model, table):
    assert set(declared(model)) == pairs(table)


@pytest.mark.parametrize(("heading", "table"), [("Session", SESSION), ("Item", ITEM)])
def test_the_page_tells_exactly_the_tables(heading, table):
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+) \| ([\w, ]+) \|$", section.split("| from | to |")[1], re.M)
    assert {source: targets.replace(",", "") for source, targets in rows} == table


def in_state(model, state):
    """A row in any state at all, written by force: the doors must refuse from each of them."""
    session = ImportSession.objects.create(source_path=b"/in", source="/in")
    row = session
    if model is ImportItem:
        row = ImportItem.objects.create(
            session=session, path=b"a", path_digest=names.digest(b"a"), shown_path="a"
        )
    for name in _path_to(model, state):
        door.move(model, row.pk, Step(name, "On the way.", _values(name)))
    return model.objects.get(pk=row.pk)


def _path_to(model, state):
    """The transitions that lead from the first state to this one."""
    queue, seen = [("pending", [])], set()
    while queue:
        here, way = queue.pop(0)
        if here == state:
            return way
        for (source, target), name in declared(model).items():
            if source == here and target not in seen:
                seen.add(target)
                queue.append((target, [*way, name]))
    raise AssertionError(state)


def _values(name):
    from django.utils import timezone

    from local_import.models import Media

    if name == "claim":
        return {"owner": "w", "lease_until": timezone.now()}
    if name == "compare":
        return {"sha256": "a" * 64}
    if name == "plan":
        return {"destination": "2020/a.jpg"}
    if name in ("finish", "recover"):
        media, _ = Media.objects.get_or_create(
            sha256="a" * 64,
            defaults={
                "path": "2020/a.jpg",
                "size_bytes": 1,
                "kind": "jpeg",
                "captured_at": timezone.now(),
                "captured_offset_minutes": 0,
                "captured_source": "file_time",
                "captured_confidence": "guess",
                "imported_at": timezone.now(),
            },
        )
        return {"media_id": media.pk}
    return {}


def untouched(row):
    """The row as the database has it, every column."""
    return type(row).objects.filter(pk=row.pk).values().get()


@pytest.mark.parametrize("state", ItemState.values)
def test_every_illegal_step_of_an_item_is_refused_by_every_door(db, state):
    row = in_state(ImportItem, state)
    before, rows = untouched(row), AuditLog.objects.count()

    illegal = [t for t in ItemState.values if (state, t) not in pairs(ITEM)]
    for target in illegal:
        with pytest.raises(TransitionNotAllowed):
            StateSynchronizer().transition_item(row.pk, ItemState(target), "No.")

    assert untouched(row) == before
    written = AuditLog.objects.order_by("-id")[: AuditLog.objects.count() - rows]
    assert len(written) == len(illegal)
    assert all(entry.action.startswith("refused.") for entry in written)


@pytest.mark.parametrize("state", SessionState.values)
def test_every_illegal_step_of_a_session_is_refused(db, state):
    def seen():
        return ImportSession.objects.filter(pk=row.pk).values().get()

    row = ImportSession.objects.create(source_path=b"/in", source="/in")
    for name in _path_to(ImportSession, state):
        door.move(ImportSession, row.pk, Step(name, "On the way."))
    before = seen()

    for target in SessionState.values:
        if (state, target) not in pairs(SESSION):
            with pytest.raises(TransitionNotAllowed):
                StateSynchronizer().transition_session(row.pk, SessionState(target), "No.")

    assert seen() == before


@pytest.mark.parametrize("state", ItemState.values)
def test_the_door_for_many_refuses_what_the_door_for_one_refuses(db, state):
    row = in_state(ImportItem, state)
    before, rows = untouched(row), AuditLog.objects.count()
    transitions = {name for _, name in declared(ImportItem).items()}
    legal = {name for (source, _), name in declared(ImportItem).items() if source == state}

    for name, told in product(sorted(transitions), ItemState.values):
        if told == state and name in legal:
            continue
        with pytest.raises((TransitionNotAllowed, StaleRows)), transaction.atomic():
            door.move_many(
                [Step(name, "No.", _values(name))],
                [row.pk],
                from_state=told,
                session_id=row.session_id,
                actor=door.SYSTEM,
            )

    assert untouched(row) == before
    assert AuditLog.objects.count() == rows


def test_a_legal_step_leaves_one_row_that_names_it(db):
    row = in_state(ImportItem, "analyzing")

    door.move(ImportItem, row.pk, Step("release", "Given back.", {}))

    entry = AuditLog.objects.get_state_transitions(item_id=row.pk).first()
    assert (entry.from_state, entry.to_state) == ("analyzing", "pending")
    assert (entry.message, entry.action, entry.actor) == ("Given back.", "item.release", "system")


def test_a_stale_fence_writes_nothing(db):
    row = in_state(ImportItem, "analyzing")
    before, rows = untouched(row), AuditLog.objects.count()

    with pytest.raises(StaleRows), transaction.atomic():
        door.move_many(
            [Step("release", "Too late.")],
            [row.pk],
            from_state="analyzing",
            session_id=row.session_id,
            actor=door.SYSTEM,
            columns=("id", "fence"),
            rows=[(row.pk, row.fence - 1)],
        )

    assert (untouched(row), AuditLog.objects.count()) == (before, rows)


def test_without_its_audit_row_a_transition_does_not_happen(db):
    row = in_state(ImportItem, "analyzing")
    before = untouched(row)

    with pytest.raises(Exception, match=r"(?i)too long|NUL|null"), transaction.atomic():
        door.move(ImportItem, row.pk, Step("release", None))

    assert untouched(row) == before
