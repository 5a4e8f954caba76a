"""What failed, why, and what to do: one part of a template for an item, a session and an incident."""

import pytest
from django.template.loader import render_to_string

from tests.pages.conftest import new_user

FAILURE = {
    "code": "disk_full",
    "summary": "The disk of /srv/library is full.",
    "diagnosis": "No space left on device. The import stopped; no file was lost.",
    "seen": ["It has 12 bytes left."],
    "actions": [
        {
            "code": "make_room",
            "text": "Make room: `du -xh '/srv/a`b'`. Then finish the session: `resume 3`",
            "operation": "resume",
            "command": "du -xh '/srv/a`b'",
            "then": "resume 3",
        },
        {"code": "larger_disk", "text": "Or use a larger disk.", "then": "resume 4"},
    ],
}


@pytest.fixture
def drawn(db, rf):
    def draw(role, failure=FAILURE, **context):
        request = rf.get("/")
        request.user = new_user(role)
        return render_to_string(
            "local_import/failure.html", {"failure": failure, **context}, request
        )

    return draw


def test_an_operator_reads_what_is_wrong_what_was_seen_and_what_to_do(drawn):
    text = drawn("operator")

    assert "The disk of /srv/library is full." in text
    assert "It has 12 bytes left." in text
    assert "<code>resume 3</code>" in text
    assert '<pre class="command">resume 4</pre>' in text


def test_every_command_can_be_copied_as_it_is(drawn):
    text = drawn("operator")

    for command in ("du -xh &#x27;/srv/a`b&#x27;", "resume 3", "resume 4"):
        assert f'data-copy="{command}"' in text


def test_a_viewer_is_told_the_kind_of_error_and_no_place(drawn):
    text = drawn("viewer")

    assert "disk full" in text
    assert "/srv" not in text
    assert "du -xh" not in text


def test_where_nothing_was_recorded_the_code_alone_is_told(drawn):
    text = drawn("operator", {}, code="source_missing")

    assert "source missing" in text
    assert "<ol" not in text


@pytest.mark.parametrize("value", [7, "text", None, {"a": 1}, [7], ["text"], [None]])
def test_a_failure_of_any_shape_is_drawn(drawn, value):
    shapes = {"code": "unknown", "summary": "It failed.", "actions": value, "seen": value}

    assert "It failed." in drawn("operator", shapes)


def test_nothing_that_is_told_becomes_markup(drawn):
    evil = "`<script>alert(1)</script>` \"'><b>"
    actions = [{"code": "x", "text": evil, "command": evil, "then": evil + "2"}]

    text = drawn("operator", FAILURE | {"summary": evil, "seen": [evil], "actions": actions})

    assert "<script" not in text
    assert "<b>" not in text
