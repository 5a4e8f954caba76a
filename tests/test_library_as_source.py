"""The library under another name is no source, and none of its files is taken for one."""

import hashlib
import os
import subprocess

import pytest
from django.core.management import call_command

from local_import import door, fsops
from local_import.audit_logger import SYSTEM, Actor
from local_import.door import Step
from local_import.errors import ImportProblem
from local_import.fsops import Fingerprint, Tree
from local_import.models import ImportItem, ImportSession, Media
from local_import.pipeline.desk import open_for_recovery
from local_import.pipeline.recover import recover
from local_import.pipeline.release import release_left
from local_import.pipeline.source import MARK
from local_import.services import sessions, sweeper, undo
from local_import.services.dry_run import dry_run
from local_import.services.recheck import of_item
from local_import.state_management_service import StateManagementService
from local_import.states import ItemState
from local_import.troubleshooting import TroubleshootingEngine
from tests.builders import make_item
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
    lose_database,
    walked,
)

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Actor("olga")


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_the_library_mounted_elsewhere_is_no_source(inbox, library, tmp_path, binds, mode):
    imported(filled(inbox))
    before = files_below(library)
    lose_database()

    with bound(library, tmp_path / "card") as card:
        code = code_of_error(create, card, mode)
        dry = code_of_error(dry_run, os.fsencode(card), mode)

    assert (code, dry) == ("library_overlaps_source",) * 2
    assert files_below(library) == before
    assert not ImportSession.objects.exists()


def test_a_directory_of_a_library_mounted_with_it_is_no_source(inbox, library, tmp_path, binds):
    imported(filled(inbox))
    before = files_below(library)
    lose_database()

    with bound(library, tmp_path / "card") as card:
        assert code_of_error(create, card / "2019") == "library_overlaps_source"

    assert files_below(library) == before


def test_a_library_somewhere_below_the_source_ends_the_walk_before_it(inbox, library, binds):
    imported(filled(inbox))
    before = files_below(library)
    lose_database()
    filled(inbox, {"0.jpg": jpeg(50)})
    (inbox / "sub").mkdir()

    with bound(library, inbox / "sub" / "library") as mounted:
        session = run_here(create(inbox).pk)
        assert code_of_error(dry_run, os.fsencode(inbox), "move") == "library_overlaps_source"

    assert (session.state, session.error_code) == ("error", "library_overlaps_source")
    assert os.fsdecode(mounted) in session.failure["summary"]
    assert session.failure["seen"] == [f"{mounted / os.fsdecode(MARK)} is the mark of a library."]
    assert "unmount" in session.failure["recommended_actions"][0]
    # Whoever removed the mark of the library in use would make another one of it.
    assert not any("rm " in action for action in session.failure["recommended_actions"])
    assert not session.items.filter(shown_path__contains="library").exists()
    assert before.items() <= files_below(library).items()


def test_only_a_library_that_is_not_the_one_in_use_is_told_to_lose_its_mark(inbox, library):
    imported(filled(inbox))
    filled(inbox, {"0.jpg": jpeg(50)})
    (inbox / os.fsdecode(MARK)).write_text("The mark of a library that was given up.")

    with pytest.raises(ImportProblem) as refused:
        create(inbox)
    removal = TroubleshootingEngine().diagnose(refused.value).actions[1]

    assert removal["command"] == f"rm {inbox / os.fsdecode(MARK)}"
    subprocess.run(["bash", "-c", removal["command"]], check=True)
    assert run_here(create(inbox).pk).state == "imported"


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("part", ["2019", "2019/01", "2019/01/02"])
def test_a_part_of_the_library_mounted_elsewhere_keeps_every_file(
    inbox, library, tmp_path, binds, part, mode
):
    imported(filled(inbox))
    before = files_below(library)
    lose_database()

    with bound(library / part, tmp_path / "card") as card:
        told = dry_run(os.fsencode(card), mode).told
        session = run_here(create(card, mode).pk)
        sweeper.sweep()
        checks = [of_item(item).gone for item in session.items.all()]

    assert files_below(library) == before
    assert told == [("failed", "source_in_library", len(PHOTOS))]
    assert (session.state, counted(session)) == ("failed", {"failed": len(PHOTOS)})
    assert set(session.items.values_list("error_code", flat=True)) == {"source_in_library"}
    assert checks == [False] * len(PHOTOS)


