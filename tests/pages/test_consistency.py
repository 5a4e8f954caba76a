"""The consistency pages: the rules, the findings, one finding, and to live with it for a time."""

import json
import time
from datetime import timedelta

import pytest
from django.utils.html import escape

from local_import.consistency import findings, look, scheduled
from local_import.consistency.look import RULES, Report
from local_import.consistency.rule import Depth, Suspect
from local_import.models import AuditLog, Finding, OperationRun
from local_import.models.finding import RuleLook
from local_import.pages import consistency
from local_import.transactions import database_now
from tests.builders import make_session

pytestmark = pytest.mark.django_db(transaction=True)
RULE = "lease_without_work"
FACTS = {"item": 1, "path": "a.jpg", "state": "imported", "owner": "h:1:1"}


def make_finding(rule=RULE, key="1", evidence=FACTS, **values):
    suspect = Suspect(rule, key, evidence, values.pop("session_id", None))
    row, _ = Finding.objects.update_or_create(
        digest=findings.digest_of(suspect),
        defaults={
            "rule": rule,
            "severity": RULES[rule].severity,
            "about": RULES[rule].about,
            "key": key,
            "session_id": suspect.session_id,
            "summary": RULES[rule].tell(suspect),
            "proposal": RULES[rule].propose(suspect),
            "evidence": dict(evidence),
            "first_seen_at": database_now(),
            "last_seen_at": database_now(),
        }
        | values,
    )
    return row


def text_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.content.decode()
    return answer.content.decode()


def test_every_rule_is_listed_with_its_sentence(viewer):
    page = text_of(viewer, "/import/consistency/")

    for code, rule in RULES.items():
        assert f"<code>{code}</code>" in page
        assert escape(rule.in_general) in page
    assert "The library PATH is not mounted" in page
    assert "not yet" in page and "unknown" in page and "when asked" in page


def test_a_rule_that_was_asked_says_when_and_how_many_it_found(viewer, library):
    scheduled.check(Depth.ROWS)

    assert set(RuleLook.objects.values_list("rule", flat=True)) == {
        code for code, rule in RULES.items() if rule.depth == Depth.ROWS
    }
    assert "just now" in text_of(viewer, "/import/consistency/?part=rules")


def test_a_look_at_one_session_says_nothing_of_when_everything_was_looked_at(library):
    findings.keep(look.take(session_id=make_session().pk, depth=Depth.ROWS))

    assert not RuleLook.objects.exists()


def test_rules_with_findings_come_first_and_lead_to_them(viewer):
    make_finding()

    rules = text_of(viewer, "/import/consistency/?part=rules")

    first = rules.partition("<tbody>")[2].partition("</tr>")[0]
    assert f"/import/consistency/findings/?rule={RULE}" in first


def test_an_unmounted_library_is_told_of_before_anything_else(operator, viewer):
    row = make_finding("library_away", "/srv/library", {"path": "/srv/library"})

    assert "Frozen" in text_of(viewer, "/import/consistency/")
    assert "/srv/library" not in text_of(viewer, "/import/consistency/")
    page = text_of(operator, "/import/consistency/")
    assert "/srv/library is not mounted" in page and f"findings/{row.pk}/" in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"open", "back"}),
        ("state=", {"open", "back", "gone"}),
        ("state=gone", {"gone"}),
        ("severity=critical", set()),
        (f"rule={RULE}", {"open", "back"}),
        ("rule=media_missing", set()),
        ("session=7", {"back"}),
    ],
)
def test_findings_are_filtered(operator, query, expected):
    for number, state in enumerate(("open", "back", "gone")):
        session = 7 if state == "back" else None
        text = f"summary of {state}"
        make_finding(key=str(number), evidence={}, state=state, session_id=session, summary=text)

    page = text_of(operator, f"/import/consistency/findings/?{query}")

    shown = {state for state in ("open", "back", "gone") if f"summary of {state}" in page}
    assert shown == expected


@pytest.mark.parametrize(
    "query", ["state=gone_away", "rule=nothing", "severity=bad", "session=x", "before=9" + "9" * 30]
)
def test_an_unknown_word_is_told_and_never_ignored(viewer, query):
    answer = viewer.get(f"/import/consistency/findings/?{query}")

    assert answer.status_code == 404
    assert "known" in answer.content.decode() or "needs a number" in answer.content.decode()


