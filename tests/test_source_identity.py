"""A source is the directory that it was when its session was made, and no link leads to it."""

import json
import os
from contextlib import contextmanager

import pytest

from local_import import fsops, operations, processes
from local_import.audit_logger import Actor
from local_import.errors import ImportProblem
from local_import.fsops import Tree
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline.desk import open_desk
from local_import.pipeline.source import MARK
from local_import.services import browsing, sessions, sweeper, undo
from local_import.services.dry_run import dry_run
from local_import.services.recheck import of_session_error
from local_import.thumbnails.pictures import Unreachable, picture_of_item
from tests.faults.flow import run_here
from tests.mounts import bound
from tests.photos import jpeg
from tests.sources import (
    PHOTOS,
    PRIVATE,
    code_of_error,
    counted,
    create,
    files_below,
    filled,
    imported,
    walked,
)

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("olga")


@pytest.fixture
def private(tmp_path):
    """A directory of somebody else, with files of the same names as the source."""
    return filled(tmp_path / "private", PRIVATE)


def aside(source):
    """Where a source stands that was taken away."""
    return source.with_name(source.name + "-aside")


def swap_for_link(source, target):
    source.rename(aside(source))
    source.symlink_to(target)


def swap_for_directory(source, target):
    source.rename(aside(source))
    target.rename(source)
    target.mkdir()  # it stays as empty


def swap_parent_for_link(source, target):
    """The directory above becomes a link to one that has a directory of the same name."""
    elsewhere = source.parent.with_name("elsewhere")
    elsewhere.mkdir()
    target.rename(elsewhere / source.name)
    source.parent.rename(aside(source.parent))
    source.parent.symlink_to(elsewhere)


# A source that is another one by now.

SWAPS = [swap_for_link, swap_for_directory, swap_parent_for_link]


@pytest.fixture
def source(tmp_path):
    """A source two directories deep, so that the one above it can be swapped, too."""
    (tmp_path / "above").mkdir()
    return filled(tmp_path / "above" / "source")


def put_back(source):
    """The source stands again where it stood, whatever took its place."""
    for path in (source, source.parent):
        if aside(path).exists():
            if path.is_symlink():
                path.unlink()
            else:
                path.rename(path.with_name("other"))
            aside(path).rename(path)


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("prepare", [lambda session: session, walked], ids=["created", "walked"])
def test_a_swapped_source_is_an_error_and_not_read_until_it_is_back(
    source, library, private, swap, prepare
):
    session = prepare(create(source))
    swap(source, private)
    everything = files_below(source.parent.parent)

    session = run_here(session.pk)
    sweeper.sweep()

    assert (session.state, session.error_code) == ("error", "source_replaced")
    assert session.failure["seen"]
    assert of_session_error(session).gone is False
    assert not Media.objects.exists()
    left = files_below(source.parent.parent)
    assert everything.items() <= left.items()

    put_back(source)
    assert of_session_error(session).gone is True
    assert sweeper.sweep()["sessions_reopened"] == 1
    assert run_here(session.pk).state == "imported"
    assert Media.objects.count() == len(PHOTOS)


@pytest.mark.parametrize("swap", SWAPS)
def test_a_resume_does_not_follow_a_swapped_source(source, library, private, swap):
    (source / "bad.jpg").write_bytes(jpeg(9)[:-100])
    session = run_here(create(source).pk)
    assert counted(session) == {"imported": len(PHOTOS), "failed": 1}
    swap(source, private)
    before = files_below(source.parent.parent)

    sessions.resume(session.pk, actor=OPERATOR)
    session = run_here(session.pk)

    assert (session.state, session.error_code) == ("error", "source_replaced")
    assert before.items() <= files_below(source.parent.parent).items()


@pytest.mark.parametrize("swap", SWAPS)
def test_sources_that_are_due_are_not_removed_from_another_directory(
    source, library, private, swap
):
    session = imported(source, "copy")
    ImportSession.objects.filter(pk=session.pk).update(mode="move")
    session.items.update(source_disposition="release_due")
    for name, content in PHOTOS.items():  # of the same bytes, so that no later look would tell
        (private / name).write_bytes(content)
    swap(source, private)
    before = files_below(source.parent.parent)

    sweeper.sweep()

    assert files_below(source.parent.parent) == before
    assert set(session.items.values_list("source_disposition", flat=True)) == {"release_due"}
    put_back(source)
    assert sweeper.sweep()["sources_released"] == len(PHOTOS)


