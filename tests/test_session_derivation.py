"""A session's state follows from its flags and the histogram of its items, whatever they are."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from local_import import door
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.state_machine import StateConsistencyValidator, counted, declared
from local_import.state_synchronizer import Flags, StateSynchronizer, derive, path_between
from local_import.states import ITEM_IN_WORK, SESSION_RUNNING, ItemState, SessionState
from tests.builders import MOMENT, make_item, make_session, step

histograms = st.dictionaries(st.sampled_from(ItemState.values), st.integers(0, 3))
flags = st.builds(Flags, *[st.booleans()] * 7)


def working(begun=False):
    """The flags of a session whose plan is fixed and that nobody stops."""
    return Flags(begun=begun)


@given(flags, histograms)
def test_it_is_defined_for_everything(told, counts):
    assert derive(told, counts) in SessionState


@given(flags, st.lists(st.sampled_from(ItemState.values), max_size=20), st.randoms())
def test_the_order_of_the_items_does_not_matter(told, states, chance):
    shuffled = random.Random(chance.random()).sample(states, len(states))

    assert derive(told, counted(states)) == derive(told, counted(shuffled))


@given(flags, histograms)
def test_states_that_no_item_is_in_may_be_left_out(told, counts):
    some = {state: number for state, number in counts.items() if number}

    assert derive(told, some) == derive(told, dict.fromkeys(ItemState.values, 0) | counts)


@given(histograms, st.booleans(), st.booleans(), st.booleans())
def test_it_agrees_with_the_rules_between_session_and_items(counts, begun, canceled, broken):
    state = derive(Flags(begun=begun, canceled=canceled, broken=broken), counts)

    result = StateConsistencyValidator.validate_counts(state, counts)

    assert result.is_consistent, (state, result.issues)


@given(flags, histograms)
def test_nothing_in_work_is_ever_hidden_behind_a_state_of_rest(told, counts):
    state = derive(told, counts)

    if state in ("error", "canceled", "imported", "failed"):
        assert sum(counts.get(name, 0) for name in ITEM_IN_WORK) == 0


@given(histograms, st.booleans(), st.sampled_from(sorted(SESSION_RUNNING)))
def test_it_can_be_reached_from_every_running_state(counts, begun, source):
    # A session that is importing has begun, so that it is never only enqueued again; and one that
    # has items has found them, so that it is not ready again.
    target = derive(working(begun or source == "importing"), counts)

    if sum(counts.values()) and target != source:
        assert path_between(source, target), (source, target)


def test_the_way_between_two_states_is_made_of_declared_steps():
    for source, target in itertools.product(SessionState.values, repeat=2):
        here = source
        for name in path_between(source, target):
            here = {s: t for (s, t), n in declared(ImportSession).items() if n == name}[here]
        assert here in (source, target)


@pytest.mark.parametrize(
    ("changed", "counts", "state"),
    [
        ({"confirmed": False}, {"imported": 1}, "pending"),
        ({"started": False}, {"pending": 1}, "ready"),
        ({"walked": False}, {}, "expanding"),
        ({"walked": False}, {"analyzing": 1}, "expanding"),
        ({}, {}, "ready"),
        ({"planned": False}, {"imported": 2}, "processing"),
        ({}, {"pending": 2}, "enqueued"),
        ({"begun": True}, {"pending": 2}, "importing"),
        ({}, {"pending": 1, "imported": 1}, "importing"),
        ({}, {"updating": 1}, "importing"),
        ({}, {"imported": 1, "skipped": 2, "source_restored": 1}, "imported"),
        ({}, {"imported": 9997, "failed": 3}, "failed"),
        ({}, {"imported": 9999, "missing": 1}, "failed"),
        ({"canceled": True}, {"pending": 5}, "canceled"),
        ({"canceled": True}, {"moving": 1}, "importing"),
        ({"broken": True}, {"pending": 5}, "error"),
        ({"broken": True, "canceled": True}, {}, "canceled"),
        ({"broken": True}, {"checking": 1, "pending": 1}, "importing"),
    ],
)
def test_what_follows_from_what(changed, counts, state):
    assert derive(Flags(**changed), counts) == state


class SynchronizingTests(TestCase):
    """Hypothesis needs a transaction for each example, which its TestCase has."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.sampled_from(ItemState.values), min_size=1, max_size=4))
    def test_a_running_session_arrives_and_stays(self, states):
        session = _started(make_session("processing"))
        for number, state in enumerate(states):
            make_item(session, b"%d.jpg" % number, state)

        first = StateSynchronizer().sync_session_with_items(session.pk)
        rows = AuditLog.objects.count()
        second = StateSynchronizer().sync_session_with_items(session.pk)

        stored = ImportSession.objects.get(pk=session.pk)
        touched = set(states) != {"pending"}
        assert stored.state == first.state == second.state
        assert stored.state == derive(working(touched), counted(states))
        assert AuditLog.objects.count() == rows
        assert stored.counts == counted(states)


def _started(session):
    row = ImportSession.objects.filter(pk=session.pk)
    row.update(started_at=MOMENT, walked_at=MOMENT, planned_at=MOMENT)
    return row.get()


@pytest.mark.django_db
def test_the_session_tells_why_it_moved():
    session = _started(make_session("importing"))
    make_item(session, state="failed")

    StateSynchronizer().sync_session_with_items(session.pk)

    newest = AuditLog.objects.get_state_transitions(session_id=session.pk).filter(item=None).first()
    assert (newest.from_state, newest.to_state) == ("importing", "failed")
    assert newest.message == "Derived from its items: 1 failed."


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["error", "canceled"])
@pytest.mark.parametrize("item_state", ItemState.values)
def test_only_an_operator_ends_a_stop(state, item_state):
    session = make_session("ready")
    make_item(session, state=item_state)
    names = ["start", "plan", "begin", {"error": "break_off", "canceled": "cancel"}[state]]
    for name in names:
        door.move(ImportSession, session.pk, step(session, name))
    before = ImportSession.objects.get(pk=session.pk)

    StateSynchronizer().sync_session_with_items(session.pk)

    after = ImportSession.objects.get(pk=session.pk)
    assert (after.state, after.error_code) == (state, before.error_code)
    assert after.cancel_requested_at == before.cancel_requested_at


@pytest.mark.django_db
def test_looking_at_a_session_writes_nothing():
    session = _started(make_session("importing"))
    make_item(session, state="imported")
    before = ImportSession.objects.filter(pk=session.pk).values().get()
    rows = AuditLog.objects.count()

    snapshot = StateSynchronizer().get_session_snapshot(session.pk)

    assert (snapshot.state, snapshot.total, snapshot.unfinished) == ("importing", 1, 0)
    assert ImportSession.objects.filter(pk=session.pk).values().get() == before
    assert AuditLog.objects.count() == rows


@pytest.mark.django_db
def test_items_of_other_sessions_do_not_count():
    session = _started(make_session("importing"))
    make_item(session, state="imported")
    make_item(make_session(), state="failed")

    assert StateSynchronizer().sync_session_with_items(session.pk).state == "imported"
    assert ImportItem.objects.count() == 2


@pytest.mark.django_db
def test_a_session_that_does_not_exist_is_no_session():
    with pytest.raises(ImportSession.DoesNotExist):
        StateSynchronizer().sync_session_with_items(123)
