"""To look now, and to repair what was found: offered, previewed, done once, recorded."""

import pytest

from local_import import operations
from local_import.audit_logger import Actor
from local_import.consistency import findings, look
from local_import.consistency.rule import Depth
from local_import.errors import ImportProblem
from local_import.models import AuditLog, Finding, ImportSession, OperationRun
from local_import.models.finding import RuleLook
from local_import.operations import WrongTarget, runs
from local_import.services import sweeper
from local_import.transactions import database_now
from tests.consistency import flip, imported, time_passed
from tests.test_operations import sent  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)
MONA = Actor("mona")
OF_SESSIONS = "session_is_imported"


def carry_out(name, target, **options):
    return operations.carry_out(name, target, actor=MONA, reason="To be right.", **options)


def found():
    findings.keep(look.take(depth=Depth.ROWS))
    return list(Finding.objects.filter(state="open").order_by("pk"))


@pytest.fixture
def wrong(inbox, library, monkeypatch):
    """A finding that a repair can put right: a session that is called failed, and is not."""
    session = imported(inbox)
    flip(ImportSession.objects.filter(pk=session.pk), state="failed")
    with time_passed(monkeypatch):
        rows = found()
        yield next(row for row in rows if look.RULES[row.rule].is_repairable)


@pytest.mark.parametrize("target", ["check:rows", "check:files"])
def test_a_look_is_taken_in_the_background_and_kept(target, sent, wrong):  # noqa: F811
    Finding.objects.all().delete()
    RuleLook.objects.all().delete()

    run = carry_out("check", target)
    assert (run.state, [task for task, _ in sent]) == ("waiting", ["local_import.carry_out"])
    runs.work(run.pk)

    run.refresh_from_db()
    assert run.state == "done" and run.result["found"] >= 1
    assert Finding.objects.filter(rule=wrong.rule).exists() and RuleLook.objects.exists()
    assert "break" in run.result["told"]


def test_a_look_whose_message_was_lost_is_called_for_again(sent, wrong):  # noqa: F811
    run = carry_out("check", "check:rows")
    OperationRun.objects.update(progressed_at=database_now().replace(year=2020))
    sent.clear()

    sweeper.sweep()

    assert ("local_import.carry_out", run.pk) in sent


def test_one_rule_alone_is_asked(sent, wrong):  # noqa: F811
    run = carry_out("check", f"rule:{wrong.rule}")
    runs.work(run.pk)

    assert RuleLook.objects.filter(rule=wrong.rule).exists()


def test_a_rule_that_reads_every_file_is_left_to_the_command():
    preview = operations.preview("check", "rule:media_content")

    assert not preview.possible and "command" in preview.why_not


@pytest.mark.parametrize("target", ["check:everything", "rule:nothing", "finding:x", "check:"])
def test_a_target_that_names_nothing_is_refused(target):
    with pytest.raises(WrongTarget):
        operations.preview("check", target)


def test_a_finding_is_repaired_once_and_recorded(wrong):
    preview = operations.preview("repair", f"finding:{wrong.pk}")
    assert (preview.possible, preview.touches, preview.permission) == (
        True,
        1,
        "local_import.maintain_import",
    )

    run = carry_out("repair", f"finding:{wrong.pk}", key="click", wait=True)
    again = carry_out("repair", f"finding:{wrong.pk}", key="click", wait=True)

    wrong.refresh_from_db()
    assert (run.pk, run.done, run.state) == (again.pk, 1, "done")
    assert (wrong.state, wrong.closed_by) == ("repaired", "mona")
    assert AuditLog.objects.filter(action="consistency.repair", actor="mona").count() == 1
    assert not operations.preview("repair", f"finding:{wrong.pk}").possible


def test_what_is_right_by_the_time_of_the_repair_is_left_alone_and_closed(wrong):
    carry_out("repair", f"finding:{wrong.pk}", wait=True)
    rows = AuditLog.objects.filter(action="consistency.repair").count()
    Finding.objects.filter(pk=wrong.pk).update(state="open")

    run = carry_out("repair", f"finding:{wrong.pk}", wait=True)

    wrong.refresh_from_db()
    assert (run.done, wrong.state) == (0, "gone")
    assert "right again" in run.result["told"]
    assert AuditLog.objects.filter(action="consistency.repair").count() == rows


def test_a_whole_rule_is_repaired_part_by_part(inbox, library, monkeypatch):
    monkeypatch.setattr("local_import.operations.checks.PART", 2)
    session = imported(inbox, 5)
    session.items.update(source_disposition="release_due", state_changed_at="2020-01-01T00:00Z")
    for row in session.items.all():
        findings_of(row)

    run = carry_out("repair", "rule:lease_without_work", wait=True)

    assert (run.total, run.done, run.state) == (5, 0, "done")
    assert Finding.objects.filter(state="gone").count() == 5


def findings_of(item):
    Finding.objects.create(
        rule="lease_without_work",
        severity="medium",
        about="item",
        key=str(item.pk),
        digest=str(item.pk),
        item_id=item.pk,
        summary="x",
        first_seen_at=database_now(),
        last_seen_at=database_now(),
    )


def test_nothing_is_repaired_while_the_disk_seems_away(wrong):
    Finding.objects.create(
        rule="library_away",
        severity="critical",
        about="library",
        key="x",
        digest="away",
        summary="x",
        first_seen_at=database_now(),
        last_seen_at=database_now(),
    )

    with pytest.raises(ImportProblem, match=r"not_allowed|away"):
        carry_out("repair", f"finding:{wrong.pk}", wait=True)

    wrong.refresh_from_db()
    assert wrong.state == "open"


def test_what_only_a_person_can_do_is_not_offered_as_a_repair():
    code = next(code for code, rule in look.RULES.items() if not rule.is_repairable)

    assert "a person has to" in operations.preview("repair", f"rule:{code}").why_not


def test_a_finding_that_is_gone_says_so():
    assert "no such finding" in operations.preview("repair", "finding:4711").why_not