def test_a_disk_that_is_away_is_not_taken_for_sources_that_are_gone(source, library):
    session = imported(source, "copy")
    ImportSession.objects.filter(pk=session.pk).update(mode="move")
    session.items.update(source_disposition="release_due")
    source.rename(aside(source))
    source.mkdir()  # the mount point without its disk

    sweeper.sweep()

    assert set(session.items.values_list("source_disposition", flat=True)) == {"release_due"}
    with pytest.raises(ImportProblem) as caught, open_desk(session):
        pass
    assert caught.value.code == "source_missing"


@pytest.mark.parametrize("swap", SWAPS)
def test_an_undo_restores_nothing_into_another_directory(source, library, private, swap):
    session = imported(source)
    swap(source, private)
    before = files_below(source.parent.parent)

    code = code_of_error(undo.undo, session.pk, actor=OPERATOR, reason="Undone by the test.")
    sweeper.sweep()

    assert code == "source_replaced"
    assert files_below(source.parent.parent) == before
    put_back(source)
    assert undo.undo(session.pk, actor=OPERATOR, reason="Again.").undone == len(PHOTOS)


def test_a_source_that_became_a_link_to_the_library_takes_nothing_from_it(source, library):
    imported(filled(source))
    filled(source, PRIVATE)
    before = files_below(library)
    session = create(source)
    lose_media()
    swap_for_link(source, library)

    session = run_here(session.pk)
    sweeper.sweep()

    assert (session.state, session.error_code) == ("error", "source_replaced")
    assert files_below(library) == before


def lose_media():
    ImportItem.objects.all()._raw_delete("default")
    Media.objects.all()._raw_delete("default")


def test_an_operator_confirms_another_source_and_the_session_goes_on(source, library, private):
    session = create(source)
    before = session.source_origins
    swap_for_directory(source, private)
    session = run_here(session.pk)
    assert sweeper.sweep().get("sessions_reopened") is None  # which confirms nothing by itself
    confirm = next(a for a in session.failure["actions"] if a["code"] == "confirm_source")

    operations.carry_out(
        "confirm_source", f"session:{session.pk}", actor=OPERATOR, reason="A new card."
    )

    assert f"confirm_source session:{session.pk}" in confirm["command"]
    row = AuditLog.objects.get(action="session.record_source")
    session.refresh_from_db()
    assert (row.actor, row.message) == ("olga", "A new card.")
    assert row.details == {"from": before, "to": session.source_origins}
    assert sweeper.sweep()["sessions_reopened"] == 1
    assert run_here(session.pk).state == "imported"
    assert set(files_below(source)) == set()


def test_a_link_or_a_library_at_the_source_cannot_be_confirmed(source, library, private):
    session = create(source)
    swap_for_link(source, private)
    session = run_here(session.pk)

    codes = [action["code"] for action in session.failure["actions"]]
    told = code_of_error(
        operations.carry_out,
        "confirm_source",
        f"session:{session.pk}",
        actor=OPERATOR,
        reason="No.",
    )

    assert codes == ["put_source_back", "look_at_way"]
    assert told == "source_replaced"
    source.unlink()
    private.rename(source)
    (source / os.fsdecode(MARK)).touch()
    assert (
        code_of_error(
            operations.carry_out,
            "confirm_source",
            f"session:{session.pk}",
            actor=OPERATOR,
            reason="No.",
        )
        == "library_overlaps_source"
    )


def test_a_session_of_an_older_version_records_its_source_when_it_is_first_opened(
    source, library, private
):
    session = create(source)
    known = session.source_origins
    ImportSession.objects.filter(pk=session.pk).update(source_origins={})

    session = run_here(session.pk)

    assert (session.state, session.source_origins) == ("imported", known)
    row = AuditLog.objects.get(action="session.record_source")
    assert (row.actor, row.details) == ("system", {"from": {}, "to": known})
    swap_for_directory(source, private)
    assert code_of_error(undo.undo, session.pk, actor=OPERATOR, reason="x") == "source_replaced"


