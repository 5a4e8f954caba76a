"""Two sessions of which one's source holds the other's, in mode move: what one takes is gone for the
other, which says where it is."""

import os

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from local_import import door
from local_import.consistency import look, repair
from local_import.door import Step
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline import place, worker
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.run import walk
from local_import.pipeline.worker import run_batch
from local_import.services import sessions, undo
from local_import.services.sweeper import sweep
from tests.consistency import OPERATOR, found, time_passed
from tests.faults.flow import run_here
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = 12


@pytest.fixture
def card(inbox):
    (inbox / "day").mkdir()
    (inbox / "at the top.jpg").write_bytes(jpeg(1))
    for number in range(NUMBER):
        (inbox / "day" / f"{number}.jpg").write_bytes(jpeg(number + 2))
    return inbox


def walked(source, mode="move"):
    """A session that has found its files, and has not imported any."""
    session = sessions.create(os.fsencode(source), mode=mode)
    door.move(ImportSession, session.pk, Step("start", "Started."))
    with open_desk(session) as desk:
        walk(desk, OPERATOR, lambda: False)
    return session


def ends(session):
    rows = ImportItem.objects.filter(session=session).values_list("state", "skip_reason")
    return {row: list(rows).count(row) for row in set(rows)}


DUPLICATE = ("skipped", "duplicate")


@pytest.mark.parametrize("first", ["parent", "directory", "the same"])
def test_what_the_other_session_took_is_a_duplicate_that_says_where_it_is(card, library, first):
    sources = {"parent": card, "directory": card / "day", "the same": card / "day"}
    late = walked(card if first == "directory" else card / "day")
    early = sessions.create(os.fsencode(sources[first]), mode="move")
    assert run_here(early.pk).state == "imported"

    done = run_here(late.pk)

    assert done.state == "imported"
    assert ends(late)[DUPLICATE] == NUMBER
    item = ImportItem.objects.filter(session=late, skip_reason="duplicate").first()
    assert (item.sha256, item.media.path) == (item.media.sha256, item.media.path)
    told = AuditLog.objects.of_item(item.pk).transitions().newest_first()[0].message
    path = os.fsdecode(item.absolute_path)
    assert told == (
        f"{path} was moved into the library as {item.media.path} by session {early.pk}."
    )
    assert found() == []


def test_thousands_of_them_cost_no_query_each(card, library):
    for number in range(300):
        (card / "day" / f"more {number}.jpg").write_bytes(jpeg(number + 20, size=(64 + number, 48)))
    late = walked(card / "day")
    run_here(sessions.create(os.fsencode(card), mode="move").pk)

    with open_desk(late) as desk, CaptureQueriesContext(connection) as seen:
        batch = claim(late.pk, OPERATOR)
        run_batch(desk, batch, OPERATOR, lambda: False)

    assert len(batch) == NUMBER + 300
    assert ends(late) == {DUPLICATE: NUMBER + 300}
    assert len(seen) < 40


def test_what_is_just_on_its_way_is_waited_for(card, library, monkeypatch):
    """The other session has renamed the file, and has not recorded it yet."""
    late = walked(card / "day")
    early = sessions.create(os.fsencode(card), mode="move")
    make_durable = place._make_durable
    seen = []

    def meanwhile(desk, placed):
        if desk.session_id == early.pk and not seen:
            with open_desk(late) as other:
                run_batch(other, claim(late.pk, OPERATOR), OPERATOR, lambda: False)
            seen.append(ends(late))
        return make_durable(desk, placed)

    monkeypatch.setattr(place, "_make_durable", meanwhile)
    run_here(early.pk)

    assert seen == [{("pending", ""): NUMBER}]
    assert run_here(late.pk).state == "imported"
    assert ends(late) == {DUPLICATE: NUMBER}


def test_what_goes_while_it_is_to_be_moved_is_looked_for_again(card, library, monkeypatch):
    """Somebody edits the photos when they are hashed, and the other session takes them so."""
    late = walked(card / "day")
    check, others = worker.check, []

    def edited_and_taken(desk, batch, owner):
        check(desk, batch, owner)
        if not others:
            for number in range(NUMBER):
                (card / "day" / f"{number}.jpg").write_bytes(jpeg(number + 100))
            others.append(sessions.create(os.fsencode(card), mode="move"))
            run_here(others[0].pk)

    monkeypatch.setattr(worker, "check", edited_and_taken)
    assert run_here(late.pk).state == "imported"
    assert ends(late) == {DUPLICATE: NUMBER}
    assert Media.objects.count() == NUMBER + 1


