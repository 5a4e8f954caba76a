"""The two transition tables: the same in the design, in the code and in the documentation."""

import re
from pathlib import Path

import pytest

from local_import.models import ImportItem, ImportSession
from local_import.state_machine import ItemStateMachine, SessionStateMachine, declared
from local_import.states import (
    ITEM_AT_REST,
    ITEM_IN_WORK,
    SESSION_AT_REST,
    SESSION_RUNNING,
    SESSION_WAITING,
    ItemState,
    SessionState,
)

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
    "failed": "pending skipped imported",
    "missing": "pending skipped imported",
    "skipped": "pending",
    "imported": "source_restored missing failed skipped",
    "source_restored": "pending",
}
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "states.md"


def pairs(table):
    return {(source, target) for source, targets in table.items() for target in targets.split()}


def section(heading):
    return PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize(("model", "table"), [(ImportSession, SESSION), (ImportItem, ITEM)])
def test_the_code_declares_exactly_the_tables(model, table):
    assert set(declared(model)) == pairs(table)


@pytest.mark.parametrize(("heading", "table"), [("Session", SESSION), ("Item", ITEM)])
def test_the_page_tells_exactly_the_tables(heading, table):
    rows = re.findall(
        r"^\| (\w+) \| ([\w, ]+) \|$", section(heading).split("| from | to |")[1], re.M
    )
    assert {source: targets.replace(",", "") for source, targets in rows} == table


def families(heading):
    """Family → states, as the page has them."""
    found = {}
    for state, family in re.findall(r"^\| (\w+) \| .+ \| ([\w ]+) \|$", section(heading), re.M):
        found.setdefault(family, set()).add(state)
    del found["family"]
    return found


def test_the_page_puts_every_session_state_into_the_family_that_the_code_does():
    assert families("Session") == {
        "waiting": SESSION_WAITING,
        "running": SESSION_RUNNING,
        "at rest": SESSION_AT_REST,
    }


def test_the_page_puts_every_item_state_into_the_family_that_the_code_does():
    assert families("Item") == {
        "waiting": {ItemState.PENDING},
        "in work": set(ITEM_IN_WORK),
        "success": {ItemState.IMPORTED},
        "at rest": ITEM_AT_REST - {ItemState.IMPORTED},
    }


@pytest.mark.parametrize(
    ("machine", "states", "table"),
    [(SessionStateMachine, SessionState, SESSION), (ItemStateMachine, ItemState, ITEM)],
)
def test_the_machines_in_memory_know_the_same_tables(machine, states, table):
    for state in states:
        assert machine(state).allowed_transitions() == set(table[state].split())


def test_no_transition_is_declared_for_any_state_at_all():
    sources = {source for model in (ImportItem, ImportSession) for source, _ in declared(model)}

    assert not sources & {"*", "+"}
