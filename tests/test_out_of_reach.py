"""A library or a source that is not at its path any more: what was brought through its descriptor stands
where nobody looks for it, and is not imported."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

from local_import import fsops
from local_import.audit_logger import SYSTEM, Actor
from local_import.consistency import deep, rebuild
from local_import.consistency.breaker import library_to_look_at
from local_import.errors import ImportProblem
from local_import.fsops import effects
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline import scan
from local_import.pipeline.analyse import analyse
from local_import.pipeline.check import check
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.place import place
from local_import.pipeline.recover import recover
from local_import.services import sessions, undo
from local_import.services.sweeper import sweep
from tests.consistency import forget, imported, repaired, rules_found, time_passed
from tests.faults.flow import run_here
from tests.photos import jpeg
from tests.test_place import once, run, sound
from tests.test_sweep import started

DEAD = Actor(f"{socket.gethostname()}:999999999:1")
PHOTOS = 6
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full_inbox(inbox):
    for number in range(PHOTOS):
        (inbox / f"{number}.jpg").write_bytes(jpeg(number))
    return inbox


def rename_library(library):
    os.rename(library, f"{library}-away")


def put_library_back(library):
    os.rename(f"{library}-away", library)


def replace_library(library):
    rename_library(library)
    library.mkdir()


def take_replacement_away(library):
    library.rmdir()
    put_library_back(library)


RENAMED = (rename_library, put_library_back)
REPLACED = (replace_library, take_replacement_away)


@pytest.mark.parametrize(("harm", "cure"), [RENAMED, REPLACED])
@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("effect", ["rename", "sync"])
@pytest.mark.parametrize("known", [False, True], ids=["first import", "known library"])
def test_nothing_is_imported_into_a_library_that_is_not_at_its_path(
    full_inbox, library, tmp_path, monkeypatch, harm, cure, mode, effect, known
):
    if known:
        (tmp_path / "earlier").mkdir()
        (tmp_path / "earlier" / "x.jpg").write_bytes(jpeg(99))
        run(sessions.create(os.fsencode(tmp_path / "earlier")))
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    once(monkeypatch, effect, lambda _: harm(library))

    stopped = run(session)

    assert (stopped.state, stopped.error_code) == ("error", "library_unmounted")
    assert set(session.items.values_list("state", flat=True)) == {"pending"}
    assert Media.objects.count() == known
    assert len(os.listdir(full_inbox)) == PHOTOS
    sound(monkeypatch)
    before = library.exists() and os.listdir(library)
    assert "sessions_reopened" not in sweep()
    with pytest.raises(ImportProblem, match="library_unmounted"):
        sessions.create(os.fsencode(full_inbox), mode=mode)
    assert (library.exists() and os.listdir(library)) == before

    cure(library)
    done = run(sessions.resume(session.pk, actor=SYSTEM))

    assert (done.state, done.counts["imported"]) == ("imported", PHOTOS)
    with time_passed(monkeypatch):
        assert rules_found() == []
    assert len(list(library.rglob("*_local_*.jpg"))) == PHOTOS + known


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("effect", ["rename", "sync"])
def test_a_directory_of_the_library_that_was_moved_is_made_anew_for_its_files_only(
    full_inbox, library, monkeypatch, mode, effect
):
    (full_inbox / "other-year.jpg").write_bytes(jpeg(77, taken="2011:01:02 03:04:05"))
    session = sessions.create(os.fsencode(full_inbox), mode=mode)
    count = []

    def after_two(name, path):
        if name == "rename" and b"_local_" in path:
            count.append(path)
        if name == effect and len(count) > 2:
            monkeypatch.setattr(effects, "fault_point", effects._nothing)
            os.rename(library / "2019", library / "2019-old")

    monkeypatch.setattr(effects, "fault_point", after_two)

    done = run(session)

    assert (done.state, done.counts["imported"]) == ("imported", PHOTOS + 1)
    with time_passed(monkeypatch):
        assert rules_found() == []
    for item in ImportItem.objects.all():
        assert (library / item.destination).is_file()
    moved_back = ImportItem.objects.filter(attempts__gt=1)
    assert 0 < moved_back.count() <= PHOTOS
    assert not any("2011" in item.destination for item in moved_back)
    assert list((library / "2019-old").rglob("*.jpg")) == []


def undo_all(session):
    return undo.undo(session.pk, actor=SYSTEM, reason="The wrong card.")


@pytest.fixture
def nested(full_inbox):
    (full_inbox / "below").mkdir()
    for number in range(PHOTOS):
        (full_inbox / "below" / f"{number}.jpg").write_bytes(jpeg(100 + number))
    return full_inbox


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("effect", ["rename", "sync"])
def test_an_undo_restores_nothing_to_a_source_that_is_not_at_its_path(
    nested, library, monkeypatch, mode, effect
):
    session = run(sessions.create(os.fsencode(nested), mode=mode))
    once(monkeypatch, effect, lambda _: os.rename(nested, f"{nested}-away"))

    with pytest.raises(ImportProblem, match="source_missing"):
        undo_all(session)

    sound(monkeypatch)
    assert set(session.items.values_list("state", flat=True)) == {"imported"}
    for media in Media.objects.all():
        assert (library / media.path).is_file()
    os.rename(f"{nested}-away", nested)
    assert undo_all(session).undone == 2 * PHOTOS
    with time_passed(monkeypatch):
        assert rules_found() == []
    assert len(list(nested.rglob("*.jpg"))) == 2 * PHOTOS


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("effect", ["rename", "sync"])
def test_an_undo_tells_which_directory_of_the_source_was_moved_and_restores_the_others(
    nested, library, monkeypatch, mode, effect
):
    session = run(sessions.create(os.fsencode(nested), mode=mode))
    count = []

    def late(name, path):
        count.append(name)
        if name == effect and count.count("rename") > PHOTOS + 2:
            monkeypatch.setattr(effects, "fault_point", effects._nothing)
            os.rename(nested / "below", nested / "moved")

    monkeypatch.setattr(effects, "fault_point", late)

    report = undo_all(session)

    assert report.undone == PHOTOS
    assert {one.failure["code"] for one in report.refused} == {"source_directory_missing"}
    for item in session.items.filter(state="source_restored"):
        assert (nested / item.shown_path).is_file()
    for item in session.items.filter(state="imported"):
        assert (library / item.destination).is_file()
    assert undo_all(session).undone == PHOTOS
    with time_passed(monkeypatch):
        assert rules_found() == []


def test_an_undo_takes_in_again_what_a_late_worker_removes_from_the_source(
    full_inbox, library, monkeypatch
):
    session = run(sessions.create(os.fsencode(full_inbox)))
    once(monkeypatch, "sync", lambda _: (full_inbox / "0.jpg").unlink())

    report = undo_all(session)

    (kept,) = session.items.filter(state="imported")
    assert (report.undone, [one.item.pk for one in report.refused]) == (PHOTOS - 1, [kept.pk])
    assert (library / kept.destination).read_bytes() == jpeg(0)


# The same beside the import: whoever looks, recovers, repairs or removes.


def at_reading(monkeypatch, number, harm):
    """Do harm when a file is read the n-th time, just after."""
    read, count = fsops.Source.sha256, []

    def reading(self):
        digest = read(self)
        count.append(self.path)
        if len(count) == number:
            harm()
        return digest

    monkeypatch.setattr(fsops.Source, "sha256", reading)


@pytest.fixture
def card():
    """A source on another filesystem than the library."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        source = Path(path) / "card"
        source.mkdir()
        for number in range(PHOTOS):
            (source / f"{number}.jpg").write_bytes(jpeg(number))
        yield source


