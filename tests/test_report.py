"""The report of a session: its terms add up, and no stranger's name can harm who reads it."""

import csv
import io
import itertools
import json
import os
import re
import time
import tracemalloc
from collections import Counter
from html.parser import HTMLParser
from threading import Thread
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection

from local_import import door, operations
from local_import.audit_logger import Actor, StructuredLogger
from local_import.door import Step
from local_import.management.report_formats import COLUMNS, FORMATS
from local_import.models import ImportItem, ImportSession
from local_import.reporting import files, generate_troubleshooting_report
from local_import.services import sessions
from local_import.state_management_service import PerformanceTracker
from local_import.states import ItemState
from local_import.transactions import one_moment
from tests.builders import make_item, make_session
from tests.photos import jpeg
from tests.test_docs import reference, rows_by_code, section
from tests.test_incidents import fail, fail_many, import_all

OPERATOR = Actor("operator")
pytestmark = pytest.mark.django_db


def written(session, form):
    return "".join(FORMATS[form](generate_troubleshooting_report(session.pk), files(session.pk)))


def outcomes(report):
    return Counter({(o["outcome"], o["code"]): o["count"] for o in report["outcomes"]})


@pytest.fixture
def imported(inbox, library):
    """An import in which files end in every way that an import of one directory can give."""
    (inbox / "good.jpg").write_bytes(jpeg(1))
    (inbox / "again.jpg").write_bytes(jpeg(1))
    (inbox / "cut.jpg").write_bytes(jpeg(2)[:200])
    (inbox / "empty.jpg").write_bytes(b"")
    (inbox / "text.jpg").write_bytes(b"no photo")
    (inbox / ".hidden").write_bytes(b"x")
    os.mkfifo(inbox / "pipe")
    session = sessions.create(os.fsencode(inbox))
    import_all(session)
    return ImportSession.objects.get(pk=session.pk)


def test_the_outcomes_add_up_to_the_files_that_were_found(imported, inbox):
    report = generate_troubleshooting_report(imported.pk)
    listed = list(files(imported.pk))

    left_out = sum(report["left_out"].values())
    on_disk = len(os.listdir(inbox))
    assert report["found"] == len(listed) == on_disk - left_out == 6
    assert outcomes(report) == Counter((f["outcome"], f["code"]) for f in listed)
    assert sum(outcomes(report).values()) == report["found"]
    assert sum(o["bytes"] for o in report["outcomes"]) == sum(f["bytes"] for f in listed)


@pytest.mark.parametrize("state", ItemState)
def test_every_state_has_its_place_in_the_sum(state):
    session = make_session()
    for number in range(3):
        make_item(session, b"%d.jpg" % number, state=state.value)

    report = generate_troubleshooting_report(session.pk)

    assert report["found"] == len(list(files(session.pk))) == 3
    assert {o["outcome"] for o in report["outcomes"]} == {state.value}


def test_the_causes_are_counted_by_code_and_by_incident_and_the_worst_comes_first():
    session = make_session("importing")
    fail_many(session, [f"/inbox/a/{n}.jpg" for n in range(3)], "damaged")
    fail_many(session, [f"/inbox/b/{n}.jpg" for n in range(2)], "damaged")
    fail(make_item(session, b"c.jpg"), "library_file_wrong", path="/inbox/c.jpg")

    report = generate_troubleshooting_report(session.pk)

    assert [(p["code"], p["count"]) for p in report["problems"]] == [
        ("damaged", 5),
        ("library_file_wrong", 1),
    ]
    assert [(i["place"], i["files"]) for i in report["incidents"]] == [
        ("/inbox/a", 3),
        ("/inbox/b", 2),
        ("/inbox", 1),
    ]
    assert report["severity"] == "critical"
    worst = next(i for i in report["incidents"] if i["code"] == "library_file_wrong")
    assert report["actions"][0]["incident"] == worst["incident"]
    assert report["actions"][0]["text"] == worst["actions"][0]["text"]
    assert len({action["text"] for action in report["actions"]}) == len(report["actions"])


