"""What grew in the library after it was imported: its bytes are accepted, or it is said why not."""

import os

import pytest

from local_import import operations
from local_import.audit_logger import SYSTEM
from local_import.errors import ErrorCode, ImportProblem
from local_import.models import AuditLog, ImportItem, ImportSession, Media
from local_import.services import accept, sessions
from tests.photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)
WHOLE = jpeg(1) + jpeg(2)


@pytest.fixture
def item(inbox, library):
    (inbox / "a.jpg").write_bytes(jpeg(1))
    (inbox / "b.jpg").write_bytes(jpeg(5))
    session = sessions.create(os.fsencode(inbox), mode="move")
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    return ImportItem.objects.get(shown_path="a.jpg")


def ask(item):
    accept.accept(item.pk, actor=SYSTEM, reason="The upload ended late.")
    return ImportItem.objects.select_related("media").get(pk=item.pk)


def test_the_row_tells_of_the_bytes_that_stand_there(item, library):
    (library / item.destination).write_bytes(WHOLE)

    found = ask(item)

    assert (found.state, found.size_bytes) == ("imported", len(WHOLE))
    assert found.sha256 == found.media.sha256 != item.sha256
    assert found.media.size_bytes == len(WHOLE)
    audit = AuditLog.objects.get(action="file.accept")
    assert audit.details["before"] == {"sha256": item.sha256, "bytes": len(jpeg(1))}
    assert audit.details["after"] == {"sha256": found.sha256, "bytes": len(WHOLE)}


def test_a_duplicate_of_the_old_bytes_is_imported_by_itself(item, inbox, library):
    (inbox / "again.jpg").write_bytes(jpeg(1))
    session = sessions.create(os.fsencode(inbox))
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    assert ImportItem.objects.get(shown_path="again.jpg").state == "skipped"
    (library / item.destination).write_bytes(WHOLE)

    ask(item)

    assert ImportItem.objects.get(shown_path="again.jpg").state == "pending"
    assert ImportSession.objects.get(pk=session.pk).state == "importing"
    sessions.run_to_end(session.pk, workers=1, actor=SYSTEM)
    assert ImportItem.objects.get(shown_path="again.jpg").state == "imported"


def remove(file, library):
    file.unlink()


def damage(file, library):
    file.write_bytes(jpeg(1)[:-100])


def repeat(file, library):
    file.write_bytes(jpeg(5))


def leave(file, library):
    """It holds what was imported."""


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (remove, ErrorCode.SOURCE_MISSING),
        (damage, ErrorCode.DAMAGED),
        (repeat, ErrorCode.NOT_ALLOWED),
        (leave, ErrorCode.NOT_ALLOWED),
    ],
)
def test_what_cannot_be_accepted_is_refused_and_changes_nothing(item, library, spoil, code):
    spoil(library / item.destination, library)
    before = list(Media.objects.order_by("pk").values())

    assert not operations.preview("accept_bytes", f"item:{item.pk}").possible
    with pytest.raises(ImportProblem) as refused:
        ask(item)

    assert refused.value.code == code
    assert list(Media.objects.order_by("pk").values()) == before
    assert ImportItem.objects.get(pk=item.pk).state == "imported"


def test_a_file_that_changed_a_moment_ago_is_not_accepted_yet(item, library, settings):
    settings.PHOTONEST_QUIET_TIME = 600
    (library / item.destination).write_bytes(WHOLE)

    with pytest.raises(ImportProblem) as refused:
        ask(item)

    assert refused.value.code == ErrorCode.SOURCE_BUSY