@pytest.mark.parametrize("moved", ["card", "library", "year"])
def test_no_source_is_removed_while_it_or_its_copy_is_out_of_reach(
    card, library, monkeypatch, moved
):
    session = sessions.create(os.fsencode(card), mode="move")
    path = {"card": card, "library": library, "year": library / "2019"}[moved]
    removed = []

    def at_second(name, _path):
        if name == "unlink":
            removed.append(name)
        if len(removed) == 2:
            os.rename(path, f"{path}-away")
            removed.append(name)

    monkeypatch.setattr(effects, "fault_point", at_second)

    done = run(session)

    away = Path(f"{card}-away") if moved == "card" else card
    assert done.state == "imported"
    assert len(os.listdir(away)) == PHOTOS - 2
    due = done.items.filter(source_disposition="release_due").count()
    assert due == (PHOTOS if moved == "card" else PHOTOS - 2)  # of a card none is confirmed
    sound(monkeypatch)
    os.rename(f"{path}-away", path)
    sweep()
    assert os.listdir(card) == []
    with time_passed(monkeypatch):
        assert rules_found() == []


def test_what_was_found_in_a_source_that_was_renamed_is_looked_for_once_more(
    full_inbox, library, monkeypatch
):
    session = sessions.create(os.fsencode(full_inbox))
    record = scan._record

    def record_and_rename(*arguments):
        record(*arguments)
        if full_inbox.exists():
            os.rename(full_inbox, f"{full_inbox}-away")

    with monkeypatch.context() as patch:
        patch.setattr(scan, "_record", record_and_rename)
        stopped = run_here(session.pk)  # the walk ends before the first worker opens the source

    assert (stopped.state, stopped.error_code) == ("error", "source_missing")
    assert (stopped.walked_at, Media.objects.count()) == (None, 0)
    os.rename(f"{full_inbox}-away", full_inbox)
    (full_inbox / "late.jpg").write_bytes(jpeg(55))
    done = run(sessions.resume(session.pk, actor=SYSTEM))
    assert (done.state, done.counts["imported"]) == ("imported", PHOTOS + 1)


