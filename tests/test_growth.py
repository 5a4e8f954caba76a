"""A file that was imported as its beginning, and comes as its whole: a person decides, nothing is doubled."""

import os

import pytest

from local_import import operations
from local_import.audit_logger import SYSTEM, Actor
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.pipeline.analyse import analyse
from local_import.pipeline.check import check
from local_import.pipeline.claim import claim
from local_import.pipeline.desk import open_desk
from local_import.pipeline.place import place
from local_import.pipeline.recover import recover
from local_import.services import sessions, undo
from tests.consistency import rules_found
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
BEGINNING, WHOLE = jpeg(1), jpeg(1) + jpeg(2)


@pytest.fixture(params=["copy", "move"])
def mode(request):
    return request.param


@pytest.fixture
def item(inbox, library, mode):
    """The item of the whole, after an import of its beginning and one of itself."""
    run(inbox, mode, BEGINNING)
    run(inbox, mode, WHOLE)
    return newest()


def run(inbox, mode, content):
    (inbox / "a.jpg").write_bytes(content)
    session = sessions.create(os.fsencode(inbox), mode=mode)
    return sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)


def newest():
    return ImportItem.objects.select_related("session", "media").order_by("pk").last()


def decide(item, operation):
    operations.carry_out(operation, f"item:{item.pk}", actor=SYSTEM, reason="It is the whole.")
    sessions.run_to_end(item.session_id, workers=1, actor=SYSTEM)
    return newest()


def held(library):
    return sorted(path.read_bytes() for path in library.rglob("*.jpg"))


def test_the_whole_is_recognised_and_imported_only_when_asked_for(item, inbox, library):
    assert (item.state, item.error_code) == ("failed", "source_grew")
    first = Media.objects.get()
    assert (
        f"The first {len(BEGINNING):,} of its {len(WHOLE):,} bytes are {first.path}"
        in (item.failure["diagnosis"])
    )
    assert [action["operation"] for action in item.failure["actions"]] == [
        "replace", "keep_both", "dismiss",
    ]  # fmt: skip
    assert (inbox / "a.jpg").read_bytes() == WHOLE
    assert held(library) == [BEGINNING]


def test_replaced_the_beginning_is_in_the_quarantine_and_its_row_gone(item, library):
    whole = decide(item, "replace")

    assert whole.state == "imported"
    assert Media.objects.get().sha256 == whole.sha256
    assert (library / Media.objects.get().path).read_bytes() == WHOLE
    (aside,) = (library / "quarantine").rglob("*.jpg")
    assert aside.read_bytes() == BEGINNING
    first = ImportItem.objects.order_by("pk").first()
    assert (first.state, first.skip_reason, first.media) == ("skipped", "replaced", None)
    audit = AuditLog.objects.get(action="file.replace")
    assert audit.details["beginning"]["bytes"] == len(BEGINNING)
    assert set(ImportSession.objects.values_list("state", flat=True)) == {"imported"}
    assert rules_found() == []


def test_the_replacement_can_be_undone(item, inbox, library, mode):
    decide(item, "replace")

    undo.undo(item.session_id, actor=SYSTEM, reason="It was the wrong one.")

    assert (inbox / "a.jpg").read_bytes() == WHOLE
    assert not Media.objects.exists()
    assert BEGINNING in held(library)


def test_both_can_be_kept(item, library):
    whole = decide(item, "keep_both")

    assert whole.state == "imported"
    assert held(library) == sorted([BEGINNING, WHOLE])
    assert set(ImportItem.objects.values_list("state", flat=True)) == {"imported"}


def test_other_bytes_under_the_same_name_are_another_photo(inbox, library, mode):
    run(inbox, mode, BEGINNING)

    ended = run(inbox, mode, jpeg(2) + jpeg(3))

    assert ended.state == "imported"
    assert Media.objects.count() == 2


def test_a_worker_that_dies_before_it_settles_leaves_the_decision_to_its_successor(item, library):
    """The intent holds it: what recovers the file lets its beginning give way too."""
    operations.carry_out("replace", f"item:{item.pk}", actor=SYSTEM, reason="It is the whole.")
    dead = Actor("elsewhere:1:1")
    with open_desk(sessions.get(item.session_id)) as desk:
        (work,) = claim(item.session_id, dead)
        analyse(desk, work)
        check(desk, [work], dead)
        place(desk, [work])
        ImportItem.objects.filter(pk=item.pk).update(lease_until=item.state_changed_at)
        recover(desk, SYSTEM)

    assert newest().state == "imported"
    assert Media.objects.get().sha256 == newest().sha256
    assert [path.read_bytes() for path in (library / "quarantine").rglob("*.jpg")] == [BEGINNING]