@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_hard_link_of_a_library_file_is_neither_imported_nor_removed(
    inbox, library, tmp_path, mode
):
    imported(filled(inbox))
    lose_database()
    links = tmp_path / "links"
    links.mkdir()
    for number, path in enumerate(sorted(library.rglob("*.jpg"))):
        os.link(path, links / f"{number}.jpg")

    session = run_here(create(links, mode).pk)

    assert counted(session) == {"failed": len(PHOTOS)}
    assert set(session.items.values_list("error_code", flat=True)) == {"source_in_library"}
    assert len(list(links.iterdir())) == len(list(library.rglob("*.jpg"))) == len(PHOTOS)


def test_the_library_file_of_a_duplicate_is_never_removed(inbox, library, tmp_path, binds):
    imported(filled(inbox))
    before = files_below(library)

    with bound(library / "2019", tmp_path / "card") as card:
        session = run_here(create(card).pk)

    assert counted(session) == {"skipped": len(PHOTOS)}
    assert files_below(library) == before


def test_what_a_dead_worker_planned_is_not_adopted_from_the_library_itself(
    inbox, library, tmp_path, binds
):
    imported(filled(inbox, {"0.jpg": PHOTOS["0.jpg"]}))
    (known,) = Media.objects.values("sha256", "path")
    before = files_below(library)
    lose_database()

    with bound(library / "2019/01/02", tmp_path / "card") as card:
        session = create(card)
        name = os.fsencode(os.path.basename(known["path"]))
        item = make_item(session, name, "analyzing")
        for step in (
            Step("compare", "Read.", {"sha256": known["sha256"]}),
            Step("plan", "Planned.", {"destination": known["path"]}),
        ):
            door.move(ImportItem, item.pk, step)
        ImportItem.objects.filter(pk=item.pk).update(lease_until=session.created_at)
        with open_for_recovery(session) as desk:
            assert recover(desk, SYSTEM) == 1
            release_left(desk, SYSTEM)

    item.refresh_from_db()
    assert (item.state, item.error_code) == ("failed", "source_in_library")
    assert files_below(library) == before


def failed_link(inbox, library):
    """The item of a source that is a hard link of a file which the database has lost."""
    imported(filled(inbox, {"0.jpg": PHOTOS["0.jpg"]}))
    lose_database()
    (path,) = library.rglob("*.jpg")
    os.link(path, inbox / "link.jpg")
    return run_here(create(inbox).pk).items.get()


def action_of(item, code):
    return next(one for one in item.failure["actions"] if one["code"] == code)


@pytest.mark.parametrize("by_caller", [True, False])
def test_another_importer_does_not_list_a_hard_link_either(inbox, library, by_caller):
    """Nor one that its caller has made in the library."""
    imported(filled(inbox, {"0.jpg": PHOTOS["0.jpg"]}))
    lose_database()
    (path,) = library.rglob("*.jpg")
    os.link(path, inbox / "0.jpg")
    if by_caller:
        path.unlink()
    session = create(inbox)
    item = make_item(session, b"0.jpg")
    service = StateManagementService()

    with (
        pytest.raises(ImportProblem) as caught,
        service.process_item(item.pk, inbox / "0.jpg", session.pk) as context,
    ):
        service.transition_item(context, ItemState.MOVING)
        if by_caller:
            os.link(inbox / "0.jpg", library / context.destination)

    assert caught.value.code == "source_in_library"
    item.refresh_from_db()
    assert (item.state, item.error_code) == ("failed", "source_in_library")
    assert (inbox / "0.jpg").exists()
    assert not Media.objects.exists()


