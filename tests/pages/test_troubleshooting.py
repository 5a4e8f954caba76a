"""What fails across all sessions, one incident of it, and the filter of the list."""

import pytest

from local_import import incidents
from local_import.audit_logger import SYSTEM
from tests.pages.world import World

pytestmark = pytest.mark.django_db
LIST = "/import/troubleshooting/"
MOST_QUERIES = 12


@pytest.fixture
def world(db):
    return World()


def test_every_incident_that_is_not_resolved_stands_in_the_list(viewer, world):
    text = viewer.get(LIST).content.decode()

    assert f"/import/incidents/{world.failed.incident_id}/" in text
    assert "damaged file" in text


def test_what_the_check_has_found_is_one_link_away(viewer, world):
    text = viewer.get(LIST).content.decode()

    assert "1 finding of the consistency check is open" in text
    assert 'href="/import/consistency/findings/"' in text


def test_the_list_tells_how_trying_again_went(operator, world):
    """Of the one file that fails, a try has failed again."""
    assert "0 of 1" in operator.get(LIST).content.decode()

    operator.post(f"/import/operations/retry/?target=item:{world.failed.pk}")

    assert "0 of 1" not in operator.get(LIST).content.decode(), "it is under way"


def test_without_an_incident_the_page_says_that_nothing_fails(viewer):
    assert "Nothing fails." in viewer.get(LIST).content.decode()


def test_the_list_is_narrowed_and_a_chip_widens_it(viewer, world):
    kept = viewer.get(LIST, {"q": "code:damaged since:1h"}).content.decode()
    gone = viewer.get(LIST, {"q": "code:disk_full"}).content.decode()

    assert f"/import/incidents/{world.failed.incident_id}/" in kept
    assert 'href="?q=since%3A1h"' in kept
    assert "No incident is like that." in gone


@pytest.mark.parametrize(
    "text", ["flavour:sweet", "code:nothing", "since:yesterday", "damaged", "x" * 5_000, "code:"]
)
def test_an_unknown_word_is_an_error_in_words_and_never_ignored(viewer, world, text):
    answer = viewer.get(LIST, {"q": text})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "/import/incidents/" not in answer.content.decode()


def test_an_incident_tells_its_cause_its_files_and_what_can_be_done(operator, world):
    text = operator.get(f"/import/incidents/{world.failed.incident_id}/").content.decode()

    assert "Look for a whole copy." in text
    assert f"/import/items/{world.failed.pk}/" in text
    assert "/import/operations/retry/?target=incident%3A" in text


def test_who_has_acknowledged_it_and_why_is_shown(operator, world):
    incidents.acknowledge(world.failed.incident_id, actor=SYSTEM, reason="I ask the owner.")

    text = operator.get(f"/import/incidents/{world.failed.incident_id}/").content.decode()

    assert "I ask the owner." in text


@pytest.mark.parametrize("address", [f"/import/incidents/{'9' * 30}/", "/import/incidents/0/"])
def test_an_incident_that_there_is_not_is_told_so(viewer, address):
    answer = viewer.get(address)

    assert answer.status_code == 404
    assert "There is no incident" in answer.content.decode()


def test_the_pages_ask_no_more_than_they_may(operator, world, django_assert_max_num_queries):
    for address in (LIST, f"/import/incidents/{world.failed.incident_id}/"):
        with django_assert_max_num_queries(MOST_QUERIES):
            operator.get(address)
