"""Nothing but the door writes a state."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from local_import import door, names
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.models.stateful import StateWriteRefused
from local_import.state_machine import declared
from tests.builders import make_item, make_session, step

pytestmark = pytest.mark.django_db


def new_item(session, name=b"new", **values):
    return ImportItem(
        session=session,
        path=name,
        path_digest=names.digest(name),
        shown_path=name.decode(),
        **values,
    )


def given(session, **values):
    """What get_or_create and its like need to make a row."""
    return {"session": session, "path_digest": "d", "path": b"d", "shown_path": "d"} | values


def stepped(row, name):
    """The row after a transition in memory."""
    getattr(row, name)()
    return row


def make_missing(item):
    door.move(ImportItem, item.pk, Step("lose", "Gone."))


ITEM_WAYS = {
    "update": lambda i: ImportItem.objects.update(state="missing"),
    "update of some": lambda i: ImportItem.objects.filter(pk=i.pk).update(state="missing"),
    "update among others": lambda i: ImportItem.objects.update(owner="", state="missing"),
    "update to the same": lambda i: ImportItem.objects.update(state="pending"),
    "base manager": lambda i: ImportItem._base_manager.update(state="missing"),
    "default manager": lambda i: ImportItem._default_manager.update(state="missing"),
    "related manager": lambda i: i.session.items.update(state="missing"),
    "bulk_update": lambda i: ImportItem.objects.bulk_update([stepped(i, "lose")], ["state"]),
    "bulk_update among others": lambda i: ImportItem.objects.bulk_update([i], ["owner", "state"]),
    "create": lambda i: ImportItem.objects.create(**given(i.session, state="missing")),
    "related create": lambda i: i.session.items.create(
        path_digest="d", path=b"d", shown_path="d", state="missing"
    ),
    "related add": lambda i: i.session.items.add(new_item(i.session, state="missing"), bulk=False),
    "bulk_create": lambda i: ImportItem.objects.bulk_create([new_item(i.session, state="missing")]),
    "bulk_create, hidden among others": lambda i: ImportItem.objects.bulk_create(
        [new_item(i.session, b"x"), new_item(i.session, b"y", state="missing")]
    ),
    "bulk_create over what is there": lambda i: ImportItem.objects.bulk_create(
        [new_item(i.session, bytes(i.path))],
        update_conflicts=True,
        update_fields=["state"],
        unique_fields=["session", "path_digest"],
    ),
    "get_or_create": lambda i: ImportItem.objects.get_or_create(
        path_digest="d", defaults=given(i.session, state="missing")
    ),
    "update_or_create of a new one": lambda i: ImportItem.objects.update_or_create(
        path_digest="d", defaults=given(i.session, state="missing")
    ),
    "update_or_create of an old one": lambda i: ImportItem.objects.update_or_create(
        pk=i.pk, defaults={"state": "missing"}
    ),
    "assignment": lambda i: setattr(i, "state", "missing"),
    "assignment of the same": lambda i: setattr(i, "state", "pending"),
    "save after a transition": lambda i: stepped(i, "lose").save(),
    "save of the state": lambda i: stepped(i, "lose").save(update_fields=["state"]),
    "save of the stale state": lambda i: i.save(update_fields=["state"]),
    "bulk_create with everything by position": lambda i: ImportItem.objects.bulk_create(
        [new_item(i.session)], None, False, True, ["state"], ["session", "path_digest"]
    ),
    "forced update": lambda i: stepped(i, "lose").save(force_update=True),
    "save of an object made by hand": lambda i: new_item(
        i.session, state="missing", pk=i.pk
    ).save(),
    "save of a part that was loaded later": lambda i: stepped(
        ImportItem.objects.defer("state").get(pk=i.pk), "lose"
    ).save(),
}


@pytest.mark.parametrize("way", ITEM_WAYS)
def test_an_item_state_cannot_be_written_past_the_door(way):
    item = make_item()
    known = list(ImportItem.objects.order_by("pk").values())

    with pytest.raises((StateWriteRefused, AttributeError)), transaction.atomic():
        ITEM_WAYS[way](item)

    assert list(ImportItem.objects.order_by("pk").values()) == known
    assert not AuditLog.objects.exists()


SESSION_WAYS = {
    "update": lambda s: ImportSession.objects.update(state="canceled"),
    "base manager": lambda s: ImportSession._base_manager.update(state="canceled"),
    "bulk_update": lambda s: ImportSession.objects.bulk_update([stepped(s, "cancel")], ["state"]),
    "create": lambda s: ImportSession.objects.create(source_path=b"/b", state="canceled"),
    "bulk_create": lambda s: ImportSession.objects.bulk_create(
        [ImportSession(source_path=b"/b", state="canceled")]
    ),
    "update_or_create": lambda s: ImportSession.objects.update_or_create(
        pk=s.pk, defaults={"state": "canceled"}
    ),
    "assignment": lambda s: setattr(s, "state", "canceled"),
    "save after a transition": lambda s: stepped(s, "cancel").save(),
}


@pytest.mark.parametrize("way", SESSION_WAYS)
def test_a_session_state_cannot_be_written_past_the_door(way):
    session = make_session()
    known = list(ImportSession.objects.order_by("pk").values())

    with pytest.raises((StateWriteRefused, AttributeError)), transaction.atomic():
        SESSION_WAYS[way](session)

    assert list(ImportSession.objects.order_by("pk").values()) == known


STEPS = [
    (model, source, target, name)
    for model in (ImportItem, ImportSession)
    for (source, target), name in sorted(declared(model).items())
]


@pytest.mark.parametrize(("model", "source", "target", "name"), STEPS)
def test_an_object_that_is_older_than_its_row_sets_back_nothing_that_a_transition_wrote(
    model, source, target, name
):
    row = make_item(state=source) if model is ImportItem else make_session(source)
    old = model.objects.get(pk=row.pk)
    door.move(model, row.pk, step(row, name))
    known = model.objects.filter(pk=row.pk).values().get()

    old.save()

    assert model.objects.filter(pk=row.pk).values().get() == known
    assert known["state"] == target


def test_an_object_that_is_older_than_its_row_does_not_set_the_state_back():
    item = make_item()
    old = ImportItem.objects.get(pk=item.pk)
    make_missing(item)

    old.shown_path = "other"
    old.save()

    assert ImportItem.objects.get(shown_path="other").state == "missing"


def test_a_new_object_with_the_key_of_a_row_does_not_set_the_state_back():
    item = make_item(state="missing")

    with pytest.raises(IntegrityError), transaction.atomic():
        new_item(item.session, pk=item.pk).save()

    assert ImportItem.objects.get(pk=item.pk).state == "missing"


def test_a_deleted_row_does_not_come_back_by_a_save():
    item = make_item()
    ImportItem.objects.filter(pk=item.pk).delete()

    with pytest.raises(DatabaseError), transaction.atomic():
        item.save()

    assert not ImportItem.objects.exists()


@pytest.mark.parametrize("how", [{"force_update": True}, {"update_fields": ["state"]}])
def test_a_new_object_cannot_be_made_to_update_a_row(how):
    item = make_item(state="missing")

    with pytest.raises(ValueError, match="force"):
        new_item(item.session, pk=item.pk).save(**how)

    assert ImportItem.objects.get(pk=item.pk).state == "missing"


@pytest.mark.parametrize("save", [lambda i: i.save(), lambda i: type(i).objects.bulk_create([i])])
def test_a_row_that_has_begun_cannot_be_copied(save):
    item = make_item(state="missing")
    item.pk, item._state.adding = None, True
    item.path_digest = "other"

    with pytest.raises(StateWriteRefused):
        save(item)

    assert ImportItem.objects.count() == 1


def test_other_columns_can_be_saved_in_any_state():
    item = ImportItem.objects.get(pk=make_item(state="missing").pk)

    item.shown_path = "other"
    item.save()
    item.save(update_fields=["shown_path"])

    assert ImportItem.objects.get(shown_path="other").state == "missing"


def test_rows_made_in_bulk_can_be_saved_and_are_protected():
    (item,) = ImportItem.objects.bulk_create([new_item(make_session())])

    item.save()
    item.lose()
    with pytest.raises(StateWriteRefused):
        item.save()

    assert ImportItem.objects.get().state == "pending"


def test_reloading_brings_the_state_back_and_keeps_its_protection():
    item = make_item()
    item.lose()
    item.refresh_from_db()

    assert item.state == "pending"
    with pytest.raises(AttributeError):
        item.state = "failed"
    item.save()


@pytest.mark.parametrize("fields", [["shown_path"], ["state"], ["state", "owner"]])
def test_reloading_a_part_keeps_the_protection(fields):
    item = make_item()

    item.refresh_from_db(fields=fields)

    with pytest.raises(AttributeError):
        item.state = "failed"
    assert item.state == "pending"


def test_reloading_sees_what_the_door_did_and_the_object_can_be_saved_again():
    item = make_item()
    make_missing(item)

    item.refresh_from_db()
    item.save()

    assert ImportItem.objects.get(pk=item.pk).state == item.state == "missing"


def test_a_failed_reload_leaves_the_protection_on_for_this_object_and_for_all_others():
    item, other = make_item(), make_item(name=b"b.jpg")
    ImportItem.objects.filter(pk=item.pk).delete()

    with pytest.raises(ImportItem.DoesNotExist):
        item.refresh_from_db()

    assert item.state == "pending"
    for row in (item, other, ImportItem.objects.get(pk=other.pk)):
        with pytest.raises(AttributeError):
            row.state = "failed"
    assert ImportItem._meta.get_field("state").protected