def test_a_hard_link_is_imported_once_the_source_has_a_file_of_its_own(inbox, library):
    item = failed_link(inbox, library)

    subprocess.run(["bash", "-c", action_of(item, "make_own_copy")["command"]], check=True)

    assert of_item(item).gone is True
    session = run_here(sessions.resume(item.session_id, actor=OPERATOR).pk)
    assert (session.state, files_below(inbox)) == ("imported", {})
    assert Media.objects.count() == 1


def test_a_lost_database_lists_the_library_file_again(inbox, library):
    item = failed_link(inbox, library)
    command = action_of(item, "list_library_file")["command"]
    assert command == (
        f"python manage.py import_item {item.pk} dismiss && "
        "python manage.py rebuild_library --apply"
    )

    call_command("import_item", str(item.pk), "dismiss")
    call_command("rebuild_library", "--apply")

    assert Media.objects.count() == 1


@pytest.mark.parametrize("remembered", [True, False])
def test_a_library_file_is_not_removed_under_another_name(tmp_path, binds, remembered):
    """The last look, right before the removal, does not rest on any earlier one."""
    library = filled(tmp_path / "library")
    with (
        bound(library, tmp_path / "card") as card,
        Tree(os.fsencode(card)) as source,
        Tree(os.fsencode(library)) as tree,
    ):
        sha256 = hashlib.sha256(PHOTOS["0.jpg"]).hexdigest()
        known = Fingerprint.of(source.stat(b"0.jpg")) if remembered else None

        with pytest.raises(fsops.OneFile):
            fsops.release(source, b"0.jpg", known, sha256, tree, b"0.jpg")

    assert files_below(library) == PHOTOS


def test_two_mounts_of_one_export_show_one_file_on_two_devices():
    here = Fingerprint(1, 77, 1000, 5, 6)

    assert here.is_one_file_with(here._replace(device=2))
    assert here.is_one_file_with(here._replace(ctime_ns=9))  # changed between the two looks
    assert not here.is_one_file_with(here._replace(inode=78))
    for other in ({"size_bytes": 999}, {"mtime_ns": 4}, {"ctime_ns": 9}):
        assert not here.is_one_file_with(here._replace(device=2, **other))


def test_an_undo_takes_nothing_from_a_session_whose_source_is_the_library_now(
    inbox, library, binds
):
    """Its source would be restored by setting the only copy aside."""
    session = imported(filled(inbox, {"0.jpg": PHOTOS["0.jpg"]}), "copy")
    (inbox / "0.jpg").unlink()
    (media,) = Media.objects.all()
    os.link(library / media.path, inbox / "0.jpg")

    report = undo.undo(session.pk, actor=OPERATOR, reason="Undone by the test.")

    assert [one.failure["code"] for one in report.refused] == ["source_in_library"]
    assert (library / media.path).exists()


def test_a_duplicate_that_is_the_library_file_itself_has_no_copy_of_its_own(
    inbox, library, tmp_path
):
    session = imported(filled(inbox, {"0.jpg": PHOTOS["0.jpg"]}), "copy")
    (media,) = Media.objects.all()
    (tmp_path / "links").mkdir()
    os.link(library / media.path, tmp_path / "links" / "0.jpg")
    assert counted(run_here(create(tmp_path / "links").pk)) == {"skipped": 1}

    report = undo.undo(session.pk, actor=OPERATOR, reason="Undone by the test.")

    assert [one.failure["code"] for one in report.refused] == ["still_needed"]


def test_a_library_that_was_mounted_below_a_walked_source_is_not_entered(inbox, library, binds):
    (inbox / "sub").mkdir()
    filled(inbox / "sub")
    session = walked(create(inbox))
    other = filled(inbox.with_name("other"), PRIVATE)
    (other / os.fsdecode(MARK)).touch()

    with bound(other, inbox / "sub"):
        session = run_here(session.pk)

    assert set(session.items.values_list("error_code", flat=True)) == {"library_overlaps_source"}
    assert files_below(other) == PRIVATE | {os.fsdecode(MARK): b""}
    assert not Media.objects.exists()
