"""The page of one session: where it stands, how far it is, what fails in it, and what happened."""

import csv
import html
import io
import json
import re
from urllib.parse import quote

import pytest
from django.contrib.sessions.models import Session as SignIn
from django.core.management import call_command
from django.db import transaction

from local_import import door
from local_import.audit_logger import Actor, StructuredLogger
from local_import.door import Step
from local_import.guards import open_gate
from local_import.models import ImportItem, ImportSession
from local_import.services import control, story
from local_import.state_synchronizer import StateSynchronizer
from tests.builders import make_item, make_session, step, walk

SYNC = StateSynchronizer()


@pytest.fixture
def session(db):
    """Ten files: six imported, one skipped, two failed of one cause, one waiting."""
    session = make_session("importing", label="Card 1")
    for number in range(6):
        make_item(session, b"2019/%d.jpg" % number, "imported", size_bytes=1000)
    make_item(session, b"2020/s.jpg", "skipped")
    make_item(session, b"2020/f.jpg", "failed")
    make_item(session, b"2020/g.jpg", "failed")
    make_item(session, b"2020/w.jpg", "pending")
    return walk(session)


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_page_tells_where_the_session_stands(viewer, session):
    text = text_of(viewer, f"/import/sessions/{session.pk}/")

    assert "Card 1" in text
    assert "of 10 files at rest (90 %)" in text
    assert (
        f'href="/import/sessions/{session.pk}/items/?state=failed" class="count-failed">2<' in text
    )


def test_the_command_and_the_page_tell_of_the_same_size(viewer, capsys):
    session = make_session("importing")
    make_item(session, b"a.jpg", size_bytes=3_250_586)
    walk(session)

    call_command("import_status", session.pk)

    assert ", 3.1 MB" in capsys.readouterr().out
    assert "3.1\xa0MB" in html.unescape(text_of(viewer, f"/import/sessions/{session.pk}/"))


CELL = re.compile(r'href="([^"]*)\?([^"]*)"[^>]*>([\d,]+)</a>')


def test_each_number_of_the_matrix_leads_to_so_many_files(operator, session):
    make_item(session, b"2020/m.jpg", "moving")
    lost = make_item(session, b"2020/l.jpg", "moving")
    door.move(ImportItem, lost.pk, step(lost, "fail"))
    SYNC.sync_session_with_items(session.pk)
    text = text_of(operator, f"/import/sessions/{session.pk}/?part=progress")

    cells = CELL.findall(text)

    found = {html.unescape(query): int(number) for _path, query, number in cells}
    assert found == {
        "state=pending": 1,
        "state=moving": 1,
        "state=imported": 6,
        "state=skipped": 1,
        "state=failed": 3,
        "state=skipped&stopped_in=pending": 1,
        "state=failed&stopped_in=pending": 2,
        "state=failed&stopped_in=moving": 1,
    }
    for path, query, number in cells:
        listed = text_of(operator, f"{path}?{html.unescape(query)}")
        assert listed.count('<th scope="row"><a href="/import/items/') == int(number), query


def test_of_a_session_at_rest_only_states_with_files_are_rows(operator):
    session = make_session("importing")
    make_item(session, b"a.jpg", "imported")
    make_item(session, b"b.jpg", "failed")
    address = f"/import/sessions/{session.pk}/?part=progress"
    SYNC.sync_session_with_items(session.pk)
    assert 'scope="row">checking<' in text_of(operator, address)

    walk(session)

    assert re.findall(r'scope="row">(\w+)<', text_of(operator, address)) == ["pending", "imported"]


def test_what_stopped_in_one_state_can_be_tried_again_together(operator, session):
    lost = make_item(session, b"2020/l.jpg", "moving")
    door.move(ImportItem, lost.pk, step(lost, "fail"))
    target = f"files:{session.pk}:state=failed&stopped_in=moving"

    preview = text_of(operator, f"/import/operations/retry/?target={quote(target)}")

    assert "l.jpg" in preview
    assert "f.jpg" not in preview


