"""A file that leaves its way says in which state it did, and the pictures of a session say how many."""

import random
from collections import Counter

import pytest

from local_import import door
from local_import.counting import histogram
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.state_machine import declared
from local_import.state_synchronizer import StateSynchronizer
from local_import.states import ITEM_STOPPED
from tests.builders import make_item, make_session, step

pytestmark = pytest.mark.django_db
STEPS = sorted((source, target, name) for (source, target), name in declared(ImportItem).items())


def moved(item, name):
    return door.move(ImportItem, item.pk, step(item, name))


@pytest.mark.parametrize(("source", "target", "name"), STEPS)
def test_every_transition_says_where_a_file_stopped_and_forgets_it_when_it_goes_on(
    source, target, name
):
    before = make_item(state=source)

    after = moved(before, name)

    if target not in ITEM_STOPPED:
        assert after.stopped_in == ""
    elif source in ITEM_STOPPED:  # dismissed: it stopped where it did
        assert after.stopped_in == before.stopped_in != ""
    else:
        assert after.stopped_in == source


def wander(session, steps, seed):
    """Files of a session take whatever way they may."""
    chance = random.Random(seed)
    items = [make_item(session, b"%d.jpg" % number) for number in range(8)]
    for _ in range(steps):
        at = chance.randrange(len(items))
        open_to_it = [name for source, _to, name in STEPS if source == items[at].state]
        items[at] = moved(items[at], chance.choice(open_to_it))


def last_stop(item):
    """By the audit log alone: the state that it left for the ones in which files stop."""
    steps = AuditLog.objects.of_item(item.pk).transitions().order_by("-pk")
    left = steps.exclude(from_state__in=ITEM_STOPPED).filter(to_state__in=ITEM_STOPPED)
    return left.first().from_state


@pytest.mark.parametrize("seed", range(5))
def test_the_picture_of_a_session_is_what_its_audit_log_tells(seed):
    session = make_session("importing")
    wander(session, 60, seed)
    wander(make_session("importing"), 10, seed)  # of which nothing may be counted here

    StateSynchronizer().sync_session_with_items(session.pk)

    items = list(ImportItem.objects.in_session(session.pk))
    stopped = [item for item in items if item.state in ITEM_STOPPED]
    told = Counter((item.state, last_stop(item)) for item in stopped)
    row = ImportSession.objects.get(pk=session.pk)
    shown = {(end, at): n for end, stops in row.stops.items() for at, n in stops.items()}
    assert shown == told
    assert row.counts == histogram(session.pk).counts
    for end in ITEM_STOPPED:
        assert row.counts[end] == sum(row.stops.get(end, {}).values())