def test_a_missing_file_is_counted_under_the_code_of_its_incident():
    session = make_session("importing")
    failure = {"code": "io_error", "summary": "Gone.", "severity": "high"}
    item = make_item(session, b"a.jpg")
    door.move(ImportItem, item.pk, Step("lose", "Gone.", {"failure": failure}))

    report = generate_troubleshooting_report(session.pk)

    assert outcomes(report) == {("missing", "io_error"): 1}
    assert [(p["code"], p["count"], p["examples"]) for p in report["problems"]] == [
        ("io_error", 1, ["a.jpg"])
    ]


def test_a_session_in_error_reports_its_own_failure_and_its_incident():
    session = make_session("importing")
    failure = {"code": "disk_full", "severity": "critical", "summary": "Full.", "diagnosis": ""}
    values = {"error_code": "disk_full", "failure": failure}
    door.move(ImportSession, session.pk, Step("break_off", "Full.", values))

    report = generate_troubleshooting_report(session.pk)

    assert (report["severity"], report["failure"]["code"]) == ("critical", "disk_full")
    assert [(i["code"], i["files"]) for i in report["incidents"]] == [("disk_full", 0)]


def test_a_session_of_which_nothing_is_wrong_has_no_severity():
    session = make_session("importing")
    make_item(session, state="imported")

    report = generate_troubleshooting_report(session.pk)

    assert (report["severity"], report["problems"], report["actions"]) == (None, [], [])


def test_the_slowest_files_come_from_the_durations_in_the_audit_log():
    session = make_session()
    made = [make_item(session, b"%d.jpg" % number) for number in range(12)]
    for number, item in enumerate(made):
        logger = StructuredLogger(session_id=session.pk, item_id=item.pk)
        logger.performance("hash", float(number))

    slowest = generate_troubleshooting_report(session.pk)["slowest"]

    assert [(s["item"], s["duration_ms"]) for s in slowest[:2]] == [
        (made[11].pk, 11.0),
        (made[10].pk, 10.0),
    ]
    assert slowest[0]["path"] == "/inbox/11.jpg"
    assert len(slowest) == 10


@pytest.fixture
def doubling_clock(monkeypatch):
    """Each reading is twice the one before: no two spans, and no two sums of them, are alike."""
    readings = (2.0**number / 1000 for number in itertools.count())
    clock = SimpleNamespace(perf_counter=lambda: next(readings), time_ns=time.time_ns)
    for module in ("analyse", "place"):
        monkeypatch.setattr(f"local_import.pipeline.{module}.time", clock)


def test_each_file_that_was_read_has_a_duration_of_its_own(doubling_clock, imported):
    slowest = generate_troubleshooting_report(imported.pk)["slowest"]

    steps = Counter(slow["step"] for slow in slowest)
    assert set(steps) == {"file.place", "item.diagnose"}
    durations = [slow["duration_ms"] for slow in slowest]
    assert len(set(durations)) == len(durations)
    assert min(durations) > 0


# The formats


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_lists_every_file_once(imported, form):
    text = written(imported, form)

    for file in files(imported.pk):
        assert text.count(os.path.basename(file["path"])) >= 1
    rows = {
        "text": lambda: text.split("Every file:\n")[1].splitlines()[1:],
        "json": lambda: json.loads(text)["files"],
        "csv": lambda: list(csv.DictReader(io.StringIO(text))),
        "html": lambda: Page(text).rows[1:],
    }[form]()
    assert len(rows) == 6


def test_the_json_is_the_report_with_its_files(imported):
    found = json.loads(written(imported, "json"))

    assert found.pop("files") == list(files(imported.pk))
    assert found["found"] == 6
    assert found["incidents"]


def test_the_page_of_commands_lists_the_keys_of_the_report(imported):
    found = json.loads(written(imported, "json"))

    page = section(reference("commands.md"), "The JSON of a report")

    assert list(rows_by_code(page)) == list(found)
    for name in ("files", "incidents", "outcomes", "actions"):
        assert set(found[name][0]) <= set(
            re.findall(r"`([a-z0-9_]+)`", rows_by_code(page)[name][0])
        )


def test_the_json_of_a_session_without_files_is_whole():
    assert json.loads(written(make_session(), "json"))["files"] == []


HOSTILE = [
    b"=cmd|' /C calc'!A0.jpg",
    b"+1.jpg",
    b"-1.jpg",
    b"@SUM(A1).jpg",
    b"\t=1.jpg",
    b"\r=1.jpg",
    b'"quoted", and\nbroken.jpg',
    b"<script>alert(1)</script>.jpg",
    b"\xff\x1b[31m.jpg",
]


