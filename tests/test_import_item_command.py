"""import_item does what a recommended action names; import_recheck tells whether a cause is gone."""

import json

import pytest
from django.core.management import call_command
from django.db import OperationalError

from local_import.audit_logger import Actor
from local_import.errors import Operation
from local_import.models import AuditLog, ImportItem, ImportSession
from local_import.services import sessions

from .photos import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def damaged(inbox, library):
    """The item of a photo that breaks off, after a whole import."""
    (inbox / "photo.jpg").write_bytes(jpeg(1)[:-200])
    session = sessions.create(str(inbox).encode())
    sessions.run_to_end(session.pk, workers=1, actor=Actor("test"))
    return ImportItem.objects.get()


def run(capsys, *arguments):
    """Exit status, standard output and standard error of a command."""
    try:
        call_command(*arguments)
        status = 0
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr()
    return status, said.out, said.err


def item():
    return ImportItem.objects.get()


def test_a_damaged_file_is_imported_at_once_as_it_is(damaged, capsys):
    status, out, _ = run(capsys, "import_item", str(damaged.pk), "import_anyway", "--json")

    assert (status, json.loads(out)["state"]) == (0, "imported")
    assert ImportSession.objects.get().state == "imported"


def test_a_dismissed_file_is_set_aside_with_the_reason(damaged, capsys):
    status, _, _ = run(
        capsys, "import_item", str(damaged.pk), "dismiss", "--reason", "Only a test."
    )

    assert (status, item().code) == (0, "dismissed")
    row = AuditLog.objects.get(action="item.dismiss")
    assert (row.message, row.actor.partition(":")[0]) == ("Only a test.", "command")


def test_a_file_that_fails_again_ends_with_status_1_and_what_to_do(damaged, capsys):
    status, out, _ = run(capsys, "import_item", str(damaged.pk), "retry")

    assert (status, item().code) == (1, "damaged")
    assert f"`python manage.py import_item {damaged.pk} import_anyway`" in out


def test_a_dismissed_file_can_be_asked_for_again(damaged, inbox, capsys):
    run(capsys, "import_item", str(damaged.pk), "dismiss")
    (inbox / "photo.jpg").write_bytes(jpeg(1))

    status, _, _ = run(capsys, "import_item", str(damaged.pk), "retry")

    assert (status, item().state) == (0, "imported")


@pytest.mark.parametrize("operation", [Operation.RETRY, Operation.IMPORT_ANYWAY, Operation.DISMISS])
def test_what_is_imported_is_left_alone_and_the_refusal_recorded(damaged, operation, capsys):
    run(capsys, "import_item", str(damaged.pk), "import_anyway")
    before = ImportItem.objects.values().get()

    status, out, err = run(capsys, "import_item", str(damaged.pk), operation, "--json")

    assert status == 2
    assert json.loads(out)["error"]["code"] == "not_allowed"
    assert ImportItem.objects.values().get() == before
    assert AuditLog.objects.filter(action__startswith="refused.").count() == 1
    assert "not possible" in err


def test_an_item_that_is_not_there_is_refused(damaged, capsys):
    status, _, err = run(capsys, "import_item", "4711", "retry")

    assert status == 2
    assert "There is no item 4711." in err


def test_a_recheck_tells_before_and_after_the_cure(damaged, inbox, capsys):
    before = run(capsys, "import_recheck", str(damaged.session_id), "--json")
    (inbox / "photo.jpg").write_bytes(jpeg(1))
    after = run(capsys, "import_recheck", str(damaged.session_id), "--json")

    assert [(status, json.loads(out)[0]["gone"]) for status, out, _ in (before, after)] == [
        (1, False),
        (0, True),
    ]
    assert item().state == "failed"


def test_a_recheck_of_no_session_is_refused(capsys):
    status, _, err = run(capsys, "import_recheck", "4711")

    assert status == 2
    assert "There is no session 4711." in err


def test_a_database_that_is_away_is_told_in_words(capsys, monkeypatch):
    def away(*_):
        raise OperationalError("connection to server failed")

    monkeypatch.setattr(sessions, "get", away)

    status, out, err = run(capsys, "import_status", "7", "--json")

    assert status == 1
    assert json.loads(out)["error"]["code"] == "database_unreachable"
    assert "The connection to the database was lost." in err


def test_retrying_by_code_takes_the_missing_that_have_it(inbox, library, capsys):
    for name in ("a.jpg", "trip/b.jpg"):
        (inbox / name).parent.mkdir(exist_ok=True)
        (inbox / name).write_bytes(jpeg(1)[:-200])
    session = sessions.create(str(inbox).encode())
    actor = Actor("test")
    sessions.run_to_end(session.pk, workers=1, actor=actor)
    (inbox / "trip" / "b.jpg").unlink()
    (inbox / "trip").rmdir()
    sessions.resume(session.pk, actor=actor)
    sessions.run_to_end(session.pk, workers=1, actor=actor)

    status, out, _ = run(
        capsys, "import_retry", str(session.pk), "--code", "source_directory_missing", "--json"
    )

    assert (status, json.loads(out)["retried"]) == (0, 1)
