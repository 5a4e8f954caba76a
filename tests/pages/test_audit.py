"""The audit log on its page: narrowed, paged, expanded, taken away."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from local_import.audit_logger import AuditLogger, Entry, StructuredLogger
from local_import.models import AuditLog, OperationRun
from local_import.models.audit_log import AuditCategory
from local_import.reporting import audit_rows
from tests.builders import make_item, make_session
from tests.pages.world import World

pytestmark = pytest.mark.django_db
LOG = "/import/audit/"
MOST_QUERIES = 12


def text_of(client, **query):
    return client.get(LOG, query).content.decode()


def log(number=1, **values):
    for n in range(number):
        AuditLogger().record(Entry(AuditCategory.VALIDATION, f"Row {n}.", **values))


def taken(client, form, **query):
    return b"".join(client.get(f"{LOG}export/{form}/", query).streaming_content).decode()


def test_the_newest_rows_come_first_and_older_ones_on_the_next_page(operator):
    log(audit_rows.SHOWN + 5)

    first = operator.get(LOG).context["portion"]
    second = operator.get(LOG, {"before": first.older}).context["portion"]

    assert [row.message for row in first.rows[:2]] == ["Row 54.", "Row 53."]
    assert [row.message for row in second.rows] == [f"Row {n}." for n in (4, 3, 2, 1, 0)]
    assert second.older is None


@pytest.mark.parametrize(
    "text", ["session:{0} category:state_transition", "item:{1}", "level:info"]
)
def test_a_filter_keeps_what_it_names_and_nothing_else(operator, text):
    world = World()
    log(3, session_id=world.session.pk + 1, level="warning")
    wanted = text.format(world.session.pk, world.failed.pk)

    rows = operator.get(LOG, {"q": wanted}).context["portion"].rows

    assert rows
    if "session" in text:
        assert {row.session_id for row in rows} == {world.session.pk}
        assert {row.category for row in rows} == {"state_transition"}
    if "item" in text:
        assert {row.item_id for row in rows} == {world.failed.pk}
    assert "warning" not in {row.level for row in rows}


def test_what_is_farther_back_than_a_stretch_is_reached_by_going_on(operator, monkeypatch):
    monkeypatch.setattr(audit_rows, "STRETCH", 10)
    log(1, action="the.one")
    log(35)

    found, before, looks = [], None, 0
    while not found and looks < 10:
        answer = operator.get(LOG, {"q": "action:the.one"} | ({"before": before} if before else {}))
        found, before = answer.context["portion"].rows, answer.context["portion"].older
        looks += 1

    assert [row.action for row in found] == ["the.one"]
    assert looks > 2


def messages(client, text):
    return [row.message for row in client.get(LOG, {"q": text}).context["portion"].rows]


@pytest.mark.parametrize(
    "text",
    [
        "details.code:damaged",
        "details.tries:5",
        "details.done:true",
        "details.gone:null",
        "details.where.disk:full",
        "details.contains:odd",
        "details.word:5",
        "details.code:other details.code:damaged",
        "error:OSError",
        "from:importing to:failed",
    ],
)
def test_a_row_is_found_by_what_it_tells(operator, text):
    details = {"code": "damaged", "tries": 5, "done": True, "gone": None, "contains": "odd"}
    told = details | {"word": "5", "where": {"disk": "full"}}
    log(1, details={"code": "fine", "tries": 6, "word": "6"}, action="another")
    log(1, details=told, error_type="OSError", from_state="importing", to_state="failed")

    assert messages(operator, text) == ["Row 0."]


@pytest.mark.parametrize(
    "text",
    [
        "details.:1",
        "details.0:1",
        "details.99999999999999999999:1",
        "details.-1:1",
        "details.a.0:1",
        "details.a.b.c.d.e:1",
        "to:nowhere",
    ],
)
def test_a_key_that_cannot_be_looked_for_is_said_to_be_wrong(operator, text):
    answer = operator.get(LOG, {"q": text})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize("value", ["NaN", "1e999", "9" * 400, '"\\""', "'--", "[[[", "-"])
def test_a_strange_value_is_found_nowhere_and_breaks_nothing(operator, value):
    log(1, details={"code": "damaged"})

    assert messages(operator, f"details.code:{value}") == []


def test_categories_are_counted_among_the_rows_that_were_looked_through(operator, monkeypatch):
    monkeypatch.setattr(audit_rows, "STRETCH", 10)
    AuditLogger().record(Entry(AuditCategory.ERROR, "Too far back."))
    log(7, action="plain")
    for _ in range(3):
        AuditLogger().record(Entry(AuditCategory.PERFORMANCE, "Slow.", action="plain"))

    for text in ("action:plain", "action:plain category:performance"):
        counted = operator.get(LOG, {"q": text}).context["categories"]
        assert [(str(category), count) for category, count, _ in counted] == [
            ("validation", 7),
            ("performance", 3),
        ]
        assert [len(messages(operator, narrowed)) for *_, narrowed in counted] == [7, 3]


def test_a_viewer_cannot_guess_what_is_not_shown(viewer):
    for text in ("details.code:damaged", "error:OSError", "actor:x"):
        assert viewer.get(LOG, {"q": text}).status_code == 400


def test_each_link_of_a_row_finds_that_row(operator):
    log(
        1,
        details={"code": 'a "b" <i>', "tries": 5, "0": "x", "done": True},
        action="the.one",
        from_state="unknown",
    )
    [(row, facts)] = operator.get(LOG).context["entries"]

    assert len(facts) >= 6
    for _, narrowed in facts:
        assert messages(operator, narrowed) == [row.message], narrowed
    assert "<i>" not in text_of(operator)


@pytest.mark.parametrize("query", [{"q": "colour:red"}, {"q": "level:loud"}, {"q": "session:x"}])
def test_a_wrong_filter_is_said_to_be_wrong(operator, query):
    answer = operator.get(LOG, query)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert operator.get(f"{LOG}export/csv/", query).status_code == 400


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40])
def test_a_page_that_there_is_not_is_told_so(operator, before):
    assert operator.get(LOG, {"before": before}).status_code == 404


def test_an_operator_sees_details_and_stack_traces_and_a_viewer_neither(operator, viewer):
    StructuredLogger(session_id=1).error("At /card/a.jpg", ValueError("no"), place="/card")

    assert "/card/a.jpg" in text_of(operator)
    assert "ValueError" in text_of(operator)
    assert "/card" not in text_of(viewer)
    assert "ValueError" not in text_of(viewer)


def test_what_is_taken_away_is_what_the_filter_asks_for(operator, viewer):
    log(2, action="=danger")
    log(3, action="plain")

    lines = taken(operator, "ndjson", q="action:plain").splitlines()
    cells = list(csv.DictReader(io.StringIO(taken(operator, "csv"))))

    assert {json.loads(line)["action"] for line in lines} == {"plain"}
    assert len(lines) == 3
    assert len(cells) == AuditLog.objects.count()
    assert {row["action"] for row in cells} >= {"'=danger", "plain"}
    assert viewer.get(f"{LOG}export/csv/").status_code == 403
    assert operator.get(f"{LOG}export/xls/").status_code == 404


def test_an_export_goes_on_beyond_a_page_and_ends_at_its_limit(operator, monkeypatch):
    monkeypatch.setattr(audit_rows, "MOST_EXPORTED", 120)
    log(150)

    assert len(taken(operator, "ndjson").splitlines()) == 120


def test_the_page_asks_no_more_than_it_may(operator, django_assert_max_num_queries):
    session = World().session
    for query in ("", f"session:{session.pk}", "level:error since:1h"):
        with django_assert_max_num_queries(MOST_QUERIES):
            operator.get(LOG, {"q": query})


def write(*moments, level="info", category="validation"):
    AuditLog.objects.bulk_create(
        AuditLog(category=category, level=level, message="Then.", timestamp=moment)
        for moment in moments
    )


def course(client, text=""):
    return client.get(LOG, {"q": text}).context["course"]


@pytest.mark.parametrize(
    ("step", "count"),
    [(timedelta(minutes=1), 100), (timedelta(hours=1), 100), (timedelta(days=1), 30)],
)
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_the_course_has_every_row_in_the_column_of_its_time(operator, step, count, zone):
    operator.cookies["zone"] = zone
    began = datetime(2026, 3, 1, tzinfo=UTC)
    moments = [began + n * step + step / 2 for n in range(count)]
    write(*moments[:10], *moments[20:])
    write(*moments[5:7], level="error")

    told = course(operator)

    assert [(good, bad) for _when, good, bad, _narrowed in told] == [
        (int(not 10 <= n < 20), int(n in (5, 6))) for n in range(count)
    ]
    assert told[0][0] == began.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")
    rows = operator.get(LOG, {"q": told[5][3]}).context["portion"].rows
    assert {row.timestamp for row in rows} == {moments[5]}
    assert {row.level for row in rows} == {"info", "error"}


def test_the_course_follows_the_filter_and_its_links_keep_it(operator):
    now = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    write(now, category="validation")
    write(now, now, category="performance", level="warning")

    ((when, good, bad, narrowed),) = course(operator, "category:performance since:2026-01-01")

    assert (when, good, bad) == ("2026-03-01 12:30", 0, 2)
    assert narrowed == "category:performance since:2026-03-01T12:30 until:2026-03-01T12:31"
    assert dict(operator.get(LOG).context["categories"][n][:2] for n in range(2)) == {
        "validation": 1,
        "performance": 2,
    }
    write(now + timedelta(minutes=1))
    assert "Rows over time" in text_of(operator)


def test_without_rows_there_is_no_course(operator):
    assert course(operator) == []
    assert course(operator, "level:critical") == []


def requests(action):
    return set(AuditLog.objects.filter(action=action).values_list("request_id", flat=True))


def test_what_a_page_is_asked_for_is_one_request_that_the_answer_names(operator):
    item = make_item(make_session("importing"), state="failed")
    address = f"/import/operations/retry/?target=item:{item.pk}"

    asked, again = operator.get(address), operator.get(address)
    assert asked.headers["X-Request-ID"] != again.headers["X-Request-ID"]

    refused = operator.post(f"/import/operations/pause/?target=session:{item.session_id}")
    done = operator.post(f"/import/operations/pause/?target=session:{item.session_id}")

    assert (refused.status_code, done.status_code) == (302, 409)
    assert requests("refused.pause") == {done.headers["X-Request-ID"]}
    assert all(one.startswith("operation-") for one in requests("session.pause"))


def test_from_a_row_one_comes_to_all_of_its_request(operator):
    item = make_item(make_session("importing"), state="failed")
    operator.post(f"/import/operations/retry/?target=item:{item.pk}")
    run = OperationRun.objects.get()

    page = operator.get(f"/import/operations/runs/{run.pk}/").content.decode()
    assert f"/import/audit/?q=request:{run.request_id}" in page

    rows = operator.get(f"/import/audit/?q=request:{run.request_id}").content.decode()
    assert "<code>operation.ask</code>" in rows
    assert "<code>item.requeue</code>" in rows
    assert "<code>item.fail</code>" not in rows
