"""The catalogue of error codes, and the exception that carries one.

A code is stable and machine-readable; its texts are for people and may be translated and improved.
Which exception means which code is decided in troubleshooting.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Severity(TextChoices):
    LOW = "low", _("low")
    MEDIUM = "medium", _("medium")
    HIGH = "high", _("high")
    CRITICAL = "critical", _("critical")


class Category(TextChoices):
    SOURCE = "source", _("source")
    PERMISSION = "permission", _("permission")
    CONTENT = "content", _("content")
    LIBRARY = "library", _("library")
    STORAGE = "storage", _("storage")
    DATABASE = "database", _("database")
    NETWORK = "network", _("network")
    WORKER = "worker", _("worker")
    REQUEST = "request", _("request")
    UNKNOWN = "unknown", _("unknown")


class ErrorCode(TextChoices):
    SOURCE_MISSING = "source_missing", _("source missing")
    SOURCE_NOT_DIRECTORY = "source_not_directory", _("source is not a directory")
    SOURCE_CHANGED = "source_changed", _("source changed while it was imported")
    SOURCE_BUSY = "source_busy", _("source is still being written")
    PERMISSION_DENIED = "permission_denied", _("permission denied")
    NOT_REGULAR_FILE = "not_regular_file", _("not a regular file")
    NAME_TOO_LONG = "name_too_long", _("name too long")
    DAMAGED = "damaged", _("damaged file")
    BAD_VALUE = "bad_value", _("a value that cannot be used")
    LIBRARY_NOT_WRITABLE = "library_not_writable", _("library not writable")
    LIBRARY_UNMOUNTED = "library_unmounted", _("library not mounted")
    LIBRARY_OVERLAPS_SOURCE = "library_overlaps_source", _("library and source overlap")
    LIBRARY_FILE_WRONG = "library_file_wrong", _("library file is missing or damaged")
    DESTINATION_TAKEN = "destination_taken", _("destination taken")
    SOURCE_OCCUPIED = "source_occupied", _("another file stands at the source")
    STILL_NEEDED = "still_needed", _("other files rest on it")
    DISK_FULL = "disk_full", _("disk full")
    IO_ERROR = "io_error", _("input/output error")
    DATABASE_BUSY = "database_busy", _("database busy")
    DATABASE_CONSTRAINT = "database_constraint", _("database constraint")
    DATABASE_ERROR = "database_error", _("database error")
    CONNECTION_LOST = "connection_lost", _("connection lost")
    WORKER_DIED = "worker_died", _("worker died")
    POISON = "poison", _("file that ends its workers")
    SESSION_BUSY = "session_busy", _("session is being worked on")
    SESSION_UNKNOWN = "session_unknown", _("no such session")
    NOT_ALLOWED = "not_allowed", _("not possible in this state")
    UNKNOWN = "unknown", _("unknown error")


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """What is known of a code before anybody looks. Texts may name {path}, {detail}, {library},
    {session}, {owner} and {quoted} (the path quoted for a shell)."""

    severity: Severity
    category: Category
    retryable: bool  # whether trying again may help once the actions were followed
    summary: Text
    diagnosis: Text
    actions: tuple[Text, ...]
    passing: bool = False  # may be gone a moment later: the desk tries again by itself, for a while


RESUME = _("Then finish the session: python manage.py import_photos --resume {session}")
START_AGAIN = _("Then start the import again.")  # in place of RESUME, where there is no session yet

CATALOGUE: dict[ErrorCode, ErrorEntry] = {
    ErrorCode.SOURCE_MISSING: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        True,
        _("{path} is not there."),
        _(
            "The path does not exist any more: it was moved, renamed or deleted, or its disk is gone."
        ),
        (
            _("Look whether the disk or card is mounted: ls -ld {quoted}"),
            _("Put the file back where it was, or dismiss it."),
            RESUME,
        ),
    ),
    ErrorCode.SOURCE_NOT_DIRECTORY: ErrorEntry(
        Severity.MEDIUM,
        Category.REQUEST,
        False,
        _("{path} is not a directory."),
        _("A session imports a directory with everything below it; this is a single file."),
        (_("Name the directory that holds the file."),),
    ),
    ErrorCode.SOURCE_CHANGED: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        True,
        _("{path} changed while it was being imported."),
        _("Size, time or content differ from what was read a moment before. Nothing was imported."),
        (_("Wait until the program that writes the file has finished."), RESUME),
        passing=True,
    ),
    ErrorCode.SOURCE_BUSY: ErrorEntry(
        Severity.LOW,
        Category.SOURCE,
        True,
        _("{path} is still being written."),
        _("Another process has the file open for writing."),
        (
            _(
                "Wait until the copy or upload has finished; this shows who writes: fuser -v {quoted}"
            ),
            RESUME,
        ),
        passing=True,
    ),
    ErrorCode.PERMISSION_DENIED: ErrorEntry(
        Severity.HIGH,
        Category.PERMISSION,
        True,
        _("{path} may not be read or changed by this process."),
        _("The system refused access: {detail}."),
        (
            _("See who owns each part of the path: namei -l {quoted}"),
            _("Give the importing user access: chmod u+rX {quoted}"),
            RESUME,
        ),
    ),
    ErrorCode.NOT_REGULAR_FILE: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        False,
        _("{path} is not a regular file."),
        _("A link, pipe, socket or device stands where a photo was expected. It was not opened."),
        (_("Look at it: ls -l {quoted}"), _("Replace it by the photo itself, or dismiss it.")),
    ),
    ErrorCode.NAME_TOO_LONG: ErrorEntry(
        Severity.MEDIUM,
        Category.SOURCE,
        False,
        _("{path} has a name that is too long for the file system."),
        _("The system refused the name: {detail}."),
        (_("Rename the file or its directories to shorter names."), RESUME),
    ),
    ErrorCode.DAMAGED: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        _("{path} is damaged."),
        _("{detail} The bytes were left untouched."),
        (
            _("Look for a whole copy of the file, on the camera or card for example."),
            _("If this is all there is: import it all the same, in the admin's list of items."),
        ),
    ),
    ErrorCode.BAD_VALUE: ErrorEntry(
        Severity.MEDIUM,
        Category.CONTENT,
        False,
        _("A value in or about {path} cannot be used."),
        _("{detail}"),
        (_("Check the format of the data that is named here."),),
    ),
    ErrorCode.LIBRARY_NOT_WRITABLE: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        _("The library {path} cannot be written to."),
        _("A file could not be made in it: {detail}. Nothing was imported."),
        (
            _("See who owns it and whether it is mounted read-only: namei -l {quoted}"),
            _(
                "Make it writable for the importing user, or set PHOTONEST_LIBRARY to another place."
            ),
            RESUME,
        ),
    ),
    ErrorCode.LIBRARY_UNMOUNTED: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        _("The library {path} is not the one the database knows."),
        _(
            "The database lists imported media, but the directory lacks the library's mark, "
            "the file .photonest-library: its disk is probably not mounted. Nothing was written."
        ),
        (
            _("Mount the library's disk: findmnt -T {quoted}"),
            _("Check that PHOTONEST_LIBRARY names the right directory."),
            RESUME,
        ),
    ),
    ErrorCode.LIBRARY_OVERLAPS_SOURCE: ErrorEntry(
        Severity.HIGH,
        Category.REQUEST,
        False,
        _("The source {path} and the library {library} lie inside each other."),
        _("An import would read its own results. Nothing was imported."),
        (
            _(
                "Choose a source outside the library, or set PHOTONEST_LIBRARY to a place outside it."
            ),
        ),
    ),
    ErrorCode.LIBRARY_FILE_WRONG: ErrorEntry(
        Severity.CRITICAL,
        Category.LIBRARY,
        True,
        _("The library file for {path} is missing or has other bytes."),
        _("{detail}"),
        (_("Restore the file from a backup."), RESUME),
    ),
    ErrorCode.DESTINATION_TAKEN: ErrorEntry(
        Severity.LOW,
        Category.LIBRARY,
        True,
        _("Another file stands at the destination of {path}."),
        _("{detail} It was not overwritten; the next try takes a longer name."),
        (RESUME,),
    ),
    ErrorCode.SOURCE_OCCUPIED: ErrorEntry(
        Severity.LOW,
        Category.SOURCE,
        True,
        _("Other bytes stand at {path} now."),
        _("The import cannot be undone for this file, because nothing is ever overwritten."),
        (
            _("Move the other file away: ls -l {quoted}"),
            _("Then undo again: python manage.py import_undo {session}"),
        ),
    ),
    ErrorCode.STILL_NEEDED: ErrorEntry(
        Severity.LOW,
        Category.LIBRARY,
        True,
        _("{path} stays in the library: other files rest on it."),
        _("{detail}"),
        (
            _("See which: python manage.py import_status SESSION --items --state skipped"),
            _("Undo it together with them, or leave it in the library."),
        ),
    ),
    ErrorCode.DISK_FULL: ErrorEntry(
        Severity.CRITICAL,
        Category.STORAGE,
        True,
        _("The disk of {path} is full."),
        _("{detail}. The import stopped; no file was lost."),
        (
            _("See what is free: df -h {quoted}; df -i {quoted}"),
            _("Make room, or set PHOTONEST_LIBRARY to a larger disk."),
            RESUME,
        ),
    ),
    ErrorCode.IO_ERROR: ErrorEntry(
        Severity.HIGH,
        Category.STORAGE,
        True,
        _("{path} could not be read or written."),
        _("The system reported: {detail}."),
        (
            _("Look for messages of the device: dmesg | tail"),
            _("Check cable, card and file system."),
            RESUME,
        ),
        passing=True,
    ),
    ErrorCode.DATABASE_BUSY: ErrorEntry(
        Severity.LOW,
        Category.DATABASE,
        True,
        _("The database stayed busy for too long."),
        _("{detail}"),
        (_("Look for other programs that hold the database."), RESUME),
        passing=True,
    ),
    ErrorCode.DATABASE_CONSTRAINT: ErrorEntry(
        Severity.HIGH,
        Category.DATABASE,
        False,
        _("The database refused a row for {path}."),
        _("A rule of the database was about to be broken: {detail}"),
        (_("See the audit log of the item; report this as a defect."),),
    ),
    ErrorCode.DATABASE_ERROR: ErrorEntry(
        Severity.HIGH,
        Category.DATABASE,
        True,
        _("The database reported an error."),
        _("{detail}"),
        (_("Check that the database is running and its disk has room."), RESUME),
    ),
    ErrorCode.CONNECTION_LOST: ErrorEntry(
        Severity.HIGH,
        Category.NETWORK,
        True,
        _("A connection was lost."),
        _("The other side did not answer: {detail}"),
        (_("Check the network and the service on the other side."), RESUME),
        passing=True,
    ),
    ErrorCode.WORKER_DIED: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        _("The worker processes ended before the session did."),
        _("{detail}"),
        (_("Look whether memory ran out: dmesg | grep -i oom"), RESUME),
    ),
    ErrorCode.POISON: ErrorEntry(
        Severity.HIGH,
        Category.WORKER,
        True,
        _("{path} was set aside: worker processes ended while they read it."),
        _(
            "It was alone in the hands of a worker process {detail} times when that process died. "
            "The other files went on without it."
        ),
        (
            _("Look whether memory ran out or a library crashed: dmesg | tail"),
            _("Look at the file with another program; dismiss it if it is no photo."),
            RESUME,
        ),
    ),
    ErrorCode.SESSION_BUSY: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        True,
        _("Session {session} is being worked on."),
        _("The process {owner} holds it."),
        (_("Watch it: python manage.py import_status {session}"),),
    ),
    ErrorCode.SESSION_UNKNOWN: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        False,
        _("There is no session {session}."),
        _("No row has this number."),
        (_("List the sessions: python manage.py import_status"),),
    ),
    ErrorCode.NOT_ALLOWED: ErrorEntry(
        Severity.LOW,
        Category.REQUEST,
        False,
        _("This is not possible in the present state."),
        _("{detail}"),
        (_("Look at the present state: python manage.py import_status {session}"),),
    ),
    ErrorCode.UNKNOWN: ErrorEntry(
        Severity.HIGH,
        Category.UNKNOWN,
        True,
        _("Something unexpected happened with {path}."),
        _("{detail}"),
        (_("See the stack trace: python manage.py audit_log --level error"), RESUME),
    ),
}


class ImportProblem(Exception):
    """A failure that the desk expects: a code, and the facts its texts speak of."""

    def __init__(self, code: ErrorCode, **facts: Any) -> None:
        super().__init__(f"{code}: {facts}" if facts else str(code))
        self.code = code
        self.facts = facts
