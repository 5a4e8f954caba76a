"""How fast imports are: numbers, their course over time, and where to go from them."""

import os
import re

import pytest

from local_import import drawing
from local_import.audit_logger import SYSTEM
from local_import.services import sessions
from tests.photos import jpeg

pytestmark = pytest.mark.django_db
PAGE = "/import/performance/"


@pytest.fixture
def imported(inbox, library, transactional_db):
    for number in range(3):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    (inbox / "cut.jpg").write_bytes(jpeg(9)[:-200])
    session = sessions.create(os.fsencode(inbox))
    return sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)


def part(client, name, **query):
    return client.get(PAGE, {"part": name} | query).content.decode()


def test_the_numbers_are_those_of_the_import(operator, imported):
    text = part(operator, "numbers")

    assert "<strong>4</strong>" in text
    assert "damaged file" in text
    assert "/import/troubleshooting/?q=code:damaged" in text
    assert re.search(r"/import/items/\d+/", text)  # of each kind, the slowest


def test_the_course_is_drawn_and_told_as_a_table(operator, imported):
    text = part(operator, "course", span="1h")

    assert 'class="piece-imported"' in text
    assert 'class="piece-failed"' in text
    assert '<td class="numeric">4</td>' in text


def test_a_viewer_sees_no_place_of_the_slowest_files(viewer, imported):
    assert imported.source not in part(viewer, "numbers")


def test_where_nothing_was_imported_that_is_said(viewer):
    assert "Nothing came to rest" in part(viewer, "course")


@pytest.mark.parametrize("span", ["1y", "", "24h'--", "9" * 100])
def test_a_span_that_there_is_not_is_told_so(viewer, span):
    assert viewer.get(PAGE, {"span": span}).status_code == 404


def test_the_highest_column_fills_the_drawing_and_the_others_are_in_proportion():
    drawn = str(drawing.columns([("1", 10, 0), ("2", 5, 5), ("3", 0, 0)], "Files"))

    heights = [float(height) for height in re.findall(r'height="([\d.]+)"', drawn)]
    assert heights == [120.0, 60.0, 60.0]


def test_the_page_asks_no_more_than_it_may(operator, imported, django_assert_max_num_queries):
    for query in ({}, {"part": "numbers"}, {"part": "course"}):
        with django_assert_max_num_queries(12):
            operator.get(PAGE, query)
