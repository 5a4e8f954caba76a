"""The files of one session, page by page."""

import html
import re

import pytest

from local_import.services import item_list
from local_import.services.item_list import Wanted, page_of
from tests.builders import make_item, make_session

STATES = ("imported", "failed", "skipped", "pending")


@pytest.fixture
def session(db):
    session = make_session("importing")
    for number in range(5):
        for state in STATES:
            make_item(session, b"%d/%s.jpg" % (number, state.encode()), state)
    make_item(name=b"of another.jpg")
    return session


def walked(session, wanted):
    """What all pages of a list hold, in order, and how many pages there are."""
    found, after, pages = [], None, 0
    while pages == 0 or after:
        page = page_of(session.pk, wanted, after)
        found += page.items
        after, pages = page.after, pages + 1
    return found, pages


@pytest.mark.parametrize("window", [1, 3, 1000])
@pytest.mark.parametrize("rows", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (Wanted(), 20),
        (Wanted(state="failed"), 5),
        (Wanted(code="damaged"), 5),
        (Wanted(code="empty"), 5),
        (Wanted(code="duplicate"), 0),
        (Wanted(code="disk_full"), 0),
        (Wanted(path="3/"), 4),
        (Wanted(path="3/", state="skipped"), 1),
        (Wanted(path="%"), 0),
        (Wanted(code="empty", path="4/"), 1),
        (Wanted(stopped_in="pending"), 10),
        (Wanted(stopped_in="pending", state="failed"), 5),
        (Wanted(stopped_in="moving"), 0),
        (Wanted(stopped_in="pending", path="3/"), 2),
    ],
)
def test_the_pages_hold_every_file_once(session, monkeypatch, wanted, number, rows, window):
    monkeypatch.setattr(item_list, "ROWS", rows)
    monkeypatch.setattr(item_list, "WINDOW", window)

    found, _pages = walked(session, wanted)

    assert len({item.pk for item in found}) == len(found) == number
    assert {item.session_id for item in found} <= {session.pk}


def test_a_list_of_an_incident_holds_its_files(viewer, session):
    incident = session.items.filter(state="failed").first().incident_id

    text = viewer.get(f"/import/sessions/{session.pk}/items/?incident={incident}").content.decode()

    assert text.count("failed.jpg") == 5
    assert "imported.jpg" not in text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("state=lost", "“lost” is not known"),
        ("code=oops", "“oops” is not known"),
        ("incident=x", "by its number"),
        ("incident=" + "9" * 30, "by its number"),
        ("after=failed", "no such place"),
        ("after=lost-3", "no such place"),
        ("after=failed-" + "9" * 30, "no such place"),
    ],
)
def test_what_is_not_understood_is_named(viewer, session, query, told):
    answer = viewer.get(f"/import/sessions/{session.pk}/items/?{query}")

    assert answer.status_code == 404
    assert told in answer.content.decode()


def test_a_filter_that_finds_nothing_says_so_and_leads_on(viewer, session):
    text = viewer.get(f"/import/sessions/{session.pk}/items/?path=zzz").content.decode()

    assert "No file is like that." in text
    assert viewer.get(f"/import/sessions/{session.pk}/items/?path={'x' * 5000}").status_code == 200


def test_the_list_asks_little(operator, session, django_assert_max_num_queries):
    operator.get("/import/")
    for query in ("", "state=failed", "path=3/", "code=damaged", "after=failed-1"):
        with django_assert_max_num_queries(11):
            operator.get(f"/import/sessions/{session.pk}/items/?{query}")


def test_files_chosen_in_the_list_are_tried_again_together(operator, session):
    first, second, other, *_more = session.items.filter(state="failed").order_by("pk")
    page = operator.get(f"/import/sessions/{session.pk}/items/?state=failed").content.decode()
    assert f'name="item" value="{first.pk}"' in page
    address = f"/import/operations/retry/?item={first.pk}&item={second.pk}"
    assert "<dd>2</dd>" in operator.get(address).content.decode()

    operator.post(address, {"key": "once"})

    waiting = set(session.items.filter(attempts=0, state="pending").values_list("pk", flat=True))
    assert {first.pk, second.pk} <= waiting
    assert other.pk not in waiting


def test_only_files_of_which_something_can_be_asked_are_chosen_by_an_operator(
    operator, viewer, session
):
    address = f"/import/sessions/{session.pk}/items/"

    assert 'name="item"' not in viewer.get(address).content.decode()
    assert 'name="item"' not in operator.get(f"{address}?state=imported").content.decode()
    assert operator.get(address).content.decode().count('name="item"') == 10


@pytest.mark.parametrize("query", ["", "?item=", "?item=x", "?item=1&item=-1", "?item=1,2;3"])
def test_a_choice_that_names_no_file_is_refused_in_words(operator, session, query):
    answer = operator.get(f"/import/operations/retry/{query}")

    assert answer.status_code == 404
    assert "chosen" in answer.content.decode() or "no such operation" in answer.content.decode()


def test_all_files_that_the_filters_find_are_tried_again_and_no_other(operator, viewer, session):
    address = f"/import/sessions/{session.pk}/items/?state=failed&path=3%2F"
    page = operator.get(address).content.decode()
    (link,) = re.findall(r'href="(/import/operations/retry/[^"]+)"', page)
    assert "/import/operations/" not in re.sub(
        r"<nav.*?</nav>", "", viewer.get(address).content.decode(), flags=re.DOTALL
    )
    preview = operator.get(html.unescape(link)).content.decode()
    assert "<dd>1</dd>" in preview
    assert "import_operation retry" in preview

    answer = operator.post(html.unescape(link), {"key": "once"})

    assert answer.url == address
    left = session.items.filter(state="failed").values_list("shown_path", flat=True)
    assert set(left) == {f"{number}/failed.jpg" for number in (0, 1, 2, 4)}
