"""Library or database set back: what the check says of it, what it leaves alone, and what is accepted."""

import json
import os

import pytest
from django.core.management import call_command

from local_import import operations
from local_import.audit_logger import Actor
from local_import.consistency import breaker, findings, gone, look, quarantine, repair, telling
from local_import.consistency.breaker import library_to_look_at
from local_import.consistency.rule import Look
from local_import.errors import ImportProblem
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from local_import.operations import WrongTarget
from local_import.transactions import database_now
from tests.consistency import OPERATOR, forget, found, imported, repaired, rules_found, time_passed
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
MANY = breaker.FEWEST


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox, MANY + 5, mode="move")
    with time_passed(monkeypatch):
        yield session


def files(library, number):
    return [library / media.path for media in Media.objects.order_by("pk")[:number]]


def take_away(library, number):
    held = {path: path.read_bytes() for path in files(library, number)}
    for path in held:
        path.unlink()
    return held


def put_back(held):
    for path, content in held.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def forget_rows(number):
    """As in a database of an older day, of which the sessions are over and forgotten."""
    chosen = list(Media.objects.order_by("-pk").values_list("pk", flat=True)[:number])
    for table in (AuditLog, ImportItem, ImportSession):
        forget(table.objects.all())
    forget(Media.objects.filter(pk__in=chosen))


def accept(target, **options):
    given = {"actor": OPERATOR, "reason": "They are lost.", "wait": True} | options
    return operations.carry_out("accept_loss", target, **given)


def seen():
    """The target that the standing finding names."""
    return next(s.evidence["target"] for s in look.take().suspects if "target" in s.evidence)


def states():
    return sorted(ImportItem.objects.values_list("state", flat=True))


def test_what_is_accepted_is_missing_and_holds_nothing_back_any_more(session, library):
    take_away(library, MANY)
    findings.keep(look.take())

    run = accept(seen())

    assert (run.state, run.done) == ("done", MANY)
    assert states() == ["imported"] * 5 + ["missing"] * MANY
    assert rules_found() == ["media_lost"] and not findings.is_frozen()
    told = AuditLog.objects.get(action="library.accept_loss")
    assert told.details["number"] == MANY and told.actor == OPERATOR.name


def test_what_comes_back_from_a_backup_is_imported_again_by_itself(session, library):
    held = take_away(library, MANY)
    accept(seen())
    put_back(held)

    repair.repair_by_itself(look.take(), actor=Actor("schedule"))

    assert states() == ["imported"] * (MANY + 5)
    assert found() == [] and not Media.objects.filter(lost_at__isnull=False).exists()


def test_what_still_lies_somewhere_is_put_back_and_not_called_missing(session, library):
    """A directory of the library was renamed: the bytes are found by their hash."""
    for path in files(library, MANY):
        (library / "moved").mkdir(exist_ok=True)
        path.rename(library / "moved" / path.name)
    assert rules_found() == ["files_gone_at_once"]

    run = accept(seen())

    assert run.result["back"] == MANY and states() == ["imported"] * (MANY + 5)
    assert found() == []


def test_an_unlisted_file_that_a_media_misses_is_no_stray(session, library):
    path = files(library, 1)[0]
    path.rename(library / "elsewhere.jpg")
    (library / "elsewhere.jpg").rename(library / path.name)

    assert rules_found() == ["media_missing"]
    assert [one.rule for one in repaired().repaired] == ["media_missing"]
    assert found() == [] and path.exists()


@pytest.mark.parametrize("change", ["more", "fewer", "others"])
def test_what_is_accepted_is_what_was_seen(session, library, change):
    held = take_away(library, MANY + 1)
    target = seen()
    if change in ("fewer", "others"):
        put_back(dict([held.popitem()]))
    if change in ("more", "others"):
        (library / Media.objects.order_by("-pk").first().path).unlink()

    with pytest.raises(ImportProblem, match="not_allowed"):
        accept(target)

    assert operations.preview("accept_loss", target).why_not
    assert states() == ["imported"] * (MANY + 5)


def test_what_goes_between_the_asking_and_the_doing_ends_the_run_unchanged(session, library):
    take_away(library, MANY)
    run = accept(seen(), wait=False)
    (library / Media.objects.order_by("-pk").first().path).unlink()

    operations.runs.work(run.pk)

    run.refresh_from_db()
    assert run.state == "failed" and states() == ["imported"] * (MANY + 5)


def test_the_preview_tells_the_exact_number_and_needs_a_maintainer(session, library):
    take_away(library, MANY)

    preview = operations.preview("accept_loss", seen())

    assert preview.possible and preview.touches == MANY
    assert preview.permission == operations.registry.MAINTAIN
    assert preview.command == f"python manage.py import_operation accept_loss {seen()}"


@pytest.mark.parametrize("target", ["missing:20", "missing:x:0123456789abcdef", "missing:20:xyz"])
def test_a_target_that_names_nothing_is_refused(target):
    with pytest.raises(WrongTarget):
        operations.preview("accept_loss", target)


def test_known_losses_never_make_the_next_single_loss_look_like_many(session, library):
    take_away(library, MANY - 1)
    repaired()
    (library / Media.objects.order_by("-pk").first().path).unlink()

    assert rules_found() == ["media_lost", "media_missing"]


