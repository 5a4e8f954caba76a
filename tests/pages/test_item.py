"""The page of one file: in every state, with its picture or why there is none."""

import io

import pytest
from PIL import Image

from local_import.audit_logger import SYSTEM
from local_import.models import ImportItem
from local_import.services import control, sessions
from local_import.states import ITEM_AT_REST
from local_import.thumbnails import decoder, making
from tests.builders import make_item, make_session
from tests.pages.world import World
from tests.photos import jpeg

pytestmark = pytest.mark.django_db
# Who is signed in and what they may do (4), the file with all around it, its rows, its incident.
MOST_QUERIES = 12


def page_of(item):
    return f"/import/items/{item.pk}/"


@pytest.fixture
def card(inbox, library):
    """A photo that is imported, one that is the same, one that was cut off."""
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (inbox / "b.jpg").write_bytes(jpeg(1))
    (inbox / "cut.jpg").write_bytes(jpeg(2)[:-200])
    return inbox


@pytest.fixture
def items(card, transactional_db):
    """By state: what was imported, what is the same, what was cut off."""
    session = sessions.create(bytes(card))
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    return {str(item.state): item for item in ImportItem.objects.all()}


def test_a_file_in_any_state_has_a_page_for_everybody(client_of, role):
    for item in World().items:
        answer = client_of(role).get(page_of(item))

        assert answer.status_code == 200, item.state
        assert item.shown_path in answer.content.decode()


def test_a_page_asks_no_more_than_it_may(operator, django_assert_max_num_queries):
    for item in World().items:
        with django_assert_max_num_queries(MOST_QUERIES):
            operator.get(page_of(item))


def test_what_is_asked_again_while_a_file_moves_asks_little(
    admin_client, django_assert_max_num_queries
):
    moving = [item for item in World().items if item.state not in ITEM_AT_REST]
    assert len(moving) == 5
    for item in moving:
        with django_assert_max_num_queries(5):  # two of them to know who asks
            answer = admin_client.get(f"{page_of(item)}?part=state")
        assert 'id="part-state"' in answer.content.decode()


def test_why_a_file_does_not_move_opens_in_its_page_and_is_asked_for_anew(screen, transactional_db):
    item = make_item(make_session("importing"), b"waits.jpg")
    page = screen("operator", page_of(item))
    page.locator("#why summary").focus()
    page.keyboard.press("Enter")
    page.get_by_text("no_worker_alive").wait_for(timeout=10_000)

    control.pause(item.session_id, actor=SYSTEM, reason="Lunch.")
    page.locator("#why summary").click()
    page.locator("#why summary").click()

    page.get_by_text("Lunch.").wait_for(timeout=10_000)
    assert page.get_by_text("no_worker_alive").count() == 0


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30])
def test_a_file_that_there_is_not_is_told_so(operator, number):
    answer = operator.get(f"/import/items/{number}/")

    assert answer.status_code == 404
    assert "There is no file" in answer.content.decode()


def test_a_file_tells_what_it_is_and_the_way_it_took(operator, items):
    text = operator.get(page_of(items["imported"])).content.decode()

    assert "2019-01-02 03:04:05" in text
    assert items["imported"].sha256 in text
    for state in ("pending", "analyzing", "moving", "imported"):
        assert state in text


def test_a_duplicate_stands_beside_what_is_in_the_library(operator, items):
    text = operator.get(page_of(items["skipped"])).content.decode()

    assert "The same bytes in the library" in text


def test_its_picture_is_a_small_webp_without_what_the_camera_wrote(viewer, items):
    answer = viewer.get(f"{page_of(items['imported'])}thumbnail/")

    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (64, 48)
    assert not picture.getexif()


def test_a_broken_picture_says_why(viewer, items):
    answer = viewer.get(f"{page_of(items['failed'])}picture/", headers={"HX-Request": "true"})

    assert "damaged" in answer.content.decode()


def test_a_file_that_is_gone_has_a_page_and_a_drawing_that_says_so(operator, items, card):
    (card / "cut.jpg").unlink()

    text = operator.get(page_of(items["failed"])).content.decode()
    drawn = operator.get(f"{page_of(items['failed'])}thumbnail/")

    assert "source missing" in text
    assert drawn.headers["Content-Type"] == "image/svg+xml"


def test_the_original_is_for_who_may_see_details_and_runs_nothing(viewer, operator, items):
    address = f"{page_of(items['imported'])}original/"

    assert viewer.get(address).status_code == 403
    answer = operator.get(address)
    assert b"".join(answer.streaming_content) == jpeg(1)
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_the_picture_comes_by_itself_in_a_browser(screen, items):
    page = screen("viewer", page_of(items["imported"]))

    page.locator(".thumbnail img").wait_for()

    assert page.locator(".thumbnail img").evaluate("image => image.naturalWidth") == 64


@pytest.mark.parametrize("answer", [b"", b"\x00\xff no JSON", b"<html>\n", b"[1]\n", b"{}"])
def test_a_decoder_that_was_led_astray_is_an_outcome_and_no_error(answer):
    found = making._read("key", answer)

    assert (found.code, found.picture) == ("poison", b"")


def test_a_decoder_that_needs_too_long_says_so(tmp_path, monkeypatch):
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass")
    monkeypatch.setattr(decoder, "CHILD", str(endless))
    monkeypatch.setattr(decoder, "WALL_S", 0.5)
    with open("/dev/null", "rb") as nothing:
        told = making._read("key", decoder.decode(nothing.fileno()))

    assert told.code == "time_limit"
