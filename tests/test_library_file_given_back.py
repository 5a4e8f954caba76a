"""A file that is gone from the library comes back by an import of the same bytes, wherever they are."""

import os

import pytest

from local_import.fsops import Tree
from local_import.models import ImportItem, ImportSession, Media
from local_import.pipeline import check, duplicates, settle
from local_import.pipeline.analyse import analyse
from local_import.pipeline.desk import open_to_look
from local_import.pipeline.work import Work
from local_import.services import sessions
from local_import.services.sweeper import sweep
from local_import.transactions import in_transaction
from tests.consistency import found, imported, repaired, time_passed
from tests.faults.flow import run_here
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lost(inbox, library, monkeypatch):
    """A session of which one file is gone, from the library and from the source."""
    session = imported(inbox, mode="move")
    media = Media.objects.order_by("pk").first()
    (library / media.path).unlink()
    with time_passed(monkeypatch):
        yield session, media


@pytest.fixture
def elsewhere(tmp_path):
    path = tmp_path / "elsewhere"
    path.mkdir()
    return path


def bring(elsewhere, *names, mode="copy"):
    for name in names or ("again.jpg",):
        (elsewhere / name).write_bytes(jpeg(1))
    return run_here(sessions.create(os.fsencode(elsewhere), mode=mode).pk)


def states(session):
    return [item.state for item in ImportItem.objects.in_session(session.pk).order_by("pk")]


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_it_is_placed_where_its_media_says(lost, library, elsewhere, mode):
    _session, media = lost

    again = bring(elsewhere, mode=mode)

    assert again.state == "imported" and states(again) == ["imported"]
    assert (library / media.path).read_bytes() == jpeg(1)
    assert Media.objects.get(sha256=media.sha256).pk == media.pk
    assert found() == []


def test_two_copies_of_it_in_one_batch_are_one_file_and_a_duplicate(lost, elsewhere):
    assert sorted(states(bring(elsewhere, "one.jpg", "two.jpg"))) == ["imported", "skipped"]
    assert found() == []


def test_whoever_was_missing_for_the_want_of_it_is_imported_again_at_once(lost, elsewhere):
    session, _media = lost
    repaired()
    assert states(session) == ["missing", "imported", "imported"]
    assert ImportSession.objects.get(pk=session.pk).state == "failed"

    bring(elsewhere)

    assert states(session) == ["imported"] * 3
    assert ImportSession.objects.get(pk=session.pk).state == "imported"
    assert found() == []


def test_a_worker_that_dies_after_placing_it_leaves_it_to_the_sweep(lost, elsewhere, monkeypatch):
    session, media = lost
    repaired()
    with monkeypatch.context() as patch:
        patch.setattr(settle, "record_media", dying)
        with pytest.raises(Died):
            bring(elsewhere)
    ImportItem.objects.in_work().update(lease_until=media.imported_at)

    sweep()

    assert states(session) == ["imported"] * 3
    assert {item.state for item in ImportItem.objects.all()} == {"imported"}
    assert found() == []


class Died(BaseException):
    """As by SIGKILL."""


def dying(_placed):
    raise Died


def test_other_bytes_at_its_place_are_not_taken_for_a_gap(lost, library, elsewhere):
    _session, media = lost
    (library / media.path).write_bytes(b"other bytes")

    again = bring(elsewhere)

    assert [item.code for item in ImportItem.objects.in_session(again.pk)] == ["library_file_wrong"]
    assert (library / media.path).read_bytes() == b"other bytes"


def test_what_cannot_be_looked_at_is_not_taken_for_a_gap(lost, elsewhere, monkeypatch):
    _session, media = lost

    def refuse(tree, path):
        if path == media.path.encode():
            raise OSError(5, "Input/output error")
        return exists(tree, path)

    exists = Tree.exists
    monkeypatch.setattr(Tree, "exists", refuse)

    assert "imported" not in states(bring(elsewhere))


def test_what_an_undo_is_taking_out_of_the_library_does_not_come_back(lost, library, elsewhere):
    """Its file has left already, its row goes next: the import waits and then places it anew."""
    session, media = lost
    ImportSession.objects.filter(pk=session.pk).update(undo_requested_at=media.imported_at)
    (elsewhere / "again.jpg").write_bytes(jpeg(1))

    with open_to_look(os.fsencode(elsewhere), "copy", 0) as desk:
        work = Work(0, 0, b"again.jpg")
        analyse(desk, work)
        check.compare(desk, [work])
        in_transaction(lambda: duplicates.confirm([work]))

    assert work.verdict.transition == "release"