def test_known_losses_do_not_hide_that_many_more_go(session, library, monkeypatch):
    take_away(library, MANY)
    accept(seen())
    monkeypatch.setattr("local_import.consistency.crowd.SAMPLE", 3)
    for media in Media.objects.filter(lost_at=None):
        (library / media.path).unlink()
    monkeypatch.setattr(breaker, "FEWEST", 5)

    assert "files_gone_at_once" in rules_found()


def test_a_breaker_cannot_be_lived_with(session, library, capsys):
    take_away(library, MANY)
    findings.keep(look.take())
    row = Finding.objects.get()

    with pytest.raises(SystemExit) as ended:
        call_command("accept_finding", str(row.pk), "--reason", "It is so.")

    assert ended.value.code == 2 and "accept_loss" in capsys.readouterr().err
    assert findings.is_frozen()


def test_many_unlisted_originals_are_a_database_of_an_older_day(session, library):
    forget_rows(MANY)

    assert rules_found() == ["database_set_back"]
    assert repaired().number == 0
    assert repaired_by_rule("stray_file") == 0
    assert not (library / "quarantine").exists()


def repaired_by_rule(code):
    return repair.repair(codes=[code], actor=OPERATOR).number


def test_one_unlisted_original_is_listed_and_never_set_aside(session, library):
    forget_rows(1)

    assert rules_found() == ["original_unlisted"]
    assert repaired().number == 0 and repaired_by_rule("stray_file") == 0
    call_command("rebuild_library", "--apply")
    assert "original_unlisted" not in rules_found()


@pytest.mark.parametrize("content", [jpeg(999), b"", jpeg(1)[:-1]])
def test_a_name_alone_makes_no_original(session, library, content):
    path = files(library, 1)[0]
    (library / "2001").mkdir()
    (library / "2001" / path.name).write_bytes(content)

    assert rules_found() == ["stray_file"]


def test_a_second_copy_of_what_is_listed_is_a_stray(session, library):
    path = files(library, 1)[0]
    (library / "2001").mkdir()
    (library / "2001" / path.name).write_bytes(path.read_bytes())

    assert rules_found() == ["stray_file"]


def test_an_original_that_cannot_be_read_is_neither_stray_nor_passed_over(
    session, library, monkeypatch, capsys
):
    forget_rows(1)
    forget(AuditLog.objects.all())

    def refuse(*_args, **_options):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("local_import.fsops.comparing.digest", refuse)
    report = look.take(codes=["stray_file", "original_unlisted"])

    assert report.suspects == [] and report.left_out == {"unreadable": 1}
    assert not telling.look_report(report)["consistent"]


def test_a_file_too_new_to_be_judged_keeps_the_check_from_saying_consistent(inbox, library, capsys):
    imported(inbox)
    (library / "new.jpg").write_bytes(b"being copied")

    with pytest.raises(SystemExit) as ended:
        call_command("check_consistency")

    out = capsys.readouterr().out
    assert ended.value.code == 1 and "Consistent" not in out
    assert "within the last two minutes: 1." in out


def test_accepted_is_not_consistent(session, library, capsys):
    (library / "stray.jpg").write_bytes(b"x")
    findings.keep(look.take())
    row = Finding.objects.get()
    call_command("accept_finding", str(row.pk), "--reason", "It may stay.")
    capsys.readouterr()

    call_command("check_consistency")  # nobody need act: status 0
    out = capsys.readouterr().out
    assert "Consistent" not in out and "1 finding accepted, and still there." in out

    call_command("check_consistency", "--json")
    report = json.loads(capsys.readouterr().out)
    assert (report["consistent"], report["complete"]) == (False, True)


def test_a_frozen_check_tells_which_rules_it_did_not_ask(session, library, capsys):
    take_away(library, MANY)

    with pytest.raises(SystemExit) as ended:
        call_command("check_consistency", "--json")

    report = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1 and not report["complete"]
    assert "media_missing" not in report["rules"] and "session_state" in report["rules"]
    assert [one["reason"] for one in report["left_out"]] == ["frozen"]


def test_the_quarantine_tells_which_of_its_files_are_the_only_copy(session, library, capsys):
    with library_to_look_at() as tree:
        for name, content in (("a", files(library, 1)[0].read_bytes()), ("b", b"nowhere else")):
            (library / name).write_bytes(content)
            quarantine.set_aside(tree, os.fsencode(name), "By the test.", database_now())

    call_command("quarantine", "list")

    out = capsys.readouterr().out
    assert "2 in quarantine, 1 of them the only copy here." in out
    assert out.count("the library has its bytes as") == 1


def test_a_library_that_lost_its_newest_files_is_told_from_one_with_holes(session, library):
    newest = list(Media.objects.order_by("-pk")[:MANY])
    Media.objects.exclude(pk__in=[m.pk for m in newest]).update(
        imported_at=database_now().replace(year=2020)
    )
    for media in newest:
        (library / media.path).unlink()

    assert rules_found() == ["library_set_back"]


def test_ids_are_told_in_stretches():
    assert gone.stretches([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert gone.stretches([]) == ""


def test_a_look_at_the_library_itself_finds_what_is_gone(session, library):
    take_away(library, 3)
    with library_to_look_at() as tree:
        ids = gone.missing_now(Look(database_now(), tree))
    assert ids == list(Media.objects.order_by("pk").values_list("pk", flat=True)[:3])
