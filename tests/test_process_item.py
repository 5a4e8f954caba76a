"""`process_item` writes under the fence that it was given, and into no session that was stopped."""

import os
from datetime import timedelta

import pytest
from django.core.management import call_command
from django_fsm import TransitionNotAllowed

from local_import import door, names
from local_import.audit_logger import SYSTEM, Actor
from local_import.door import StaleRows, Step
from local_import.errors import ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline.claim import claim
from local_import.pipeline.lease import LEASE, UNATTENDED_LEASE, Lease
from local_import.services import control, sessions, sweeper
from local_import.state_management_service import StateManagementService
from local_import.states import ItemState
from local_import.transactions import database_now
from tests import builders
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)

THEM = Actor("another-host:1:1")


@pytest.fixture
def photo(inbox):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    return inbox / "a.jpg"


@pytest.fixture
def session(photo, inbox, library):
    session = sessions.create(os.fsencode(inbox))
    return door.move(ImportSession, session.pk, Step("start", "Started by the test."))


@pytest.fixture
def item(session):
    digest = names.digest(b"a.jpg")
    return ImportItem.objects.create(
        session=session, path=b"a.jpg", path_digest=digest, shown_path="a.jpg"
    )


def row():
    return ImportItem.objects.get()


def taken_by_somebody_else(session):
    """The lease ended, the sweep took the item back, and another worker has it now."""
    ImportItem.objects.update(lease_until=database_now() - timedelta(seconds=1))
    sweeper.sweep()
    assert claim(session.pk, THEM)
    return ImportItem.objects.values().get()


STOPS = {
    "paused": lambda pk: control.pause(pk, actor=SYSTEM, reason=""),
    "canceled": lambda pk: control.cancel(pk, actor=SYSTEM, reason=""),
}


@pytest.mark.parametrize("stop", STOPS)
def test_a_session_that_was_stopped_is_refused_and_unchanged(session, item, photo, stop):
    STOPS[stop](session.pk)
    before = ImportItem.objects.values().get()

    with (
        pytest.raises(ImportProblem, match="not_allowed"),
        StateManagementService().process_item(item.pk, photo, session.pk),
    ):
        raise AssertionError("it was taken")

    assert ImportItem.objects.values().get() == before
    assert ImportSession.objects.get().state == {"paused": "expanding"}.get(stop, "canceled")


@pytest.mark.parametrize("stop", STOPS)
def test_an_item_of_a_session_that_is_stopped_meanwhile_is_given_back(
    session, item, photo, library, stop
):
    with (
        pytest.raises(ImportProblem, match="not_allowed"),
        StateManagementService().process_item(item.pk, photo, session.pk),
    ):
        STOPS[stop](session.pk)

    assert (row().state, row().owner, Media.objects.count()) == ("pending", "", 0)


def test_who_lost_the_item_writes_nothing_of_it(session, item, photo, library):
    theirs = None
    service = StateManagementService()

    with pytest.raises(StaleRows), service.process_item(item.pk, photo, session.pk) as context:
        theirs = taken_by_somebody_else(session)
        for target in (ItemState.CHECKING, ItemState.SKIPPED, ItemState.IMPORTED):
            with pytest.raises(StaleRows):
                service.transition_item(context, target, "Late.")
            with pytest.raises(StaleRows):
                service.transition_item(item.pk, target, "Late.")

    assert ImportItem.objects.values().get() == theirs
    assert Media.objects.count() == 0


def test_the_error_of_who_lost_the_item_does_not_fail_it(session, item, photo):
    theirs = None

    with (
        pytest.raises(PermissionError),
        StateManagementService().process_item(item.pk, photo, session.pk),
    ):
        theirs = taken_by_somebody_else(session)
        raise PermissionError(13, "Permission denied", str(photo))

    assert ImportItem.objects.values().get() == theirs
    assert AuditLog.objects.get_errors(item_id=item.pk).get().error_type == "PermissionError"


def test_an_item_that_was_taken_back_is_not_taken_again_by_its_end(session, item, photo):
    with (
        pytest.raises(StaleRows),
        StateManagementService().process_item(item.pk, photo, session.pk),
    ):
        ImportItem.objects.update(lease_until=database_now() - timedelta(seconds=1))
        sweeper.sweep()

    assert (row().state, row().owner) == ("pending", "")


def given_back(item):
    door.move(ImportItem, item.pk, Step("release", "Somebody says so."))


def imported_by_somebody_else(item):
    taken_by_somebody_else(item.session)
    for name in ("compare", "plan", "publish", "finish"):
        door.move(ImportItem, item.pk, builders.step(row(), name))


@pytest.mark.parametrize("act", [given_back, imported_by_somebody_else])
def test_who_comes_to_the_end_of_an_item_that_is_not_held_any_more_is_told(
    session, item, photo, act
):
    with (
        pytest.raises(StaleRows),
        StateManagementService().process_item(item.pk, photo, session.pk),
    ):
        act(item)
        after = ImportItem.objects.values().get()

    assert ImportItem.objects.values().get() == after


def test_of_two_that_process_one_item_the_second_is_refused(session, item, photo, library):
    service = StateManagementService()

    with service.process_item(item.pk, photo, session.pk):
        with (
            pytest.raises(TransitionNotAllowed),
            service.process_item(item.pk, photo, session.pk),
        ):
            raise AssertionError("it was taken twice")
        assert row().state == "analyzing"

    assert row().state == "imported"
    assert AuditLog.objects.filter(action="refused.claim").count() == 1


def test_no_check_and_no_heartbeat_cuts_the_lease_of_an_importer(session, item, photo, library):
    with StateManagementService().process_item(item.pk, photo, session.pk):
        call_command("repair_consistency", "--apply", "--rule", "lease_far_off")
        with Lease(Actor(row().owner.partition("@")[2]), session.pk) as lease:
            lease.renew()  # a worker in the process of the importer

        assert row().lease_until > database_now() + UNATTENDED_LEASE - timedelta(minutes=1)

    assert row().state == "imported"


@pytest.mark.parametrize(
    ("owner", "length"), [("beating:1:1", LEASE), ("importer@silent:1:1", UNATTENDED_LEASE)]
)
def test_a_lease_beyond_what_its_owner_gets_is_cut_to_that(session, item, owner, length):
    far = {"owner": owner, "lease_until": database_now() + 3 * length + timedelta(minutes=3)}
    with Lease(Actor("beating:1:1"), session.pk):
        door.move(ImportItem, item.pk, Step("claim", "Taken.", far))

        call_command("repair_consistency", "--apply", "--rule", "lease_far_off")

        assert timedelta() <= length - (row().lease_until - database_now()) < length / 2
