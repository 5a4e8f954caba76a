"""An operator approves the repair of what was found: of one finding, or of all of a rule."""

import pytest

from local_import.consistency import approve, findings, look
from local_import.consistency.rule import CannotRepair
from local_import.models import AuditLog, Finding, ImportItem, Media
from local_import.operations import checks, runs
from local_import.wording.retell import retell
from tests.consistency import HOUR, OPERATOR, forget, found, imported, time_passed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def session(inbox, library, monkeypatch):
    session = imported(inbox)
    with time_passed(monkeypatch):
        yield session


def strays(library, number):
    for index in range(number):
        (library / f"{index}.jpg").write_bytes(b"%d" % index)
    findings.keep(look.take())
    return list(Finding.objects.filter(rule="stray_file").order_by("pk"))


def test_one_finding_is_repaired_and_the_others_stay(session, library):
    first, second = strays(library, 2)

    outcome = approve.repair_findings([first], actor=OPERATOR)

    assert (outcome.number, outcome.refused, outcome.after.suspects) == (1, [], [])
    assert found() == [("stray_file", second.key)]
    closed = Finding.objects.get(pk=first.pk)
    assert (closed.state, closed.closed_by) == ("repaired", "operator")
    done = AuditLog.objects.filter(action__startswith="consistency.repair").order_by("pk")
    assert [(row.action, row.actor) for row in done] == [
        ("consistency.repair_begun", "operator"),
        ("consistency.repair", "operator"),
    ]


def test_many_findings_are_repaired_together(session, library):
    rows = strays(library, 3)

    outcome = approve.repair_findings(rows, actor=OPERATOR)

    assert outcome.number == 3
    assert found() == []
    assert set(Finding.objects.values_list("state", flat=True)) == {"repaired"}


def test_what_is_right_by_now_is_not_repaired_but_gone(session, library):
    (row,) = strays(library, 1)
    (library / "0.jpg").unlink()

    outcome = approve.repair_findings([row], actor=OPERATOR)

    assert (outcome.number, len(outcome.right)) == (0, 1)
    assert Finding.objects.get().state == "gone"
    assert not AuditLog.objects.filter(action__startswith="consistency.repair").exists()


def test_a_repair_that_does_not_help_leaves_the_finding(session, library, inbox):
    media = Media.objects.first()
    (library / media.path).unlink()
    for path in inbox.iterdir():
        path.unlink()
    findings.keep(look.take())
    row = Finding.objects.get()

    outcome = approve.repair_findings([row], actor=OPERATOR)

    assert [one.rule for one in outcome.after.suspects] == ["media_lost"]
    assert [(one.rule, one.state) for one in Finding.objects.order_by("pk")] == [
        ("media_missing", "repaired"),
        ("media_lost", "open"),
    ]
    assert ImportItem.objects.get(media=media).state == "missing"


def test_a_finding_that_a_person_has_to_settle_is_refused_with_the_reason(session):
    item = ImportItem.objects.first()
    forget(AuditLog.objects.transitions().of_item(item.pk).filter(to_state="moving"))
    findings.keep(look.take())
    row = Finding.objects.get()

    with pytest.raises(CannotRepair, match="a person"):
        approve.repair_findings([row], actor=OPERATOR)


def test_nothing_is_approved_while_the_library_is_away(session, library):
    (row,) = strays(library, 1)
    (library / ".photonest-library").unlink()
    findings.keep(look.take())

    with pytest.raises(CannotRepair):
        approve.repair_findings([row], actor=OPERATOR)
    assert (library / "0.jpg").exists()


@pytest.mark.parametrize("key", ["999999", "1"])
def test_a_finding_whose_object_vanished_is_gone_and_harms_nothing(session, key):
    """Of each rule that can be repaired: as if it had been found of an object that is not there."""
    before = list(ImportItem.objects.order_by("pk").values())
    for rule in look.RULES.values():
        if rule.repair and rule.about in ("item", "session", "media"):
            now = look.database_now()
            Finding.objects.create(
                rule=rule.code,
                severity=rule.severity,
                about=rule.about,
                key=key,
                digest=f"{rule.code} {key}",
                first_seen_at=now,
                last_seen_at=now,
            )

    for row in Finding.objects.all():
        outcome = approve.repair_findings([row], actor=OPERATOR)
        assert (outcome.number, outcome.refused) == (0, [])

    assert set(Finding.objects.values_list("state", flat=True)) == {"gone"}
    assert list(ImportItem.objects.order_by("pk").values()) == before


def test_a_run_of_repairs_ends_as_failed_with_the_reason_when_the_library_goes_away(
    session, library, monkeypatch
):
    strays(library, 3)
    monkeypatch.setattr(checks, "PART", 1)
    monkeypatch.setattr(runs, "TURN_S", 0.0)
    run = runs.carry_out("repair", "rule:stray_file", actor=OPERATOR, reason="To be right.")
    runs.work(run.pk)
    (library / ".photonest-library").unlink()
    findings.keep(look.take())

    runs.work(run.pk)

    run.refresh_from_db()
    assert (run.state, run.done) == ("failed", 1)
    assert "is not mounted" in str(retell(run.failure))
    assert sum(1 for path in library.iterdir() if path.suffix == ".jpg") == 2


def test_a_run_of_repairs_leaves_alone_what_somebody_lives_with(session, library):
    first, _second = strays(library, 2)
    later = first.first_seen_at + 3 * HOUR
    findings.accept(first.pk, until=later, reason="Mine.", actor=OPERATOR)

    run = runs.carry_out(
        "repair", "rule:stray_file", actor=OPERATOR, reason="To be right.", wait=True
    )

    assert (run.state, run.done, run.refused) == ("done", 1, 1)
    assert (library / "0.jpg").exists()
    assert found() == [("stray_file", first.key)]