def test_a_dead_worker_s_file_that_another_session_took_is_looked_for_again(card, library):
    late = walked(card / "day")
    claimed(late)
    run_here(sessions.create(os.fsencode(card), mode="move").pk)

    sweep()
    done = run_here(late.pk)

    assert (done.state, ends(late)) == ("imported", {DUPLICATE: NUMBER})


def claimed(session):
    """Its worker died when it had written down that the first file moves."""
    item = ImportItem.objects.filter(session=session).order_by("pk")[0]
    gone = session.created_at
    for step in (
        Step("claim", "", {"owner": "elsewhere:1:1", "lease_until": gone}),
        Step("compare", "", {"sha256": "f" * 64}),
        Step("plan", "", {"destination": "2001/01/01/never.jpg"}),
    ):
        door.move(ImportItem, item.pk, step)


def test_what_nobody_is_known_to_have_taken_is_missing_in_words_that_claim_no_more(card, library):
    late = walked(card / "day")
    (card / "day" / "0.jpg").unlink()

    assert run_here(late.pk).state == "failed"

    item = ImportItem.objects.get(session=late, state="missing")
    assert item.code == "source_missing"
    assert "Nothing of it was imported" not in item.failure["diagnosis"]
    assert "no session is known" in item.failure["diagnosis"]


@pytest.mark.parametrize("fate", ["copied", "before", "wrong"])
def test_only_what_was_moved_since_and_is_right_counts(card, library, fate):
    """A copy does not take the source; what was moved before was another file of that name; and the
    library's file must hold the bytes."""
    mode = "copy" if fate == "copied" else "move"
    if fate == "before":
        run_here(sessions.create(os.fsencode(card), mode=mode).pk)
        (card / "day" / "0.jpg").write_bytes(jpeg(77))
    late = walked(card / "day")
    if fate != "before":
        run_here(sessions.create(os.fsencode(card), mode=mode).pk)
    if fate == "wrong":
        media = ImportItem.objects.get(shown_path="day/0.jpg").media
        (library / media.path).write_bytes(b"rotten")
    (card / "day" / "0.jpg").unlink(missing_ok=True)
    (card / "day" / "keep.txt").write_bytes(b"The directory is not empty.")

    run_here(late.pk)

    assert ImportItem.objects.get(session=late, shown_path="0.jpg").state == "missing"


def test_an_empty_directory_whose_files_were_not_taken_is_still_taken_for_unmounted(card, library):
    late = walked(card / "day")
    run_here(sessions.create(os.fsencode(card), mode="move").pk)
    taken = ImportItem.objects.filter(session=late).first()
    ImportItem.objects.filter(shown_path=f"day/{taken.shown_path}").update(path_digest="0" * 40)

    done = run_here(late.pk)

    assert (done.state, done.error_code) == ("error", "source_unmounted")


def test_those_that_became_missing_before_are_healed_by_the_check(card, library, monkeypatch):
    late = walked(card / "day")
    with monkeypatch.context() as patch:
        patch.setattr(worker, "resolve", lambda desk, batch: None)
        patch.setattr("local_import.pipeline.place.give_back_taken", lambda desk, batch: None)
        run_here(sessions.create(os.fsencode(card), mode="move").pk)
        (card / "day" / "other.txt").write_bytes(b"x")
        assert run_here(late.pk).state == "failed"
    assert ends(late) == {("missing", ""): NUMBER}

    with time_passed(monkeypatch):
        assert {rule for rule, _ in found()} == {"missing_is_taken"}
        outcome = repair.repair(actor=OPERATOR)

    assert outcome.number == NUMBER
    assert ends(late) == {DUPLICATE: NUMBER}
    assert ImportSession.objects.get(pk=late.pk).state == "imported"
    assert look.take().suspects == []


def test_an_undo_of_what_took_them_gives_all_of_them_back(card, library):
    before = {p.relative_to(card): p.read_bytes() for p in card.rglob("*.jpg")}
    late = walked(card / "day")
    early = run_here(sessions.create(os.fsencode(card), mode="move").pk)
    run_here(late.pk)

    report = undo.undo(early.pk, actor=OPERATOR, reason="Wrong card.")

    assert (report.undone, report.refused) == (NUMBER + 1, [])
    assert {p.relative_to(card): p.read_bytes() for p in card.rglob("*.jpg")} == before
    assert report.handed_over == {late.pk: NUMBER}
    assert run_here(late.pk).state == "imported"
    assert ends(late) == {("imported", ""): NUMBER}
