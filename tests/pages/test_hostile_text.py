"""Text that strangers write, such as names, EXIF and errors, is text on every page and never markup."""

import csv
import html.parser
import io
import random
from itertools import product

import pytest
from django.utils import timezone

from local_import import door, names
from local_import.audit_logger import StructuredLogger
from local_import.door import Step
from local_import.models import Finding, ImportItem, ImportSession, OperationRun, Worker
from tests.builders import make_item, make_media
from tests.pages.test_every_page import ADMIN
from tests.pages.world import World, routes

MARK = "xss"  # stands in every payload; as `window.xss` it would show that one has run
RUNS = "window.xss=1"
_WAYS_OUT = (
    "",
    '"',
    "'",
    '">',
    "'>",
    "</td>",
    "</title>",
    "</textarea>",
    "</script>",
    "-->",
    "]]>",
    "`",
)
_TAGS = (
    f"<script>{RUNS}</script>",
    f"<img src=xss onerror={RUNS}>",
    f"<svg/onload={RUNS}>",
    f"<details open ontoggle={RUNS}>",
    f'<iframe srcdoc="&lt;script&gt;parent.{RUNS}&lt;/script&gt;">',
    f"<a href=javascript:{RUNS}>xss</a>",
    f" onfocus={RUNS} autofocus ",
    f"<math><mtext></form><form><mglyph><style></math><img src=xss onerror={RUNS}>",
    f"<style>@import'xss'</style><body onload={RUNS}>",
    f"<meta http-equiv=refresh content='0;url=javascript:{RUNS}'>",
    f"<b hx-on:click={RUNS} hx-get=/xss data-copy=xss>",
    f"<base href=//xss/><form action=xss><button formaction=javascript:{RUNS}>",
    "{{ xss }}{% debug %}",
    f"<ſcript>{RUNS}</ſcript>",
    f"%3Cscript%3E{RUNS}%3C/script%3E",
    f"&lt;script&gt;{RUNS}&lt;/script&gt;",
    f"javascript:{RUNS}//xss",
)
PAYLOADS = [way + tag for tag, way in product(_TAGS, _WAYS_OUT)]
HARMLESS = {"title", "value", "alt", "aria-label", "data-copy", "datetime"}


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser does, as far as the places in which a stranger's text would act."""

    def __init__(self, text):
        super().__init__()
        self.acting, self.within = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.within = tag
        for name, value in attributes:
            if MARK in name or (MARK in (value or "") and not self._is_text(name, value)):
                self.acting.append(f"<{tag} {name}={value}>")

    def _is_text(self, name, value):
        is_address = name in ("href", "action", "hx-get") and value[0] in "/?"
        return name in HARMLESS or is_address

    def handle_data(self, data):
        if self.within in ("script", "style") and MARK in data:
            self.acting.append(data)

    def handle_endtag(self, tag):
        self.within = ""


@pytest.fixture
def hostile(db):
    """A world in which whatever a stranger may write is a payload."""
    assert len(PAYLOADS) >= 200
    world = World(label=PAYLOADS[0])
    for number, payload in enumerate(PAYLOADS):
        fail(world, payload)
        if number % 20 == 0:
            others(world, number, payload)
    ImportSession.objects.filter(pk=world.session.pk).update(source=PAYLOADS[1])
    return world


def fail(world, payload):
    failure = {
        "code": "damaged",
        "summary": payload,
        "diagnosis": payload,
        "recommended_actions": [payload],
        "actions": [{"code": "look", "text": payload, "command": payload, "then": payload}],
        "evidence": {payload: payload},
        "seen": [payload],
        "seen_at": payload,
    }
    item = make_item(world.session, payload.encode())
    values = {"error_code": "damaged", "failure": failure}
    world.failed = door.move(ImportItem, item.pk, Step("fail", payload, values))
    logger = StructuredLogger(session_id=world.session.pk, item_id=item.pk)
    logger.error(payload, ValueError(payload), [payload], **{payload: payload})


def others(world, number, payload):
    now = timezone.now()
    make_media(
        payload.encode(),
        path=names.shown(payload.encode())[:255],
        original_name=payload,
        camera_make=payload,
        camera_model=payload,
        damage=payload,
    )
    Worker.objects.create(
        name=payload, host=payload, pid=1, version=payload[:40], started_at=now, heartbeat_at=now
    )
    told = {"summary": payload, "proposal": payload, "evidence": {payload: payload}, "key": payload}
    Finding.objects.create(
        rule="media_file_missing",
        severity="high",
        about="media",
        digest=str(number),
        first_seen_at=now,
        last_seen_at=now,
        **told,
    )


