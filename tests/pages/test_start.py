"""Starting an import on the pages: choose a directory, see what would become of it, start."""

import os
import threading

import pytest
from django.db import connections

from local_import.models import ImportItem, ImportSession
from local_import.services import dry_run
from tests.photos import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def cards(inbox, library, settings):
    """An allowed root with two directories, a link out of it, and one that is left out."""
    settings.PHOTONEST_SOURCES = (inbox,)
    for name in ("card 1", "card 2", ".hidden"):
        (inbox / name).mkdir()
    (inbox / "card 1" / "a.jpg").write_bytes(jpeg(1))
    (inbox / "card 1" / "b.jpg").write_bytes(jpeg(1))
    (inbox / "card 1" / "c.txt").write_bytes(b"a text")
    (inbox / "card 1" / "d.jpg").write_bytes(jpeg(2)[:-200])
    (inbox / "out").symlink_to(inbox.parent)
    return inbox


CARD = {"root": "0", "below": "card 1"}


def text_of(answer):
    return answer.content.decode()


def test_without_the_setting_the_page_says_how_to_name_directories(operator, settings):
    settings.PHOTONEST_SOURCES = ()

    assert "PHOTONEST_SOURCES=/srv/inbox" in text_of(operator.get("/import/start/"))


def test_the_directories_below_a_root_can_be_walked(operator, cards):
    assert str(cards) in text_of(operator.get("/import/start/"))

    text = text_of(operator.get("/import/start/", {"root": "0"}))

    assert "below=card%201" in text
    assert "below=card%202" in text
    assert "below=.hidden" not in text
    assert "below=out" not in text


@pytest.mark.parametrize(
    "query",
    [
        {"root": "1"},
        {"root": "-1"},
        {"root": "x"},
        {"root": "0", "below": ".."},
        {"root": "0", "below": "card 1/../.."},
        {"root": "0", "below": "/etc"},
        {"root": "0", "below": "card 1//x"},
        {"root": "0", "below": "out"},
        {"root": "0", "below": "out/inbox"},
        {"root": "0", "below": "a\\x00b"},
        {"root": "0", "below": "x" * 100_000},
        {"root": "0", "mode": "steal"},
    ],
)
def test_a_path_outside_is_refused_and_nothing_is_made(operator, cards, query):
    for answer in (
        operator.get("/import/start/", query),
        operator.get("/import/start/", {"mode": "copy"} | query | {"part": "preview"}),
        operator.post("/import/start/", {"mode": "copy"} | query),
    ):
        assert answer.status_code == 404, answer.content
    assert not ImportSession.objects.exists()


def test_a_directory_that_is_gone_is_said_to_be_so(operator, cards):
    answer = operator.get("/import/start/", {"root": "0", "below": "card 3"})

    assert "No such file or directory" in text_of(answer)


def test_the_preview_tells_what_would_be_imported_skipped_and_fail(operator, cards):
    text = text_of(operator.get("/import/start/", CARD | {"mode": "copy", "part": "preview"}))

    assert "all were read" in text
    for told in ("imported", "duplicate", "damaged file", "needed", "free in the library"):
        assert told in text
    assert not ImportItem.objects.exists()
    assert len(list(cards.iterdir())) == 4


def test_the_preview_tells_what_is_left_out(operator, cards):
    (cards / "card 1" / ".hidden.jpg").write_bytes(jpeg(3))
    (cards / "card 1" / "Thumbs.db").write_bytes(b"x")

    text = text_of(operator.get("/import/start/", CARD | {"mode": "copy", "part": "preview"}))

    told = text.partition("Left out:")[2].partition(".")[0]
    assert sorted(told.split(",")) == [" 1 hidden", " 1 of the system"]


def test_a_preview_that_fails_does_not_seem_to_be_under_way(
    screen, transactional_db, cards, monkeypatch
):
    def fail(*_):
        raise RuntimeError("of no kind that is expected")

    monkeypatch.setattr("local_import.pages.start._preview", fail)
    address = "/import/start/?root=0&below=card%201&mode=copy&label="
    page = screen("operator", address, tolerates="500")

    page.get_by_text("could not be found out").wait_for()
    assert page.get_by_text("Looking …").is_hidden()
    assert page.get_by_role("link", name="Load the page again").is_visible()


