"""A worker died, the disk failed or a file changed: every item comes to a true state."""

import os
import socket
from hashlib import sha256

import pytest

from local_import import fsops
from local_import.audit_logger import SYSTEM, Actor
from local_import.errors import ErrorCode
from local_import.fsops import effects
from local_import.models import AuditLog, ImportItem, Media
from local_import.pipeline.analyse import analyse
from local_import.pipeline.check import check
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.place import place
from local_import.pipeline.recover import recover
from local_import.pipeline.settle import settle
from local_import.pipeline.worker import run_batch
from local_import.services import sessions
from local_import.states import ItemState
from tests import builders
from tests.photos import jpeg

pytestmark = pytest.mark.django_db

CONTENT = jpeg(1)
DEAD = Actor(f"{socket.gethostname()}:999999999:1")
STATES_IN_WORK = ("analyzing", "checking", "moving", "updating")


@pytest.fixture(params=["copy", "move"])
def mode(request):
    return request.param


@pytest.fixture
def desk(inbox, library, mode):
    """A started session of one photo, and the trees it works on."""
    (inbox / "a.jpg").write_bytes(CONTENT)
    session = sessions.create(os.fsencode(inbox), mode=mode)
    session = builders.door.move(
        type(session), session.pk, builders.Step("start", "Started by the test.")
    )
    builders.make_item(session, b"a.jpg", size_bytes=len(CONTENT))
    with open_desk(session) as opened:
        yield opened


def item():
    return ImportItem.objects.get()


def until_intended(desk):
    """A worker that will die has claimed, read and fixed the place."""
    batch = claim(desk.session_id, DEAD)
    for work in batch:
        analyse(desk, work)
    check(desk, batch, DEAD)
    assert item().state == "moving"
    return batch


def finish(desk):
    """Another worker takes what there is."""
    while batch := claim(desk.session_id, SYSTEM):
        run_batch(desk, batch, SYSTEM, lambda: False)
    return item()


def assert_imported(found, library):
    assert found.state == "imported"
    assert (library / found.destination).read_bytes() == CONTENT
    assert Media.objects.get().path == found.destination
    assert Media.objects.get().sha256 == sha256(CONTENT).hexdigest()


def test_a_file_that_was_only_claimed_is_offered_again(desk, library):
    claim(desk.session_id, DEAD)

    assert recover(desk, SYSTEM) == 1

    assert item().state == "pending"
    assert_imported(finish(desk), library)


def test_source_there_and_destination_empty_is_done_again(desk, library):
    until_intended(desk)

    recover(desk, SYSTEM)

    assert item().state == "pending"
    assert_imported(finish(desk), library)


def test_placed_bytes_are_adopted(desk, library, inbox, mode):
    place(desk, until_intended(desk))

    recover(desk, SYSTEM)

    assert_imported(item(), library)
    assert (inbox / "a.jpg").exists() == (mode == "copy")


def test_both_there_is_adopted_and_the_source_is_due_in_mode_move(desk, library, inbox, mode):
    batch = until_intended(desk)
    place(desk, batch)
    (inbox / "a.jpg").write_bytes(CONTENT)

    recover(desk, SYSTEM)

    assert_imported(item(), library)
    assert item().source_disposition == ("release_due" if mode == "move" else "kept")
    assert (inbox / "a.jpg").read_bytes() == CONTENT


def test_neither_there_is_missing_and_says_what_to_do(desk, inbox):
    until_intended(desk)
    (inbox / "a.jpg").unlink()

    recover(desk, SYSTEM)

    assert item().state == "missing"
    assert item().failure["recommended_actions"]
    assert not Media.objects.exists()


def test_wrong_bytes_at_the_destination_are_not_believed(desk, library):
    (work,) = until_intended(desk)
    taken = library / work.destination
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"somebody else's")

    recover(desk, SYSTEM)
    done = finish(desk)

    assert taken.read_bytes() == b"somebody else's"
    assert done.destination != work.destination
    assert_imported(done, library)


def test_a_whole_temporary_copy_is_published_even_without_its_source(desk, library, inbox):
    (work,) = until_intended(desk)
    part = fsops.create(desk.library, b".incoming/%d-%d.part" % (work.item_id, work.fence), CONTENT)
    assert part is None
    (inbox / "a.jpg").unlink()

    recover(desk, SYSTEM)

    assert_imported(item(), library)


