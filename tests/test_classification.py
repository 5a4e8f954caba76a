"""Which code an exception gets: by errno, SQLSTATE, class hierarchy, and what it says of itself."""

import errno

import pytest
from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
)
from django_fsm import ConcurrentTransition, TransitionNotAllowed
from kombu.exceptions import OperationalError as BrokerError
from PIL.Image import DecompressionBombError

from local_import import fsops
from local_import.door import StaleRows
from local_import.errors import ErrorCode, ImportProblem
from local_import.models import ImportItem, Media
from local_import.pipeline.lease import LeaseLost
from local_import.troubleshooting import TroubleshootingEngine, code_of

from .builders import make_item, make_media


def caused(error, **attributes):
    """A database error as Django raises it: made from one of the driver with these attributes."""
    error.__cause__ = type("DriverError", (Exception,), attributes)()
    return error


class OurOwn(PermissionError):
    """Of the hierarchy only the base is known."""


CASES = [
    (OSError(errno.ENOENT, "x"), "source_missing"),
    (OSError(errno.ENOTDIR, "x"), "source_missing"),
    (OSError(errno.EACCES, "x"), "permission_denied"),
    (OSError(errno.EPERM, "x"), "permission_denied"),
    (OSError(errno.EROFS, "x"), "library_not_writable"),
    (OSError(errno.ENOSPC, "x"), "disk_full"),
    (OSError(errno.EDQUOT, "x"), "quota_exceeded"),
    (OSError(errno.EFBIG, "x"), "file_too_large"),
    (OSError(errno.ENAMETOOLONG, "x"), "name_too_long"),
    (OSError(errno.ELOOP, "x"), "not_regular_file"),
    (OSError(errno.EXDEV, "x"), "library_split"),
    (OSError(errno.ESTALE, "x"), "stale_handle"),
    (OSError(errno.ENOTCONN, "x"), "no_answer"),
    (OSError(errno.EMFILE, "x"), "too_many_open_files"),
    (OSError(errno.ENFILE, "x"), "too_many_open_files"),
    (OSError(errno.ENOMEM, "x"), "memory_exhausted"),
    (OSError(errno.EIO, "x"), "io_error"),
    (OSError("no number"), "io_error"),
    (OurOwn("no number"), "permission_denied"),
    (FileExistsError("x"), "destination_taken"),
    (MemoryError(), "memory_exhausted"),
    (ModuleNotFoundError("No module named 'pillow_heif'"), "software_missing"),
    (ImproperlyConfigured("PHOTONEST_LIBRARY is wrong"), "configuration_wrong"),
    (SoftTimeLimitExceeded(), "time_limit"),
    (TimeLimitExceeded(), "time_limit"),
    (BrokerError("away"), "broker_unreachable"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection_lost"),
    (TimeoutError(), "connection_lost"),
    (DecompressionBombError("too many pixels"), "image_too_large"),
    (EOFError(), "damaged"),
    (UnicodeDecodeError("utf-8", b"x", 0, 1, "bad"), "bad_value"),
    (TransitionNotAllowed("no"), "not_allowed"),
    (ConcurrentTransition("no"), "state_changed"),
    (StaleRows("moved on"), "state_changed"),
    (LeaseLost("host:1:1"), "lease_lost"),
    (fsops.SourceChanged(b"/a"), "source_changed"),
    (fsops.StillOpenForWriting(b"/a"), "source_busy"),
    (fsops.LinkOnTheWay(b"/a"), "source_replaced"),
    (fsops.LibraryFound(b"/a"), "library_overlaps_source"),
    (fsops.OneFile(b"/a"), "source_in_library"),
    (fsops.NotRegularFile(b"/a"), "not_regular_file"),
    (fsops.DestinationTaken(b"/a"), "destination_taken"),
    (fsops.CannotRename(b"/a"), "library_split"),
    (ImportProblem(ErrorCode.POISON), "poison"),
    (caused(OperationalError("x"), sqlstate="40P01"), "database_deadlock"),
    (caused(OperationalError("x"), sqlstate="40001"), "database_busy"),
    (caused(OperationalError("x"), sqlstate="55P03"), "database_busy"),
    (caused(OperationalError("x"), sqlstate="57P01"), "database_unreachable"),
    (caused(OperationalError("x"), sqlstate="08006"), "database_unreachable"),
    (caused(OperationalError("x"), sqlstate="53100"), "database_full"),
    (caused(OperationalError("x"), sqlstate="53300"), "database_unreachable"),
    (caused(OperationalError("x"), sqlstate="57014"), "time_limit"),
    (caused(ProgrammingError("x"), sqlstate="42P01"), "database_outdated"),
    (caused(IntegrityError("x"), sqlstate="23505"), "database_constraint"),
    (caused(DataError("x"), sqlstate="22001"), "database_error"),
    (caused(OperationalError("database is locked"), sqlite_errorcode=5), "database_busy"),
    (caused(OperationalError("x"), sqlite_errorcode=13), "database_full"),
    (caused(OperationalError("x"), sqlite_errorcode=14), "database_unreachable"),
    (caused(IntegrityError("x"), sqlite_errorcode=2067), "database_constraint"),
    (caused(OperationalError("no such table: x"), sqlite_errorcode=1), "database_outdated"),
    (OperationalError("connection to server at 10.0.0.1 failed"), "database_unreachable"),
    (InterfaceError("connection already closed"), "database_unreachable"),
    (DatabaseError("x"), "database_error"),
    (KeyError("x"), "unknown"),
    (RecursionError(), "unknown"),
]


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: str(case)[:40])
def test_an_exception_has_its_code(error, code):
    assert code_of(error) == code


def test_the_name_of_a_class_decides_nothing():
    impostor = type("FileNotFoundError", (Exception,), {})

    assert code_of(impostor("x")) == "unknown"


def diagnosed(work):
    with pytest.raises(DatabaseError) as caught:
        work()
    return TroubleshootingEngine().diagnose(caught.value, {"file_path": "/in/a.jpg"})


@pytest.mark.django_db(transaction=True)
def test_a_refused_row_names_the_rule_and_the_row_that_holds_it():
    media = make_media(b"a.jpg")

    def again():
        Media.objects.create(
            sha256=media.sha256,
            path="other.jpg",
            size_bytes=1,
            kind="jpeg",
            captured_at=media.captured_at,
            captured_offset_minutes=0,
            captured_source="file_time",
            captured_confidence="guess",
            imported_at=media.imported_at,
        )

    found = diagnosed(again)

    assert found.code == "database_constraint"
    assert "sha256" in " ".join(found.seen)
    if connection.vendor == "postgresql":
        assert f"Media {media.pk} holds sha256={media.sha256}." in found.seen


@pytest.mark.django_db(transaction=True)
def test_a_rule_of_the_item_is_named():
    item = make_item(state="failed")

    found = diagnosed(lambda: ImportItem._base_manager.filter(pk=item.pk).update(error_code=""))

    assert found.evidence["constraint"] == "item_failed_has_error_code"


@pytest.mark.django_db(transaction=True)
def test_a_table_that_is_not_there_calls_for_migrations():
    with connection.cursor() as cursor:
        found = diagnosed(lambda: cursor.execute("SELECT * FROM table_of_tomorrow"))

    assert found.code == "database_outdated"
    assert found.actions[0]["command"] == "python manage.py migrate"