def test_a_preview_that_is_cut_short_says_so(operator, cards, monkeypatch):
    monkeypatch.setattr(dry_run, "READ_S", 0)

    text = text_of(operator.get("/import/start/", CARD | {"mode": "copy", "part": "preview"}))

    assert "the first file; the others were not read" in text
    assert "at most" in text


def test_a_large_file_is_not_read_for_a_preview(operator, cards, monkeypatch):
    monkeypatch.setattr(dry_run, "READ_BYTES", 10)

    text = text_of(operator.get("/import/start/", CARD | {"mode": "copy", "part": "preview"}))

    assert "too large to be read here" in text


def test_starting_leads_to_the_page_of_the_session(operator, cards):
    answer = operator.post("/import/start/", CARD | {"mode": "copy", "label": "Summer"})

    session = ImportSession.objects.get()
    assert answer.url == f"/import/sessions/{session.pk}/"
    assert (session.state, session.label, session.mode) == ("expanding", "Summer", "copy")
    assert bytes(session.source_path) == os.fsencode(cards / "card 1")
    assert session.created_by.get_username() == "operator"


def test_starting_twice_starts_once(operator, cards):
    answers = [operator.post("/import/start/", CARD | {"mode": "copy"}) for _ in range(2)]

    assert ImportSession.objects.count() == 1
    assert answers[0].url == answers[1].url


@pytest.mark.django_db(transaction=True)
def test_starting_twice_at_the_same_moment_starts_once(operator, cards):
    both = threading.Barrier(2)

    def press():
        both.wait(10)
        operator.post("/import/start/", CARD | {"mode": "copy"})
        connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert ImportSession.objects.count() == 1


def test_what_cannot_be_imported_is_explained_and_makes_no_session(operator, cards, settings):
    settings.PHOTONEST_LIBRARY = cards / "card 1" / "library"

    answer = operator.post("/import/start/", CARD | {"mode": "copy"})

    assert answer.status_code == 409
    assert "library_overlaps_source" in text_of(answer)
    assert not ImportSession.objects.exists()


def test_a_label_of_any_length_is_taken_or_cut(operator, cards):
    label = "<script>" * 300_000
    assert operator.get("/import/start/", CARD | {"label": label[:5000]}).status_code == 200

    operator.post("/import/start/", CARD | {"mode": "copy", "label": label[:20_000]})

    assert ImportSession.objects.get().label == label[:200]


def test_ten_megabytes_of_label_are_refused_in_words(operator, cards):
    answer = operator.post("/import/start/", CARD | {"mode": "copy", "label": "x" * 10_000_000})

    assert answer.status_code == 400
    assert "too large" in text_of(answer)
    assert not ImportSession.objects.exists()


def test_an_address_of_another_host_is_refused_in_plain_words(client, db):
    answer = client.get("/import/", headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert "<html" not in text_of(answer)


def test_a_viewer_may_not_start(viewer, cards):
    assert viewer.get("/import/start/").status_code == 403
    assert viewer.post("/import/start/", CARD | {"mode": "copy"}).status_code == 403
    assert not ImportSession.objects.exists()


def test_names_that_are_no_text_can_be_chosen(operator, cards):
    strange = os.fsencode(cards) + b"/\xff\\x41<b>"
    os.mkdir(strange)
    text = text_of(operator.get("/import/start/", {"root": "0"}))
    assert "<b>" not in text

    operator.post("/import/start/", {"root": "0", "below": "\\xff\\\\x41<b>", "mode": "copy"})

    assert bytes(ImportSession.objects.get().source_path) == strange


def test_a_newcomer_starts_an_import_by_keyboard_alone(screen, cards):
    page = screen("operator", "/import/start/")
    page.get_by_role("link", name=str(cards)).press("Enter")
    page.get_by_role("link", name="card 1").press("Enter")
    page.get_by_label("A name for the import, if you like").fill("Card 1")
    page.keyboard.press("Enter")
    page.get_by_text("all were read").wait_for()

    page.get_by_role("button", name="Start the import").press("Enter")

    page.get_by_text("The import is started").wait_for()
    assert ImportSession.objects.get().label == "Card 1"
