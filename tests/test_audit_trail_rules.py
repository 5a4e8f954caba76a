"""States and the audit log tell the same, or the check says where they part."""

import pytest

from local_import.consistency import repair
from local_import.fsops import Tree
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from tests.consistency import OPERATOR, flip, forget, found, imported, repaired, time_passed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def item(inbox, library, monkeypatch):
    """One of three photos that were imported an hour ago."""
    imported(inbox)
    with time_passed(monkeypatch):
        yield ImportItem.objects.order_by("pk").first()


def told_of(item):
    return AuditLog.objects.transitions().of_item(item.pk).order_by("pk")


def state_of(item):
    return ImportItem.objects.get(pk=item.pk).state


def test_a_state_that_was_written_past_the_door_is_put_back(item):
    flip(ImportItem.objects.filter(pk=item.pk), state="missing", stopped_in="moving")
    assert ("item_state_unaudited", str(item.pk)) in found()

    assert repaired().after.suspects == []

    assert state_of(item) == "imported"
    row = AuditLog.objects.get(action="state.put_back")
    assert (row.item_id, row.details) == (item.pk, {"from": "missing", "to": "imported"})


def test_a_state_that_the_disk_confirms_stays_and_the_log_says_so(item):
    forget(told_of(item).filter(to_state="imported"))
    assert found() == [("item_state_unaudited", str(item.pk))]

    assert repaired().after.suspects == []

    assert state_of(item) == "imported"
    row = AuditLog.objects.get(action="state.anchor")
    assert (row.from_state, row.to_state) == ("updating", "imported")


@pytest.mark.parametrize(
    "change",
    [
        lambda item: Media.objects.filter(pk=item.media_id).update(size_bytes=1),
        lambda item: flip(
            ImportItem.objects.filter(pk=item.pk), state="missing", stopped_in="moving"
        ),
        lambda item: forget(ImportItem.objects.filter(pk=item.pk)),
    ],
    ids=["its media", "its state", "it goes away"],
)
def test_what_changes_while_the_disk_is_asked_is_left_to_the_next_look(item, monkeypatch, change):
    forget(told_of(item).filter(to_state="imported"))
    stat = Tree.stat

    def change_meanwhile(tree, path):
        if path.endswith(b".jpg"):
            change(item)
        return stat(tree, path)

    with monkeypatch.context() as patch:
        patch.setattr(Tree, "stat", change_meanwhile)
        outcome = repair.repair(codes=["item_state_unaudited"], actor=OPERATOR)

    assert outcome.repaired == []
    assert [reason for _, reason in outcome.refused] in (
        ["It changed while the disk was asked."],
        ["It went away meanwhile."],
    )
    assert not AuditLog.objects.filter(action__in=["state.anchor", "state.put_back"]).exists()


def test_a_state_whose_whole_log_is_gone_is_confirmed(item):
    forget(AuditLog.objects.of_item(item.pk))
    assert found() == [("item_state_unaudited", str(item.pk))]

    assert repaired().after.suspects == []
    assert state_of(item) == "imported"


@pytest.mark.parametrize("to_state", ["pending", "analyzing", "checking", "moving", "updating"])
def test_a_row_that_is_gone_from_the_middle_is_missed_and_left_to_a_person(item, to_state):
    forget(told_of(item).filter(to_state=to_state))

    assert found() == [("item_audit_gap", str(item.pk))]
    assert [s.rule for s in repaired().after.suspects] == ["item_audit_gap"]


def test_an_item_that_is_gone_is_missed(item):
    session_id = item.session_id
    forget(ImportItem.objects.filter(pk=item.pk))

    assert found() == [("item_gone", str(item.pk)), ("session_counts", str(session_id))]
    assert [s.rule for s in repaired().after.suspects] == ["item_gone"]


def test_the_state_of_a_session_whose_last_row_is_gone_is_confirmed_by_its_items(item):
    rows = AuditLog.objects.transitions().filter(item=None)
    forget(rows.filter(to_state="imported"))
    assert found() == [("session_state_unaudited", str(item.session_id))]

    assert repaired().after.suspects == []
    assert ImportSession.objects.get().state == "imported"


def test_only_what_belongs_to_a_session_is_looked_at(item):
    forget(told_of(item).filter(to_state="imported"))

    assert found(session_id=item.session_id) == [("item_state_unaudited", str(item.pk))]
    assert found(session_id=item.session_id + 1) == []
