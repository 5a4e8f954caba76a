"""The list of sessions: by state, mode, name and failures, page by page."""

import pytest

from local_import.services import session_list
from local_import.state_synchronizer import StateSynchronizer
from tests.builders import make_item, make_session, walk


def listed(client, query=""):
    answer = client.get(f"/import/sessions/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def three(db):
    """One that waits, one that runs, and one that failed."""
    ready = make_session("ready", label="Ready one", source=b"/secret/card")
    running = make_session("importing", label="Running one", mode="move")
    failed = make_session("importing", label="Failed one")
    make_item(running, b"w.jpg", "pending")
    make_item(failed, b"f.jpg", "failed")
    return ready, walk(running), walk(failed)


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("", {"Ready", "Running", "Failed"}),
        ("?state=ready", {"Ready"}),
        ("?state=running", {"Running"}),
        ("?state=trouble", {"Failed"}),
        ("?mode=move", {"Running"}),
        ("?failures=yes", {"Failed"}),
        ("?text=Fai", {"Failed"}),
        ("?text=fai", set()),
        ("?text=%25", set()),
        ("?text=/secret", {"Ready"}),
        ("?state=failed&mode=copy&failures=yes&text=Failed", {"Failed"}),
    ],
)
def test_the_list_can_be_narrowed(operator, three, query, labels):
    text = listed(operator, query)

    assert {name for name in ("Ready", "Running", "Failed") if f"{name} one" in text} == labels


def test_a_viewer_cannot_find_out_a_source_by_guessing(viewer, three):
    assert "Ready one" not in listed(viewer, "?text=/secret")
    assert "/secret" not in listed(viewer)


@pytest.mark.parametrize(
    "query", ["?state=broken", "?mode=steal", "?failures=no", "?after=x", "?after=" + "9" * 40]
)
def test_an_unknown_word_is_named_and_never_ignored(viewer, three, query):
    answer = viewer.get(f"/import/sessions/{query}")

    assert answer.status_code == 404
    assert "is not known" in answer.content.decode() or "no such place" in answer.content.decode()


def test_each_number_leads_to_what_makes_it_up(viewer, three):
    assert f'href="/import/sessions/{three[2].pk}/items/?state=failed">1<' in listed(viewer)


def test_the_pages_of_the_list_hold_every_session_once(viewer, monkeypatch, db):
    monkeypatch.setattr(session_list, "ROWS", 3)
    made = [make_session(label=f"S{number}") for number in range(8)]
    found, after, page = [], None, None
    while page is None or page.after:
        page = session_list.page_of(session_list.Wanted(), after)
        found += [session.pk for session, _progress in page.rows]
        after = page.after

    assert found == sorted((session.pk for session in made), reverse=True)
    assert 'rel="next"' in listed(viewer)


def test_nothing_yet_and_nothing_like_that_are_told_apart(operator, db):
    assert "There is no session yet." in listed(operator)
    assert "No session is like that." in listed(operator, "?state=error")


def test_the_list_asks_little(operator, three, django_assert_max_num_queries):
    operator.get("/import/")
    with django_assert_max_num_queries(7):
        listed(operator)


def test_the_list_follows_what_runs_in_the_browser(screen, three):
    page = screen("viewer", "/import/sessions/")
    row = page.get_by_role("row").filter(has_text="Running one")
    row.get_by_text("0 / 1").wait_for()

    make_item(three[1], b"new.jpg", "imported")
    StateSynchronizer().sync_session_with_items(three[1].pk)

    row.get_by_text("1 / 2").wait_for(timeout=10_000)
