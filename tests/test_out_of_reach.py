"""A library or a source that is not at its path any more: what was brought through its descriptor stands
where nobody looks for it, and is not imported."""

import os

import pytest

from local_import.audit_logger import SYSTEM
from local_import.consistency import look
from local_import.consistency.rule import Depth
from local_import.errors import ImportProblem
from local_import.fsops import effects
from local_import.models import ImportItem, Media
from local_import.services import sessions
from local_import.services.sweeper import sweep
from tests.photos import jpeg
from tests.test_place import once, run, sound

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
    assert look.take(depth=Depth.CONTENTS).suspects == []
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
    assert look.take(depth=Depth.CONTENTS).suspects == []
    for item in ImportItem.objects.all():
        assert (library / item.destination).is_file()
    moved_back = ImportItem.objects.filter(attempts__gt=1)
    assert 0 < moved_back.count() <= PHOTOS
    assert not any("2011" in item.destination for item in moved_back)
    assert list((library / "2019-old").rglob("*.jpg")) == []