def hostile_session():
    """Its source is empty, so that a path begins with the name that a stranger chose."""
    session = make_session("importing", b"")
    for name in HOSTILE:
        text = name.decode("utf-8", "replace")
        failure = {"code": "damaged", "summary": text, "diagnosis": text, "severity": "low"}
        failure["recommended_actions"] = [text]
        values = {"error_code": "damaged", "failure": failure}
        door.move(ImportItem, make_item(session, name).pk, Step("fail", "Broken.", values))
    return session


def test_no_cell_of_the_csv_can_be_run_by_a_spreadsheet():
    text = written(hostile_session(), "csv")

    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == len(HOSTILE) + 1
    assert {len(row) for row in rows} == {len(COLUMNS)}
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert sum(cell.startswith("'") for cell in cells) >= 8


class Page(HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.rows = Counter(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags[tag] += 1
        self.addresses += [v for k, v in attributes if k in ("src", "href", "action", "style")]
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.rows:
            self.rows[-1].append(data)


def test_the_page_escapes_everything_and_loads_nothing():
    text = written(hostile_session(), "html")

    page = Page(text)

    assert not set(page.tags) & {"script", "img", "link", "iframe", "object", "form"}
    assert page.addresses == []
    assert "<script" not in text
    assert "default-src" in text
    assert page.tags["tr"] == len(HOSTILE) + 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_name_disturbs_a_terminal(form):
    text = written(hostile_session(), form)

    assert "\x1b" not in text
    if form == "text":
        assert all(line.replace("\t", "").isprintable() for line in text.splitlines())
        assert len(text.split("Every file:\n")[1].splitlines()) == len(HOSTILE) + 1


def test_the_memory_of_a_report_does_not_grow_with_the_files():
    peaks = [peak_of(number) for number in (2_000, 12_000)]

    assert peaks[1] < 1.5 * peaks[0] + 1_000_000


def peak_of(number):
    session = make_session()
    ImportItem.objects.bulk_create(
        ImportItem(session=session, path=b"%d" % n, path_digest=str(n), shown_path=str(n))
        for n in range(number)
    )
    report = generate_troubleshooting_report(session.pk)
    tracemalloc.start()
    written = sum(len(piece) for piece in FORMATS["csv"](report, files(session.pk)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert written > number * 20
    return peak


def test_the_command_ends_with_1_when_something_is_wrong_and_with_0_otherwise(imported, capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("import_report", imported.pk, format="json")
    assert (ended.value.code, json.loads(capsys.readouterr().out)["found"]) == (1, 6)

    for item in ImportItem.objects.unresolved():
        operations.carry_out("dismiss", f"item:{item.pk}", actor=OPERATOR, reason="No photo.")
    call_command("import_report", imported.pk)

    assert "nothing is wrong" in capsys.readouterr().out


def test_a_session_that_is_not_there_is_refused_in_words_and_as_json(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("import_report", 7, format="json")

    out, err = capsys.readouterr()
    assert ended.value.code == 2
    assert json.loads(out)["error"]["code"] == "session_unknown"
    assert "There is no session 7" in err


@pytest.mark.django_db(transaction=True)
def test_what_is_read_in_one_moment_does_not_change_and_keeps_nobody_from_writing(
    django_db_blocker,
):
    session = make_session()

    with one_moment():
        before = ImportSession.objects.count()
        write_elsewhere()
        assert ImportSession.objects.count() == before

    assert ImportSession.objects.count() == before + 1
    make_item(session)  # the next transaction may write as before


def write_elsewhere():
    """A session made by another connection, which must not have to wait."""
    failures = []

    def write():
        try:
            make_session()
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    thread = Thread(target=write)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert failures == []


def test_a_measured_block_of_another_importer_is_among_the_slowest():
    item = make_item(make_session())
    with PerformanceTracker(session_id=item.session_id, item_id=item.pk).measure("decode"):
        pass

    (slow,) = generate_troubleshooting_report(item.session_id)["slowest"]

    assert (slow["step"], slow["item"]) == ("decode", item.pk)
