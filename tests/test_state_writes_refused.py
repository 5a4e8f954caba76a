"""Nothing but the door writes a state."""

import pytest

from local_import import names
from local_import.models import ImportItem, ImportSession
from local_import.models.stateful import StateWriteRefused


@pytest.fixture
def session(db):
    return ImportSession.objects.create(source_path=b"/in", source="/in")


def new(session, name=b"a", **values):
    return ImportItem(
        session=session,
        path=name,
        path_digest=names.digest(name),
        shown_path=name.decode(),
        **values,
    )


@pytest.fixture
def item(session):
    row = new(session)
    row.save()
    return row


WAYS = {
    "update": lambda item: ImportItem.objects.update(state="skipped", skip_reason="empty"),
    "base manager": lambda item: ImportItem._base_manager.update(state="skipped"),
    "related manager": lambda item: item.session.items.update(state="skipped"),
    "bulk_update": lambda item: ImportItem.objects.bulk_update([item], ["state"]),
    "create": lambda item: ImportItem.objects.create(
        session=item.session, path=b"b", path_digest="b", shown_path="b", state="failed"
    ),
    "bulk_create": lambda item: ImportItem.objects.bulk_create(
        [new(item.session, b"c", state="imported")]
    ),
    "get_or_create": lambda item: ImportItem.objects.get_or_create(
        session=item.session, path_digest="d", defaults={"path": b"d", "state": "failed"}
    ),
    "update_or_create": lambda item: ImportItem.objects.update_or_create(
        pk=item.pk, defaults={"state": "failed"}
    ),
    "transition and save": None,
    "attribute": lambda item: setattr(item, "state", "failed"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_state_cannot_be_written_past_the_door(item, way):
    if way == "transition and save":
        item.lose()
        act = item.save
    else:
        act = lambda: WAYS[way](item)  # noqa: E731

    with pytest.raises((StateWriteRefused, AttributeError)):
        act()

    assert list(ImportItem.objects.values_list("state", flat=True)) == ["pending"]


def test_a_session_is_guarded_as_well(session):
    with pytest.raises(StateWriteRefused):
        ImportSession.objects.update(state="imported")
    session.confirm()
    with pytest.raises(StateWriteRefused):
        session.save()
    assert ImportSession.objects.get().state == "pending"


def test_reloading_brings_the_state_back_and_keeps_its_protection(item):
    item.lose()
    item.refresh_from_db()

    assert item.state == "pending"
    with pytest.raises(AttributeError):
        item.state = "failed"
    item.save()


def test_a_failed_reload_leaves_the_protection_on(item):
    ImportItem.objects.filter(pk=item.pk).delete()

    with pytest.raises(ImportItem.DoesNotExist):
        item.refresh_from_db()

    with pytest.raises(AttributeError):
        item.state = "failed"