def test_the_way_is_drawn_with_the_state_it_is_in(viewer, session):
    text = text_of(viewer, f"/import/sessions/{session.pk}/")

    assert "node-here is-importing" in text
    assert "node-passed is-ready" in text
    assert "node-ahead is-imported" in text


def test_what_fails_is_told_by_cause_with_what_to_do(operator, session):
    text = text_of(operator, f"/import/sessions/{session.pk}/")

    assert "2 files" in text
    assert "The photo is damaged." in text


def test_a_viewer_sees_no_place_on_the_server(viewer, session):
    for page in ("", "items/", "why/", "?story=errors", "?part=story", "?part=problems"):
        text = text_of(viewer, f"/import/sessions/{session.pk}/{page}")
        assert "/inbox" not in text, page
        assert "The photo is damaged." not in text, page


def test_why_it_does_not_move_is_told_with_evidence_and_actions(operator, session):
    control.pause(session.pk, actor=Actor("kim"), reason="The card is slow.")

    text = text_of(operator, f"/import/sessions/{session.pk}/why/")

    assert "kim paused session" in text
    assert f"import_resume {session.pk}" in text


def test_a_pause_and_its_reason_stand_at_the_top(viewer, session):
    control.pause(session.pk, actor=Actor("kim"), reason="The card is slow.")

    text = text_of(viewer, f"/import/sessions/{session.pk}/")

    assert "Paused by kim" in text
    assert "The card is slow." in text


def test_the_story_can_be_cut_down_to_the_errors_and_paged(operator, session):
    failed = ImportItem.objects.filter(state="failed").first()
    StructuredLogger(session_id=session.pk, item_id=failed.pk).error("It broke.")

    text = text_of(operator, f"/import/sessions/{session.pk}/?story=errors")
    assert "It broke." in text
    assert "session.begin" not in text

    oldest = session.audit_rows.order_by("pk").first().pk
    assert "Nothing is recorded." in text_of(
        operator, f"/import/sessions/{session.pk}/?before={oldest}"
    )


@pytest.mark.parametrize("rows", [1, 7, 25])
@pytest.mark.parametrize("chapter", story.Chapter)
def test_every_row_of_the_story_is_told_once_and_the_newest_first(
    session, monkeypatch, chapter, rows
):
    failed = ImportItem.objects.filter(state="failed").first()
    for _ in range(3):
        StructuredLogger(session_id=session.pk, item_id=failed.pk).error("It broke.")
    control.pause(session.pk, actor=Actor("kim"), reason="The card is slow.")
    make_item(name=b"of another.jpg")
    monkeypatch.setattr(story, "ROWS", rows)

    told, before = [], None
    while found := story.story_of(session.pk, chapter, before):
        told += found
        before = found[-1].pk

    belongs = {
        "own": lambda row: row.item_id is None,
        "errors": lambda row: row.item_id is not None and row.level == "error",
        "all": lambda row: True,
    }[chapter]
    newest_first = sorted(session.audit_rows.all(), key=lambda row: (row.timestamp, row.pk))[::-1]
    assert told == [row for row in newest_first if belongs(row)]
    assert len(told) >= 3


def test_session_and_files_are_told_together(operator, session):
    text = text_of(operator, f"/import/sessions/{session.pk}/?story=all&part=story")

    assert "item.skip" in text
    assert "2020/s.jpg" in text
    assert "Session and files" in text


@pytest.mark.parametrize("number", ["0", "999", "9" * 30])
@pytest.mark.parametrize("page", ["", "items/", "why/", "report/csv/", "?part=progress"])
def test_a_session_that_is_not_there_is_said_to_be_so(operator, number, page):
    answer = operator.get(f"/import/sessions/{number}/{page}")

    assert answer.status_code == 404
    assert f"no session {number}" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["before=x", "before=" + "9" * 40, "part=nothing", "before=-1", "story=none"]
)
def test_what_is_not_understood_is_said_and_changes_nothing(operator, session, query):
    assert operator.get(f"/import/sessions/{session.pk}/?{query}").status_code == 404


