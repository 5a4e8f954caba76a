"""Placing: what stands in the way is told of as what it is, and no source is called missing."""

import errno
import os
import shutil

import pytest

from local_import.audit_logger import SYSTEM
from local_import.fsops import effects
from local_import.models import ImportItem, Media
from local_import.pipeline import analyse
from local_import.services import sessions
from local_import.services.sweeper import sweep
from tests.builders import make_item
from tests.photos import jpeg

PHOTOS = 3
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full_inbox(inbox):
    for number in range(PHOTOS):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    return inbox


def run(session):
    return sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)


def once(monkeypatch, name, harm):
    """Do harm just before the first effect of that name on a photo or its copy."""
    done = []

    def fault(effect, path):
        if effect == name and b"probe" not in path and not done:
            done.append(path)
            harm(path)

    monkeypatch.setattr(effects, "fault_point", fault)


def failing(monkeypatch, library, effect):
    """Let the disk of the library fail in every such effect, as the system would tell of it."""

    def fault(name, path):
        if name in (effect, "probe") and b"probe" not in path:
            fail(errno.EIO, os.path.join(os.fsencode(library), path))

    monkeypatch.setattr(effects, "fault_point", fault)


def fail(number, path):
    raise OSError(number, os.strerror(number), path)


def sound(monkeypatch):
    monkeypatch.setattr(effects, "fault_point", effects._nothing)


@pytest.mark.parametrize(
    ("mode", "effect"), [("copy", "create"), ("copy", "rename"), ("move", "rename")]
)
def test_a_library_that_was_removed_meanwhile_stops_the_session_and_no_file_is_missing(
    full_inbox, library, monkeypatch, mode, effect
):
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    once(monkeypatch, effect, lambda _: shutil.rmtree(library))

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "library_not_writable")
    assert stopped.failure["summary"] == f"The library {library} cannot be written to."
    assert {item.state for item in session.items.all()} == {"pending"}
    assert len(os.listdir(full_inbox)) == PHOTOS
    sound(monkeypatch)
    resumed = run(sessions.resume(session.pk, actor=SYSTEM))
    assert (resumed.state, resumed.counts["imported"]) == ("imported", PHOTOS)


def test_a_source_that_was_away_for_a_moment_is_taken_again_and_stops_nobody(
    full_inbox, library, monkeypatch
):
    monkeypatch.setattr(analyse, "FIRST_RETRY_S", 0.0)
    session = sessions.create(os.fsencode(full_inbox), mode="move")
    once(monkeypatch, "rename", lambda path: fail(errno.ENOENT, path))

    done = run(session)

    assert (done.state, done.counts["imported"]) == ("imported", PHOTOS)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_library_that_is_removed_before_the_sync_holds_nothing_imported(
    full_inbox, library, monkeypatch, mode
):
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    once(monkeypatch, "sync", lambda _: shutil.rmtree(library))

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "library_not_writable")
    assert not Media.objects.exists()


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_what_is_no_file_at_the_place_of_a_photo_makes_it_take_a_longer_name(
    full_inbox, library, monkeypatch, mode
):
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    once(monkeypatch, "rename", lambda path: os.makedirs(os.fsencode(library) + b"/" + path))

    done = run(session)

    assert (done.state, done.counts["imported"]) == ("imported", PHOTOS)
    (odd,) = [path for path in library.rglob("*.jpg") if path.is_dir()]
    (longer,) = odd.parent.glob(f"{odd.stem}?*.jpg")
    assert longer.is_file()


