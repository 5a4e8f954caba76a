"""Two of a kind at the same moment: imports of one source, messages in any order, an undo beside an
import of the same bytes."""

import itertools
import os
import threading
from hashlib import sha256

import pytest
from django.db import connection

from local_import.audit_logger import SYSTEM
from local_import.fsops import effects
from local_import.models import ImportItem, ImportSession, Media
from local_import.pipeline import check, restore
from local_import.pipeline.desk import MARK, open_library
from local_import.services import background, sessions, undo
from local_import.services.sweeper import sweep
from tests.builders import make_media
from tests.photos import jpeg
from tests.test_import_photos import assert_library_is_true
from tests.test_sweep import started
from tests.test_undo import OPERATOR, finish_once, run

PHOTOS = 300


@pytest.mark.parametrize("modes", [("copy", "move"), ("move", "copy"), ("copy", "copy")])
def test_two_imports_of_one_source_bring_every_photo_in_once(desk, inbox, modes):
    for seed in range(PHOTOS):
        (inbox / f"{seed}.jpg").write_bytes(jpeg(seed + 1, size=(64 + seed, 64)))

    both = [desk.start("import_photos", str(inbox), "--mode", mode) for mode in modes]
    statuses = [process.wait(timeout=60) for process in both]
    for process in both:
        process.communicate()

    numbers = range(1, 2 if modes == ("copy", "copy") and 2 in statuses else 3)
    items = [item for number in numbers for item in desk.items(number)]
    imported = [item for item in items if item["state"] == "imported"]
    assert len(imported) == len({item["sha256"] for item in imported}) == PHOTOS
    assert_library_is_true(desk, items)
    for number in numbers:
        report = desk.status(number)
        if report["state"] == "error":  # an empty directory may be a mount point without its disk
            assert (report["error"]["code"], os.listdir(inbox)) == ("source_missing", [])
        elif report["state"] == "ready":  # the other one was faster
            assert report["total"] == 0
        else:
            assert report["state"] in ("imported", "failed")
            assert report["counts"]["pending"] == 0
    others = {(item["state"], item["code"]) for item in items} - {("imported", ""), ("pending", "")}
    assert others <= {("skipped", "duplicate"), ("missing", "source_missing")}
    for item in items:
        gone = (inbox / item["path"].rpartition("/")[2]).exists() is False
        assert gone or item["state"] != "missing"


@pytest.mark.django_db
def test_a_first_import_beside_another_uses_the_library_that_the_other_just_made(
    library, monkeypatch
):
    def made_by_another(effect, path):
        if path == MARK and not (library / os.fsdecode(MARK)).exists():
            (library / os.fsdecode(MARK)).write_bytes(b"made at this moment")

    monkeypatch.setattr(effects, "fault_point", made_by_another)
    with open_library():
        pass

    assert (library / os.fsdecode(MARK)).read_bytes() == b"made at this moment"


ORDERS = list(itertools.permutations(["advance 0", "help 0", "advance 1", "help 1"]))


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_messages_come_in_any_order(library, tmp_path, order):
    both = []
    for number in range(2):
        source = tmp_path / str(number)
        source.mkdir()
        (source / "a.jpg").write_bytes(jpeg(number + 1))
        both.append(background.start(sessions.create(bytes(source)).pk, actor=SYSTEM).pk)
    answers = {"advance": background.advance, "help": background.help_out}

    for message in order:
        name, number = message.split()
        answers[name](both[int(number)], should_stop=lambda: False)

    assert set(ImportSession.objects.values_list("state", flat=True)) == {"imported"}
    assert Media.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_duplicate_is_recorded_just_when_its_original_is_taken_out(
    library, inbox, tmp_path, monkeypatch
):
    """Both have a transaction open: the one that comes second looks again, and imports the photo."""
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "twin.jpg").write_bytes(jpeg(1))
    first, other = run(started(inbox, "copy")), started(tmp_path / "other", "copy")
    compared, undoing, go = threading.Event(), threading.Event(), threading.Event()
    compare, offer = check.compare, restore.offer_duplicates_again

    def compare_early(desk, batch):
        compare(desk, batch)
        if not compared.is_set():
            compared.set()
            assert undoing.wait(10)

    def offer_slowly(*arguments, **named):
        undoing.set()
        assert go.wait(10)
        return offer(*arguments, **named)

    monkeypatch.setattr(check, "compare", compare_early)
    monkeypatch.setattr(restore, "offer_duplicates_again", offer_slowly)
    skipping = threading.Thread(target=in_thread, args=(finish_once, other), daemon=True)
    undone = threading.Thread(target=in_thread, args=(undo_all, first), daemon=True)
    skipping.start()
    assert compared.wait(10)
    undone.start()
    assert undoing.wait(10)
    skipping.join(0.5)
    waited = skipping.is_alive()
    go.set()
    for thread in (undone, skipping):
        thread.join(20)
        assert not thread.is_alive()

    assert waited
    ImportItem.objects.update(next_attempt_at=None)
    sweep()
    done = run(ImportSession.objects.get(pk=other.pk))
    assert (done.state, done.counts["imported"]) == ("imported", 1)
    media = Media.objects.get()
    assert (library / media.path).read_bytes() == jpeg(1)
    assert (inbox / "a.jpg").read_bytes() == jpeg(1)


@pytest.mark.django_db
def test_bytes_that_another_imports_just_after_they_were_looked_for_are_a_duplicate(
    library, inbox, tmp_path, monkeypatch
):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "twin.jpg").write_bytes(jpeg(1))
    late, others = started(inbox, "copy"), [started(tmp_path / "other", "copy")]
    compare = check.compare

    def compare_early(desk, batch):
        compare(desk, batch)
        if others:
            run(others.pop())

    monkeypatch.setattr(check, "compare", compare_early)
    finish_once(late)

    item = ImportItem.objects.get(session=late)
    assert (item.state, item.skip_reason, item.media) == (
        "skipped",
        "duplicate",
        Media.objects.get(),
    )


@pytest.mark.django_db
def test_a_place_that_is_listed_for_other_bytes_is_not_taken_although_nothing_stands_there(
    library, inbox
):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    content = sha256(jpeg(1)).hexdigest()
    place = "2019/01/02/20190102_030405_local_{}.jpg"
    with open_library():
        make_media(b"other", path=place.format(content[:8]))

    finish_once(started(inbox, "copy"))

    item = ImportItem.objects.get()
    assert (item.state, item.destination) == ("imported", place.format(content[:16]))
    assert (library / item.destination).read_bytes() == jpeg(1)


def in_thread(work, session):
    try:
        work(session)
    finally:
        connection.close()


def undo_all(session):
    undo.undo(session.pk, actor=OPERATOR, reason="The wrong card.")