def test_the_slowest_steps_are_told_by_the_newest_rows(operator, session):
    item = session.items.first()
    log = StructuredLogger(session_id=session.pk, item_id=item.pk)
    for duration in (10, 30, 20):
        log.performance("file.place", duration)

    text = text_of(operator, f"/import/sessions/{session.pk}/?part=speed")

    assert "<td>3</td><td>20.0</td><td>30.0</td><td>30.0</td>" in text
    assert text.index("30.0 ms") < text.index("10.0 ms")
    assert item.shown_path in text


def test_of_very_many_failures_of_one_cause_so_many_are_counted(operator, session, monkeypatch):
    monkeypatch.setattr(story, "MOST_COUNTED", 1)

    assert "more than 1 files" in text_of(operator, f"/import/sessions/{session.pk}/")


def test_the_report_is_taken_away_in_each_format(operator, session):
    bodies = {}
    for form in ("text", "json", "csv", "html"):
        answer = operator.get(f"/import/sessions/{session.pk}/report/{form}/")
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        bodies[form] = b"".join(answer.streaming_content).decode()

    assert json.loads(bodies["json"])["found"] == 10
    assert len(list(csv.reader(io.StringIO(bodies["csv"])))) == 11
    assert operator.get(f"/import/sessions/{session.pk}/report/exe/").status_code == 404


def test_the_report_is_not_for_viewers(viewer, session):
    assert viewer.get(f"/import/sessions/{session.pk}/report/csv/").status_code == 403


def test_the_page_and_its_parts_ask_little(operator, session, django_assert_max_num_queries):
    operator.get("/import/")
    with django_assert_max_num_queries(12):
        operator.get(f"/import/sessions/{session.pk}/")
    for part in ("progress", "problems", "way", "story"):
        with django_assert_max_num_queries(5):
            operator.get(f"/import/sessions/{session.pk}/?part={part}")


def test_the_page_follows_the_session_in_the_browser(screen, session):
    page = screen("operator", f"/import/sessions/{session.pk}/")
    page.get_by_text("of 10 files at rest (90 %)").wait_for()

    item = ImportItem.objects.get(state="pending")
    door.move(
        ImportItem, item.pk, Step("skip", "Because the test says so.", {"skip_reason": "empty"})
    )
    SYNC.sync_session_with_items(session.pk)

    page.get_by_text("of 10 files at rest (100 %)").wait_for(timeout=10_000)
    page.locator(".state-failed", has_text="failed").first.wait_for()


def test_a_session_whose_source_is_being_walked_does_not_say_that_it_has_no_files(operator):
    session = make_session("expanding")
    text = operator.get(f"/import/sessions/{session.pk}/").content.decode()

    assert "It has no files" not in text
    assert "ooking for files" in text


def test_why_opens_in_the_page_by_keyboard(screen, session):
    page = screen("operator", f"/import/sessions/{session.pk}/")

    page.locator("#why summary").focus()
    page.keyboard.press("Enter")

    page.get_by_text("session_state").wait_for(timeout=10_000)


def test_a_page_whose_session_was_removed_says_so_and_keeps_what_it_shows(screen):
    session = make_session("importing", label="holiday")
    page = screen("operator", f"/import/sessions/{session.pk}/", tolerates="404")
    page.locator("#part-progress").wait_for()

    with transaction.atomic(), open_gate("damage"):
        ImportSession.objects.filter(pk=session.pk).delete()

    page.get_by_text("is not there any more").wait_for(timeout=10_000)
    assert page.locator("#stale").is_hidden()
    assert "holiday" in page.locator("body").inner_text()
    page.get_by_role("link", name="Load the page again").click()
    page.get_by_text("There is no session").wait_for()


def test_a_page_whose_sign_in_ended_says_so_and_draws_no_form_in_its_middle(screen, session):
    page = screen("operator", f"/import/sessions/{session.pk}/", tolerates="401")
    page.get_by_text("of 10 files at rest").wait_for()

    SignIn.objects.all().delete()

    page.locator("#signed-out").wait_for(timeout=10_000)
    page.get_by_text("of 10 files at rest").wait_for()
    assert page.locator("#id_password").count() == 0
