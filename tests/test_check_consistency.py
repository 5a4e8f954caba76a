"""The check finds what is wrong, the repair puts it right, and the second check finds nothing."""

import json
import os
from dataclasses import replace

import pytest
from django.core.management import call_command

from local_import.consistency import crowd, findings, look
from local_import.consistency.look import RULES
from local_import.consistency.rule import Look
from local_import.fsops import Tree
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from local_import.transactions import database_now
from tests.consistency import (
    HOUR,
    OPERATOR,
    constraints_away,
    flip,
    found,
    imported,
    repaired,
    rules_found,
    time_passed,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(inbox, library, monkeypatch):
    """Three photos that were imported an hour ago."""
    session = imported(inbox)
    with time_passed(monkeypatch):
        yield session


def first_media():
    return Media.objects.order_by("pk").first()


def test_a_finished_import_is_consistent(session):
    assert found() == []


def test_a_session_that_is_not_what_its_items_call_for_is_found_and_moved(session):
    flip(ImportSession.objects.all(), state="importing")
    assert rules_found() == ["session_state", "session_state_unaudited"]

    assert repaired().after.suspects == []

    assert ImportSession.objects.get().state == "imported"
    row = AuditLog.objects.filter(action="consistency.repair").first()
    assert (row.actor, row.session_id) == ("operator", session.pk)


def test_what_changed_just_now_is_not_judged(inbox, library):
    imported(inbox)
    ImportSession.objects.update(counts={})

    assert found() == []


def test_work_that_nobody_holds_is_found_and_swept_up(session):
    item = ImportItem.objects.first()
    with constraints_away():
        ImportItem.objects.filter(pk=item.pk).update(owner="somebody")
        assert rules_found() == ["lease_without_work"]

        assert repaired().after.suspects == []

    assert ImportItem.objects.get(pk=item.pk).owner == ""


def test_a_file_that_is_gone_comes_back_from_its_source(session, library):
    media = first_media()
    os.unlink(library / media.path)
    assert found() == [("media_missing", str(media.pk))]

    outcome = repaired()

    assert outcome.after.suspects == []
    assert (library / media.path).stat().st_size == media.size_bytes
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"}


def test_a_file_that_is_nowhere_makes_its_item_missing_and_waits_for_a_person(
    session, library, inbox
):
    media = first_media()
    os.unlink(library / media.path)
    for path in inbox.iterdir():
        path.unlink()

    first, second = repaired(), repaired()

    item = ImportItem.objects.get(media=media)
    assert (item.state, ImportSession.objects.get().state) == ("missing", "failed")
    assert item.failure["code"] == "library_file_wrong"
    assert [suspect.rule for suspect in first.after.suspects] == ["media_lost"]
    assert [reason for _, reason in second.refused] == [
        "The bytes are neither in the library or its quarantine nor at a source."
    ]


def test_the_check_changes_nothing(session, library, capsys):
    os.unlink(library / first_media().path)
    before = list(ImportItem.objects.order_by("pk").values())

    with pytest.raises(SystemExit) as ended:
        call_command("check_consistency", "--json")

    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert [one["rule"] for one in report["findings"]] == ["media_missing"]
    assert list(ImportItem.objects.order_by("pk").values()) == before
    assert not Finding.objects.exists()


def test_a_check_without_findings_ends_with_status_0(session, capsys):
    call_command("check_consistency", "--deep")

    assert "Consistent" in capsys.readouterr().out


def test_a_repair_is_only_planned_unless_it_is_to_be_applied(session, library, capsys):
    media = first_media()
    os.unlink(library / media.path)

    with pytest.raises(SystemExit):
        call_command("repair_consistency", "--json")

    report = json.loads(capsys.readouterr().out)
    assert [one["rule"] for one in report["planned"]] == ["media_missing"]
    assert not (library / media.path).exists()


def test_a_finding_is_kept_closed_and_comes_back(session, library):
    media = first_media()
    (library / media.path).rename(library / "elsewhere")
    findings.keep(look.take(codes=["media_missing"]))
    first = Finding.objects.get()

    (library / "elsewhere").rename(library / media.path)
    findings.keep(look.take(codes=["media_missing"]))
    gone = Finding.objects.get()
    (library / media.path).rename(library / "elsewhere")
    findings.keep(look.take(codes=["media_missing"]))
    back = Finding.objects.get()

    assert [row.state for row in (first, gone, back)] == ["open", "gone", "back"]
    assert back.first_seen_at == first.first_seen_at < back.last_seen_at


def test_an_accepted_finding_stays_so_until_its_time_is_over(session, library):
    os.unlink(library / first_media().path)
    findings.keep(look.take(codes=["media_missing"]))
    row = Finding.objects.get()

    findings.accept(row.pk, until=row.first_seen_at + HOUR, reason="Known.", actor=OPERATOR)
    findings.keep(look.take(codes=["media_missing"]))
    kept = Finding.objects.get().state
    Finding.objects.update(accepted_until=row.first_seen_at)
    findings.keep(look.take(codes=["media_missing"]))

    assert (kept, Finding.objects.get().state) == ("accepted", "open")
    told = AuditLog.objects.get(action="finding.accept")
    assert (told.actor, told.details["rule"]) == ("operator", "media_missing")
    assert told.message.endswith("Known.")


def test_an_accepted_finding_does_not_count_and_is_not_repaired(session, library, capsys):
    stray = library / "stray.jpg"
    stray.write_bytes(b"known")
    findings.keep(look.take())
    number = str(Finding.objects.get().pk)

    call_command("accept_finding", number, "--reason", "It belongs to the scanner.", "--json")
    call_command("check_consistency", "--json")
    repaired()

    told, checked = capsys.readouterr().out.splitlines()[0], Finding.objects.get()
    assert json.loads(told)["rule"] == "stray_file"
    assert stray.exists()
    assert (checked.state, checked.accepted_reason) == ("accepted", "It belongs to the scanner.")


@pytest.mark.parametrize(
    "arguments",
    [["999", "--reason", "x"], ["{}", "--reason", "x", "--days", "0"]],
)
def test_a_finding_is_not_accepted_without_a_time_and_a_number(session, library, arguments):
    (library / "stray.jpg").write_bytes(b"known")
    findings.keep(look.take())
    row = Finding.objects.get()

    with pytest.raises(SystemExit) as ended:
        call_command("accept_finding", *[part.format(row.pk) for part in arguments])

    assert ended.value.code == 2
    assert Finding.objects.get().state == "open"


def test_a_session_that_is_not_there_is_wrong_use(session):
    with pytest.raises(SystemExit) as ended:
        call_command("check_consistency", "--session", "999")

    assert ended.value.code == 2


def test_the_page_of_findings_shows_them_and_escapes_what_strangers_named(
    session, library, admin_client
):
    (library / "<script>x.jpg").write_bytes(b"x")
    findings.keep(look.take())

    page = admin_client.get("/admin/local_import/finding/").content.decode()

    assert "stray_file" in page and "<script>x" not in page


def test_more_suspects_than_are_told_of_are_counted(session, library, monkeypatch, capsys):
    monkeypatch.setattr(crowd, "SAMPLE", 2)
    for number in range(5):
        (library / f"{number}.jpg").write_bytes(b"x")

    with pytest.raises(SystemExit):
        call_command("check_consistency", "--json")

    report = json.loads(capsys.readouterr().out)
    told = [(one["rule"], one["evidence"].get("number")) for one in report["findings"]]
    assert told == [("stray_file", None), ("stray_file", None), ("too_many", 5)]


def test_a_crowd_is_repaired_at_once_except_what_is_accepted(session, library, monkeypatch):
    monkeypatch.setattr(crowd, "SAMPLE", 2)
    for number in range(6):
        (library / f"{number}.jpg").write_bytes(b"%d" % number)
    findings.keep(look.take())
    kept = Finding.objects.filter(rule="stray_file").first()
    findings.accept(kept.pk, until=kept.first_seen_at + 2 * HOUR, reason="Mine.", actor=OPERATOR)

    outcome = repaired()

    assert (outcome.number, len(outcome.repaired)) == (5, 2)
    assert [(s.rule, s.key) for s in outcome.after.suspects] == [("stray_file", kept.key)]
    assert Finding.objects.get(rule="too_many").state == "gone"


def test_of_a_crowd_no_more_than_the_sample_is_ever_kept(session, library, monkeypatch):
    monkeypatch.setattr(crowd, "SAMPLE", 2)
    for number in range(5):
        (library / f"{number}.jpg").write_bytes(b"x")
    report = look.take()
    every = list(RULES["stray_file"].find(Look(report_time(), Tree(bytes(library))), None))

    for start in range(3):  # as if each look met others first
        strays = every[start : start + 2]
        crowded = [s for s in report.suspects if s.rule == "too_many"]
        findings.keep(replace(report, suspects=[*strays, *crowded]))

    states = Finding.objects.order_by("rule").values_list("rule", "state")
    assert list(states) == [("stray_file", "open")] * 2 + [("too_many", "open")]


def report_time():
    return database_now() + HOUR
