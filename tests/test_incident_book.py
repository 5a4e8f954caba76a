"""Whatever happens to the files, in whatever order, the book of incidents tells what is so."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_import import door, incidents
from local_import.door import Step
from local_import.models import ImportItem
from local_import.state_machine import declared
from local_import.states import ITEM_IN_WORK, ITEM_UNRESOLVED
from tests.builders import make_item, make_session, step
from tests.test_incidents import failure

CODES = ("permission_denied", "io_error")
UNFINISHED = ("pending", *ITEM_IN_WORK)
moves = st.tuples(st.integers(0, 3), st.integers(0, 20), st.sampled_from(CODES))


def move(item, choice, code):
    """One of the legal steps of the item; a failing one with one of two causes."""
    names = sorted(
        {name for (state, _), name in declared(ImportItem).items() if state == item.state}
    )
    chosen = step(item, names[choice % len(names)])
    if chosen.transition in ("fail", "lose"):
        values = {"failure": failure(code, f"/inbox/{item.session_id}/{item.pk}.jpg")}
        values |= {"error_code": code} if chosen.transition == "fail" else {}
        chosen = Step(chosen.transition, "It failed.", values)
    door.move(ImportItem, item.pk, chosen)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None)
@given(story=st.lists(moves, max_size=30))
def test_the_book_tells_what_is_so_after_any_story(story):
    session = make_session("importing")
    made = [make_item(session, b"%d-%d.jpg" % (session.pk, n)) for n in range(4)]

    for number, choice, code in story:
        move(ImportItem.objects.get(pk=made[number].pk), choice, code)
        assert_the_book_is_right(session)
        incidents.resolve_over()
        assert_the_book_is_right(session, resolved=True)


def assert_the_book_is_right(session, *, resolved=False):
    """The incidents of the session, which are its own: no other has files in its directory."""
    for item in session.items.all():
        assert (item.state in ITEM_UNRESOLVED) == (item.incident_id is not None)
    told = session.audit_rows.filter(action__in=("item.fail", "item.lose")).count()
    assert sum(incident.count for incident in session.incidents.all()) == told
    for incident in session.incidents.all():
        held = incident.items.exists()
        tried = incident.retried_items.filter(state__in=UNFINISHED).exists()
        if incident.state == "resolved":
            assert not held
        elif resolved:
            assert held or tried
