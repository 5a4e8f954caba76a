"""When the disk seems to be away nothing is judged, nothing repaired, and one finding names the place."""

import json
import shutil

import pytest
from django.core.management import call_command

from local_import.audit_logger import Actor
from local_import.consistency import breaker, findings, look, repair, scheduled
from local_import.consistency.rule import Depth
from local_import.models import AuditLog, Finding, ImportItem, ImportSession, Media
from tests.consistency import found, imported, repaired, rules_found, time_passed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox, breaker.FEWEST + 5)
    with time_passed(monkeypatch):
        yield session


def states():
    return (
        list(ImportItem.objects.order_by("pk").values("pk", "state", "failure")),
        list(ImportSession.objects.order_by("pk").values("pk", "state")),
        AuditLog.objects.count(),
    )


def unmount(library):
    shutil.rmtree(library)
    library.mkdir()


def test_a_library_that_is_not_mounted_is_one_finding_and_changes_nothing(session, library, capsys):
    unmount(library)
    before = states()

    outcome = repaired()
    scheduled.check(Depth.FILES)
    with pytest.raises(SystemExit):
        call_command("repair_consistency", "--apply", "--json")

    assert outcome.repaired == outcome.refused == []
    assert rules_found() == ["library_away"]
    report = json.loads(capsys.readouterr().out)
    assert report["frozen"]
    assert str(library) in report["findings"][0]["summary"]
    assert states() == before


def test_a_library_whose_directory_is_gone_is_away(session, library):
    shutil.rmtree(library)

    assert rules_found() == ["library_away"]


def test_many_files_that_are_gone_at_once_freeze_everything(session, library):
    before = states()
    for media in Media.objects.order_by("pk")[: breaker.FEWEST]:
        (library / media.path).unlink()

    outcome = repaired()

    assert rules_found() == ["files_gone_at_once"]
    assert outcome.repaired == []
    assert states() == before
    assert Finding.objects.get().severity == "critical"


def test_one_file_less_is_repaired_as_ever(session, library):
    for media in Media.objects.order_by("pk")[: breaker.FEWEST - 1]:
        (library / media.path).unlink()

    outcome = repaired()

    assert len(outcome.repaired) == breaker.FEWEST - 1
    assert found() == []


def test_findings_of_files_are_not_closed_while_nobody_can_look(session, library):
    path = library / Media.objects.first().path
    held = path.read_bytes()
    path.unlink()
    findings.keep(look.take())
    (library / ".photonest-library").rename(library / "mark")
    path.write_bytes(held)

    findings.keep(look.take())

    kept = Finding.objects.get(rule="media_missing")
    assert kept.state == "open"


def test_the_schedule_repairs_no_more_than_its_cap_in_a_day(session, library, monkeypatch):
    monkeypatch.setattr(repair, "DAILY_CAP", 3)
    for media in Media.objects.order_by("pk")[:5]:
        (library / media.path).unlink()

    first, second = scheduled.check(Depth.FILES), scheduled.check(Depth.FILES)

    assert (first, second) == (
        {"found": 5, "repaired": 3, "left": 2},
        {"found": 2, "repaired": 0, "left": 2},
    )
    outcome = repair.repair(actor=Actor("operator"))
    assert len(outcome.repaired) == 2


def test_the_schedule_makes_no_repair_that_is_not_safe(session, library):
    (library / "2001").mkdir()
    (library / "2001" / "stray.jpg").write_bytes(b"somebody's only copy")

    done = scheduled.check(Depth.FILES)

    assert done == {"found": 1, "repaired": 0, "left": 1}
    assert (library / "2001" / "stray.jpg").exists()


def test_the_schedule_repairs_nothing_until_a_look_at_the_files_finds_them_there(session, library):
    away = {media.path: (library / media.path) for media in Media.objects.all()}
    held = {path: file.read_bytes() for path, file in away.items()}
    for file in away.values():
        file.unlink()
    scheduled.check(Depth.FILES)
    ImportSession.objects.update(counts={})

    assert scheduled.check(Depth.ROWS)["repaired"] == 0
    for path, content in held.items():
        away[path].write_bytes(content)
    assert scheduled.check(Depth.FILES)["repaired"] == 1
    assert set(Finding.objects.values_list("state", flat=True)) == {"gone", "repaired"}