@pytest.fixture
def dying(monkeypatch, tmp_path):
    """Lets the disk of the library fail in its first sync, and be read-only from then on."""
    failed = tmp_path / "failed"

    def give(at_first):
        def fault(effect, path):
            if effect == "sync" and not failed.exists():
                failed.touch()
                at_first(path)
            if effect != "sync" and failed.exists():
                fail(errno.EROFS, path)

        monkeypatch.setattr(effects, "fault_point", fault)

    return give


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_what_a_dying_disk_neither_confirms_nor_gives_back_is_not_imported(
    full_inbox, library, monkeypatch, dying, mode
):
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    dying(lambda path: fail(errno.EIO, path))

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "io_error")
    assert {item.state for item in session.items.all()} == {"pending"}
    assert not Media.objects.exists()
    sound(monkeypatch)
    resumed = run(sessions.resume(session.pk, actor=SYSTEM))
    assert (resumed.state, resumed.counts["imported"]) == ("imported", PHOTOS)
    assert len([path for path in library.rglob("*_local_*.jpg") if path.is_file()]) == PHOTOS


def test_a_disk_that_takes_nothing_more_confirms_nothing_of_a_dead_worker(
    full_inbox, library, monkeypatch, dying
):
    session = sessions.create(os.fsencode(full_inbox), mode="move")
    dying(lambda path: os._exit(9))

    stopped = run(session)

    assert stopped.error_code == "library_not_writable"
    assert {item.state for item in session.items.all()} == {"moving"}
    assert not Media.objects.exists()
    sound(monkeypatch)
    ImportItem.objects.update(lease_until=stopped.created_at)  # some time later
    sweep()
    assert {item.state for item in session.items.all()} == {"imported"}


def test_what_was_placed_before_the_disk_was_full_is_imported_only_when_it_is_durable(
    full_inbox, library, monkeypatch
):
    session = sessions.create(os.fsencode(full_inbox), mode="copy")
    placed = []

    def fault(effect, path):
        if effect == "rename" and placed:
            fail(errno.ENOSPC, path)
        if effect == "rename":
            placed.append(path)
        if effect == "sync":
            fail(errno.EIO, path)

    monkeypatch.setattr(effects, "fault_point", fault)

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "disk_full")
    assert {item.state for item in session.items.all()} == {"pending"}


def test_a_bad_directory_of_a_library_that_lives_keeps_no_other_photo_back(
    full_inbox, library, monkeypatch, settings
):
    settings.PHOTONEST_RETRIES = 0
    session = sessions.create(os.fsencode(full_inbox), mode="copy")
    once(
        monkeypatch,
        "rename",
        lambda path: fail(errno.EIO, os.path.join(os.fsencode(library), path)),
    )

    done = run(session)

    (bad,) = session.items.filter(state="failed")
    assert (done.state, done.counts["imported"], bad.error_code) == ("failed", 2, "io_error")
    assert f"{library} lies on" in bad.failure["seen"][0]


@pytest.mark.parametrize("effect", ["create", "write", "rename"])
def test_an_error_of_the_librarys_disk_stops_the_session_and_is_not_told_of_the_photos(
    full_inbox, library, monkeypatch, effect
):
    session = sessions.create(os.fsencode(full_inbox), mode="copy")
    failing(monkeypatch, library, effect)

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "io_error")
    assert stopped.failure["summary"] == f"{library} could not be read or written."
    assert {item.state for item in session.items.all()} == {"pending"}


def test_a_disk_that_fails_the_recovery_is_an_error_of_its_session_and_the_sweep_goes_on(
    full_inbox, library, monkeypatch
):
    """Else nothing would tell why the session stands still, and the others would stand still too."""
    session = sessions.create(os.fsencode(full_inbox), mode="copy")
    (library / ".incoming" / "999-1.part").write_bytes(b"left by a claim that is over")
    make_item(session, b"0.jpg", "moving")
    ImportItem.objects.update(lease_until=session.created_at)
    failing(monkeypatch, library, "discard")

    stopped = run(session)

    assert stopped.failure["summary"] == (
        f"{library}/.incoming/999-1.part could not be read or written."
    )
    assert "items_recovered" not in sweep()
    sound(monkeypatch)
    assert sweep()["items_recovered"] == 1