def test_a_torn_temporary_copy_is_thrown_away(desk, library):
    (work,) = until_intended(desk)
    name = b".incoming/%d-%d.part" % (work.item_id, work.fence)
    fsops.create(desk.library, name, CONTENT[:100])

    recover(desk, SYSTEM)

    assert not desk.library.exists(name)
    assert_imported(finish(desk), library)


def test_the_work_of_a_living_worker_is_left_alone(desk):
    claim(desk.session_id, Actor("another-host:1:1"))

    assert recover(desk, SYSTEM) == 0
    assert item().state == "analyzing"


def test_a_worker_that_lost_its_lease_writes_nothing_and_takes_nothing(desk, library):
    batch = until_intended(desk)
    recover(desk, SYSTEM)  # as if it had died
    finish(desk)
    before = list(AuditLog.objects.values_list("pk", flat=True))

    place(desk, batch)
    with pytest.raises(builders.door.StaleRows):
        settle(desk, batch, DEAD)

    assert list(AuditLog.objects.values_list("pk", flat=True)) == before
    assert_imported(item(), library)


@pytest.mark.parametrize("change", ["vanishes", "grows", "is replaced"])
def test_a_file_that_changes_before_it_is_placed_keeps_its_new_bytes(
    desk, library, inbox, change, settings
):
    settings.PHOTONEST_RETRIES = 0
    batch = until_intended(desk)
    path = inbox / "a.jpg"
    new = {"vanishes": None, "grows": CONTENT + b"more", "is replaced": jpeg(2)}[change]
    path.unlink()
    if new is not None:
        path.write_bytes(new)

    place(desk, batch)
    settle(desk, batch, DEAD)

    assert item().state == ("missing" if new is None else "failed")
    if new is not None:
        assert item().error_code == ErrorCode.SOURCE_CHANGED
        assert path.read_bytes() == new
    assert not Media.objects.exists()
    assert not any(found.is_file() for found in library.glob("[0-9]*/**/*"))


def test_a_failed_sync_takes_every_file_back(desk, library, inbox, monkeypatch):
    batch = until_intended(desk)

    def fail(effect, path):
        if effect == "sync":
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(effects, "fault_point", fail)
    problem = place(desk, batch)
    settle(desk, batch, DEAD)

    assert problem is not None
    assert problem.code == ErrorCode.IO_ERROR
    assert item().state == "pending"
    assert (inbox / "a.jpg").read_bytes() == CONTENT
    assert not Media.objects.exists()
    assert not any(found.is_file() for found in library.glob("[0-9]*/**/*"))


def test_a_full_disk_stops_the_session_and_loses_nothing(desk, inbox, monkeypatch):
    batch = until_intended(desk)

    def fail(effect, path):
        if effect in ("write", "rename"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(effects, "fault_point", fail)
    problem = place(desk, batch)
    settle(desk, batch, DEAD)

    assert problem is not None
    assert problem.code == ErrorCode.DISK_FULL
    assert item().state == "pending"
    assert (inbox / "a.jpg").read_bytes() == CONTENT


def test_bytes_that_came_meanwhile_by_another_session_are_a_duplicate(desk, library):
    batch = claim(desk.session_id, DEAD)
    for work in batch:
        analyse(desk, work)
    (work,) = batch
    held = library / "2019/01/02/there.jpg"
    held.parent.mkdir(parents=True)
    held.write_bytes(CONTENT)
    builders.make_media(sha256=work.sha256, path="2019/01/02/there.jpg")

    check(desk, batch, DEAD)

    assert (item().state, item().skip_reason) == ("skipped", "duplicate")


def test_nothing_stays_in_work(desk):
    finish(desk)

    assert not ImportItem.objects.filter(state__in=STATES_IN_WORK).exists()
    assert item().state in set(ItemState) - set(STATES_IN_WORK)


def test_temporary_files_of_claims_that_ended_are_thrown_away(desk, library):
    (library / ".incoming").mkdir(exist_ok=True)
    left = library / ".incoming" / f"{item().pk + 1}-1.part"
    left.write_bytes(b"could not be removed when its disk failed")
    foreign = library / ".incoming" / "somebody's"
    foreign.write_bytes(b"not ours")
    until_intended(desk)
    own = library / ".incoming" / f"{item().pk}-1.part"
    own.write_bytes(b"of a worker that lives")
    ImportItem.objects.update(owner="another host:1:1")

    recover(desk, SYSTEM)

    assert sorted(library.glob(".incoming/*")) == sorted([foreign, own])
