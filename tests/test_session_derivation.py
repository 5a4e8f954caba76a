"""A session's state follows from its flags and the histogram of its items, whatever they are."""

from hypothesis import given
from hypothesis import strategies as st

from local_import.state_machine import StateConsistencyValidator
from local_import.state_synchronizer import Flags, derive, path_between
from local_import.states import ITEM_IN_WORK, SESSION_RUNNING, ItemState, SessionState

histograms = st.dictionaries(st.sampled_from(ItemState.values), st.integers(0, 3))
flags = st.builds(Flags, *[st.booleans()] * 7)
working = Flags()


@given(flags, histograms)
def test_it_is_defined_for_everything(told, counts):
    assert derive(told, counts) in SessionState


@given(flags, histograms)
def test_the_order_of_the_items_does_not_matter(told, counts):
    assert derive(told, counts) == derive(told, dict(reversed(counts.items())))


@given(histograms, st.booleans())
def test_it_agrees_with_the_rules_between_session_and_items(counts, begun):
    state = derive(Flags(begun=begun), counts)

    result = StateConsistencyValidator.validate_counts(state, counts)

    assert result.is_consistent, (state, result.issues)


@given(histograms, st.booleans(), st.sampled_from(sorted(SESSION_RUNNING)))
def test_it_can_be_reached_from_every_running_state(counts, begun, source):
    target = derive(Flags(begun=begun or source == "importing"), counts)

    # Behind the plan only: a session that found nothing or waits for its plan has flags that say so.
    if sum(counts.values()) and target != source and not _backwards(source, target):
        assert path_between(source, target), (source, target)


def _backwards(source, target):
    """An importing session has begun, so that it is never only enqueued again."""
    return source == "importing" and target == "enqueued"


@given(histograms)
def test_deriving_again_changes_nothing(counts):
    first = derive(working, counts)
    begun = first in (SessionState.IMPORTING, SessionState.IMPORTED, SessionState.FAILED)

    assert derive(Flags(begun=begun), counts) == first


@given(flags, histograms)
def test_nothing_in_work_is_ever_hidden_behind_a_state_of_rest(told, counts):
    state = derive(told, counts)

    if state in ("error", "canceled", "imported", "failed"):
        assert sum(counts.get(name, 0) for name in ITEM_IN_WORK) == 0