def addresses(world):
    admin = [route for route in routes() if route.startswith("admin/local_import/")]
    desk = [route for route in routes() if route.startswith("import/")]
    return [world.address(route) for route in (*desk, *admin, *ADMIN)]


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_no_text_of_a_stranger_becomes_markup(maintainer, hostile):
    acting = []
    for address in addresses(hostile):
        answer = maintainer.get(address)
        if answer.headers["Content-Type"].startswith("text/html"):
            acting += [f"{address}: {one}" for one in Reader(body(answer).decode()).acting]

    assert not acting, "\n".join(acting[:20])


def test_no_table_for_a_spreadsheet_begins_a_cell_like_a_formula(maintainer, hostile):
    for begin in ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"):
        fail(hostile, begin)
    for address in addresses(hostile):
        answer = maintainer.get(address)
        if answer.headers["Content-Type"].startswith("text/csv"):
            for row in csv.reader(io.StringIO(body(answer).decode())):
                assert not [cell for cell in row if cell[:1] in tuple("=+-@\t\r")], address


def test_no_browser_runs_what_a_stranger_wrote(screen, transactional_db, hostile):
    page = screen("maintainer", "/import/")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for route in routes():
        if route.startswith("import/"):
            answer = page.request.get(hostile.address(route))
            if answer.ok and answer.headers["content-type"].startswith("text/html"):
                page.goto(hostile.address(route))
                assert page.evaluate("window.xss") is None, route
    assert dialogs == []


def test_a_character_that_no_database_holds_is_refused_on_every_page(maintainer, client, hostile):
    assert client.post("/admin/login/", {"username": "a\0b"}).status_code == 400
    words = ("q", "path", "target", "item", "state", "code", "after", "directory", "source")
    for address in addresses(hostile):
        start = f"{address}{'&' if '?' in address else '?'}"
        for word in words:
            assert maintainer.get(f"{start}{word}=a%00b").status_code == 400, (address, word)

    address = f"/import/operations/retry/?target=session:{hostile.session.pk}"
    answer = maintainer.post(address, {"key": "once", "reason": "a\0b"})

    assert answer.status_code == 400
    assert "Nothing was changed" in answer.content.decode()
    assert not OperationRun.objects.filter(key="once").exists()


def test_the_sweep_would_notice_markup():
    assert Reader("<p title='xss'>xss</p><a href='/x?q=xss'>").acting == []
    for payload in PAYLOADS:
        if payload.startswith(("<s", "<i", "<d", "<b")):
            assert Reader(f"<p>{payload}</p>").acting, payload


WORDS = (
    *("q", "page", "after", "before", "item", "session", "incident", "state", "code", "path"),
    *("target", "part", "seen", "span", "mode", "failures", "text", "rule", "severity", "root"),
    *("below", "label", "of", "o", "p", "all", "e", "error_code__exact", "timestamp__gte"),
    *("id__exact", "level__exact", "_popup", "_to_field"),
)
ODD = (
    *(
        "",
        "0",
        "-1",
        "9" * 23,
        "1.5",
        "x",
        "🦊" * 50,
        "'",
        '"',
        "%",
        "%s",
        "{0}",
        "[[",
        "\\",
        "a:b",
    ),
    *("session:", "session:1:", "level:error level:error", "since:99999d", "since:2026-13-01"),
    *("since:0001-01-01", "until:9999-12-31T23:59", "2026-11-25T04:00:00+99:00", "../..", "//"),
    *(
        "a" * 3000,
        "1,2,3",
        "failed-1",
        "null",
        "\n",
        "\u202e",
        "files:1:state=x",
        "files:1:path=%FF",
    ),
)
SAMPLED = 700  # of some forty thousand; all of them with --faults all


def test_no_question_is_so_odd_that_the_server_fails(maintainer, hostile, pytestconfig):
    maintainer.raise_request_exception = False
    questions = list(product(addresses(hostile), WORDS, ODD))
    if pytestconfig.getoption("--faults") != "all":
        questions = random.Random(2026).sample(questions, SAMPLED)

    failed = [
        (address, word, value[:40])
        for address, word, value in questions
        if maintainer.get(address, {word: value}).status_code >= 500
    ]

    assert failed == []