@pytest.mark.parametrize("moved", ["library", "year"])
def test_nothing_is_adopted_that_is_not_at_its_path(full_inbox, library, monkeypatch, moved):
    session = started(full_inbox, "move")
    with open_desk(session) as desk:
        batch = claim(session.pk, DEAD)
        for work in batch:
            analyse(desk, work)
        check(desk, batch, DEAD)
        place(desk, batch)
        path = {"library": library, "year": library / "2019"}[moved]
        once(monkeypatch, "sync", lambda _: os.rename(path, f"{path}-away"))

        with pytest.raises(ImportProblem, match="library_unmounted"):
            recover(desk, SYSTEM)

    assert not Media.objects.exists()
    sound(monkeypatch)
    os.rename(f"{path}-away", path)
    ImportItem.objects.update(lease_until=session.created_at)
    sweep()
    assert set(session.items.values_list("state", flat=True)) == {"imported"}


@pytest.mark.parametrize("moved", ["library", "year"])
def test_nothing_is_listed_anew_that_is_not_at_its_path(inbox, library, monkeypatch, moved):
    imported(inbox)
    for model in (AuditLog, ImportItem, ImportSession, Media):
        forget(model.objects.all())
    path = {"library": library, "year": library / "2019"}[moved]
    with library_to_look_at() as tree, monkeypatch.context() as patch:
        at_reading(patch, 2, lambda: os.rename(path, f"{path}-away"))
        if moved == "library":
            with pytest.raises(fsops.Displaced):
                rebuild.rebuild(tree, apply=True, actor=SYSTEM)
        else:
            assert rebuild.rebuild(tree, apply=True, actor=SYSTEM).listed == 0

    assert not Media.objects.exists()


def test_a_check_is_not_green_of_a_library_that_was_detached_meanwhile(inbox, library, monkeypatch):
    imported(inbox)
    with monkeypatch.context() as patch:
        at_reading(patch, 2, lambda: os.rename(library, f"{library}-away"))
        assert rules_found() == ["library_away"]


def test_a_reading_of_a_library_that_was_detached_meanwhile_verifies_nothing(
    inbox, library, monkeypatch
):
    imported(inbox)
    with monkeypatch.context() as patch:
        at_reading(patch, 2, lambda: os.rename(library, f"{library}-away"))
        assert deep.read_on().files == 0

    assert not Media.objects.filter(verified_at__isnull=False).exists()


def test_a_repair_into_a_directory_that_is_moved_meanwhile_is_not_called_made(
    inbox, library, monkeypatch
):
    imported(inbox)
    gone = Media.objects.order_by("pk").first()
    (library / gone.path).unlink()

    def before_publishing(name, path):
        if name == "rename" and path == gone.path.encode():
            (library / "2019" / "keep").mkdir()
        if name == "sync" and (library / gone.path).exists():
            os.rename(library / "2019", library / "2018")

    with monkeypatch.context() as patch:
        patch.setattr(effects, "fault_point", before_publishing)
        with time_passed(monkeypatch):
            outcome = repaired()

    assert not outcome.repaired