def test_another_host_may_see_the_same_directory_as_another_but_none_sees_two(
    source, library, private, monkeypatch
):
    """One host has it as its disk, the other over the network."""
    session = create(source)
    here = session.source_origins
    there = dict.fromkeys(here, "77 0 nfs4 nas:/photos")
    ImportSession.objects.filter(pk=session.pk).update(source_origins=there)
    session.refresh_from_db()
    with pytest.raises(ImportProblem) as caught, open_desk(session):
        pass
    assert caught.value.code == "source_replaced"

    monkeypatch.setattr(processes.socket, "gethostname", lambda: "another")
    with open_desk(session):
        pass

    session.refresh_from_db()
    assert session.source_origins == there | {"another": next(iter(here.values()))}
    assert AuditLog.objects.get(action="session.record_source").actor == "system"
    swap_for_directory(source, private)
    with pytest.raises(ImportProblem) as caught, open_desk(session):
        pass
    assert caught.value.code == "source_replaced"


def test_a_source_that_is_a_link_is_resolved_once(desk):
    """The command may be given a link; the session has the directory, and no later link counts."""
    link = desk.inbox.parent / "link"
    filled(desk.inbox)
    link.symlink_to(desk.inbox)

    report = json.loads(desk.manage("import_photos", str(link), "--json").stdout)

    assert (report["state"], report["source"]) == ("imported", os.fspath(desk.inbox))


def test_no_path_that_was_resolved_is_resolved_again(source, library, private):
    """A page has resolved it before it asks: what became a link since then is refused."""
    swap_for_link(source, private)
    path = os.fsencode(source)
    ask = {"mode": "copy", "label": "", "actor": OPERATOR}

    assert code_of_error(sessions.create, path) == "source_replaced"
    assert code_of_error(sessions.create_once, path, **ask) == "source_replaced"
    assert code_of_error(dry_run, path, "copy") == "source_replaced"
    with pytest.raises(browsing.NotAllowed):
        browsing.look(browsing.Place(0, path))


def test_a_second_look_at_a_finished_source_follows_no_link(source, library, private):
    session = imported(source, "copy")
    swap_for_link(source, private)

    told = code_of_error(
        operations.carry_out, "rescan", f"session:{session.pk}", actor=OPERATOR, reason="Again."
    )

    assert told == "source_replaced"
    assert ImportSession.objects.count() == 1


def test_no_picture_is_shown_of_another_directory(source, library, private):
    (source / "bad.jpg").write_bytes(jpeg(9)[:-100])
    session = run_here(create(source, "copy").pk)
    item = session.items.select_related("session", "media").get(state="failed")
    (private / "bad.jpg").write_bytes(jpeg(200))
    for swap in (swap_for_link, swap_for_directory):
        swap(source, private)
        with pytest.raises(Unreachable) as caught, picture_of_item(item).opened():
            pass
        assert caught.value.code == "source_replaced"
        put_back(source)
        filled(private, {"bad.jpg": jpeg(200)})


# What tells one directory from another.


@contextmanager
def tree(path, **options):
    with Tree(os.fsencode(path), **options) as opened:
        yield opened


def origin(path):
    with tree(path) as opened:
        return fsops.Origin.of(opened)


def test_a_directory_keeps_its_origin_when_it_is_mounted_elsewhere(source, tmp_path, binds):
    with bound(source, tmp_path / "card") as card:
        assert origin(card) == origin(source)


def test_directories_of_other_inodes_or_other_disks_are_others(source, private, tmp_path_factory):
    found = {str(origin(path)) for path in (source, private, "/dev/shm", "/")}

    assert len(found) == 4


def test_no_link_leads_to_a_tree(source, private, tmp_path):
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "up").symlink_to(source.parent)

    for path in (tmp_path / "link", tmp_path / "up" / "source"):
        with pytest.raises(fsops.LinkOnTheWay), tree(path):
            pass
        with tree(path, follow_links=True) as opened:
            assert opened.exists(b"0.jpg")


def test_a_library_is_found_above_and_below_a_tree(source):
    (source / "sub" / "deep").mkdir(parents=True)
    (source / "sub" / "mark").touch()

    with tree(source, mark=b"mark") as opened:
        with pytest.raises(fsops.LibraryFound) as caught:
            list(fsops.walk(opened))
        assert caught.value.path == os.fsencode(source / "sub")
        assert opened.exists(b"sub/deep/anything")  # nobody looks, so that nobody knows it gone
    for path in (source / "sub", source / "sub" / "deep"):
        with pytest.raises(fsops.LibraryFound), tree(path, mark=b"mark"):
            pass