def test_a_long_list_goes_on_from_page_to_page_and_loses_none(operator):
    for number in range(120):
        make_finding(key=str(number), evidence={}, summary=f"summary {number}.")

    seen, address = [], "/import/consistency/findings/"
    while address:
        page = text_of(operator, address)
        seen += [int(part.partition(".")[0]) for part in page.split("summary ")[1:]]
        rest = page.partition('" rel="next"')[0].rpartition('href="')[2]
        address = f"/import/consistency/findings/{rest}" if 'rel="next"' in page else ""

    assert sorted(seen) == list(range(120)) and seen == sorted(seen, reverse=True)


def test_a_finding_tells_an_operator_everything_and_a_viewer_no_place(operator, viewer):
    row = make_finding(evidence=FACTS | {"path": "/secret/a.jpg", "is": "x", "should_be": "y"})
    address = f"/import/consistency/findings/{row.pk}/"

    told = text_of(operator, address)

    for part in (row.summary, row.proposal, str(RULES[RULE].risk), "Before", "After", "h:1:1"):
        assert escape(part) in told
    assert "/secret" not in text_of(viewer, address)


def test_a_finding_that_is_not_there_is_said_so(viewer):
    for pk in (4711, 10**30):
        answer = viewer.get(f"/import/consistency/findings/{pk}/")

        assert answer.status_code == 404
        assert "no such finding" in answer.content.decode()


def accept(client, row, **values):
    return client.post(
        f"/import/consistency/findings/{row.pk}/accept/",
        {"days": "7", "reason": "The disk is in repair."} | values,
        follow=True,
    )


def test_a_maintainer_accepts_a_finding_and_that_is_recorded(maintainer):
    row = make_finding()

    answer = accept(maintainer, row)

    row.refresh_from_db()
    assert (row.state, row.accepted_by) == ("accepted", "maintainer")
    assert timedelta(days=6.9) < row.accepted_until - database_now() < timedelta(days=7.1)
    assert "Accepted until" in answer.content.decode()
    told = AuditLog.objects.get(action="finding.accept")
    assert told.message.endswith(": The disk is in repair.")
    assert told.actor == "maintainer"
    assert text_of(maintainer, "/import/consistency/findings/?state=accepted").count("accepted") > 1


@pytest.mark.parametrize(
    "values", [{"days": "0"}, {"days": "x"}, {"days": "99999"}, {"reason": "  "}, {"days": ""}]
)
def test_without_a_day_or_a_reason_nothing_is_accepted(maintainer, values):
    row = make_finding()

    answer = accept(maintainer, row, **values)

    row.refresh_from_db()
    assert row.state == "open" and not AuditLog.objects.exists()
    assert "Nothing was changed" in answer.content.decode()


def test_what_is_right_by_now_is_not_accepted(maintainer):
    row = make_finding(state="gone", closed_at=database_now())

    assert "right again by now" in accept(maintainer, row).content.decode()
    row.refresh_from_db()
    assert row.state == "gone" and not AuditLog.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_a_maintainer_may_accept(client_of, role):
    row = make_finding()

    assert accept(client_of(role), row).status_code == 403
    row.refresh_from_db()
    assert row.state == "open"


def test_a_hostile_name_stays_text(operator):
    name = "<script>alert(1)</script><b>.jpg"
    row = make_finding(evidence=FACTS | {"path": name}, summary=name)

    for address in ("/import/consistency/findings/", f"/import/consistency/findings/{row.pk}/"):
        assert "<script>alert" not in text_of(operator, address)


def test_the_pages_take_few_queries(operator, django_assert_max_num_queries):
    row = make_finding(session_id=make_session().pk)
    findings.keep(Report(list(RULES.values())))
    for address in ("", "findings/", f"findings/{row.pk}/"):
        with django_assert_max_num_queries(12):
            operator.get(f"/import/consistency/{address}")
    with django_assert_max_num_queries(5 + 2):  # who asks: two
        operator.get("/import/consistency/?part=rules")


def test_a_finding_is_found_accepted_and_gone_from_the_list_by_keyboard(screen):
    row = make_finding()
    page = screen("maintainer", "/import/consistency/findings/")

    page.get_by_role("link", name=str(row.pk), exact=True).press("Enter")
    page.get_by_label("Reason").fill("It is known.")
    page.get_by_label("Reason").press("Enter")

    page.get_by_text("by maintainer until").wait_for()
    page.goto("/import/consistency/findings/")
    page.get_by_text("Nothing is wrong, as far as was looked.").wait_for()


def test_a_maintainer_has_a_finding_repaired_and_an_operator_may_not(maintainer, operator):
    row = make_finding()
    address = f"/import/operations/repair/?target=finding:{row.pk}"

    assert operator.get(address).status_code == 403
    assert address in text_of(maintainer, f"/import/consistency/findings/{row.pk}/")
    assert "Findings that it repairs" in text_of(maintainer, address)
    maintainer.post(address, {"key": "k", "reason": "To be right."})

    row.refresh_from_db()
    assert row.state == "gone"  # there is no such item: it is right


def test_an_operator_asks_for_a_look_and_a_viewer_is_not_offered_it(operator, viewer):
    address = "/import/operations/check/?target=check:rows"

    assert address in text_of(operator, "/import/consistency/")
    assert address not in text_of(viewer, "/import/consistency/")
    for key in ("a", "a"):
        answer = operator.post(address, {"key": key}, follow=True)

    assert OperationRun.objects.count() == 1
    assert "waiting" in answer.content.decode()


def set_aside(library, name, origin=True):
    library.mkdir(exist_ok=True)
    (library / ".photonest-library").touch()
    place = library / "quarantine" / "2026-01-01"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(b"x" * 10)
    if origin:
        told = {"from": f"2020/01/{name}", "why": "<b>It</b> was in the way.", "at": "nonsense"}
        (place / f"{name}.json").write_text(json.dumps(told))


def test_the_quarantine_is_listed_and_a_maintainer_puts_a_file_back(maintainer, viewer, library):
    set_aside(library, "a.jpg")
    set_aside(library, "b.jpg", origin=False)

    part = text_of(maintainer, "/import/consistency/quarantine/?part=held")

    assert "2020/01/a.jpg" in part and "&lt;b&gt;It" in part and "copy it yourself" in part
    assert "operations/restore" not in text_of(viewer, "/import/consistency/quarantine/?part=held")
    target = "quarantine:2026-01-01/a.jpg"
    maintainer.post(f"/import/operations/restore/?target={target}", {"key": "r"})
    assert (library / "2020/01/a.jpg").exists()


def test_a_large_quarantine_is_shown_in_part(viewer, library, monkeypatch):
    monkeypatch.setattr(consistency, "SHOWN", 2)
    for number in range(4):
        set_aside(library, f"{number}.jpg")

    part = text_of(viewer, "/import/consistency/quarantine/?part=held")

    assert part.count("2020/01/") == 2 and "There are more than these 2." in part


def test_a_quarantine_that_cannot_be_looked_into_says_so(viewer, operator, library, monkeypatch):
    assert "not mounted" in text_of(operator, "/import/consistency/quarantine/?part=held")
    monkeypatch.setattr(consistency, "LOOK_S", 0.01)
    monkeypatch.setattr(consistency, "_look_into_quarantine", lambda: time.sleep(1))

    assert "no answer" in text_of(viewer, "/import/consistency/quarantine/?part=held")


def test_a_finding_is_told_in_the_language_of_who_reads_it(operator):
    facts = {"session": 7, "is": "failed", "items": "1 imported", "should_be": "imported"}
    finding = make_finding("session_state", "7", facts)

    for page in (f"/import/consistency/findings/{finding.pk}/", "/import/consistency/findings/"):
        text = operator.get(page, headers={"accept-language": "ja"}).content.decode()
        assert escape(finding.summary) not in text, page
        assert "セッション 7 は「failed」ですが" in text, page


GONE = {"path": "/library", "number": 20, "examples": "a.jpg", "target": "missing:20:" + 16 * "0"}


def test_what_is_gone_can_be_accepted_by_a_maintainer_and_not_lived_with(maintainer, operator):
    row = make_finding("files_gone_at_once", "library", GONE)
    action = f"/import/operations/accept_loss/?target={GONE['target']}"

    for address in ("/import/consistency/?part=breaker", f"/import/consistency/findings/{row.pk}/"):
        assert escape(action) in text_of(maintainer, address)
        assert "accept_loss/?target" not in text_of(operator, address)
    assert "Live with it" not in text_of(maintainer, f"/import/consistency/findings/{row.pk}/")
    maintainer.post(f"/import/consistency/findings/{row.pk}/accept/", {"days": "9", "reason": "x"})
    assert Finding.objects.get().state == "open"


def test_rules_that_are_held_back_are_not_called_right(viewer):
    RuleLook.objects.create(rule="media_missing", looked_at=database_now(), number=0)
    make_finding("files_gone_at_once", "library", GONE)

    page = text_of(viewer, "/import/consistency/?part=rules")

    assert "held back" in page
