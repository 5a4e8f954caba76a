"""The words of the catalogue: codes, severities, categories, and what an entry consists of."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .actions import Action

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
    SOURCE_DIRECTORY_MISSING = "source_directory_missing", _("directory of the source missing")
    SOURCE_UNMOUNTED = "source_unmounted", _("source not mounted")
    SOURCE_NOT_DIRECTORY = "source_not_directory", _("source is not a directory")
    SOURCE_CHANGED = "source_changed", _("source changed while it was imported")
    SOURCE_BUSY = "source_busy", _("source is still being written")
    SOURCE_GREW = "source_grew", _("source grew after its beginning was imported")
    NOT_REGULAR_FILE = "not_regular_file", _("not a regular file")
    NAME_TOO_LONG = "name_too_long", _("name too long")
    SOURCE_REPLACED = "source_replaced", _("another directory stands at the source")
    SOURCE_OCCUPIED = "source_occupied", _("another file stands at the source")

    PERMISSION_DENIED = "permission_denied", _("permission denied")
    READ_ONLY_FILESYSTEM = "read_only_filesystem", _("mounted read-only")
    IMMUTABLE = "immutable", _("protected by a flag of the file system")

    DAMAGED = "damaged", _("damaged file")
    BAD_VALUE = "bad_value", _("a value that cannot be used")
    CONTENT_MISMATCH = "content_mismatch", _("not what its name says")
    IMAGE_TOO_LARGE = "image_too_large", _("picture too large")
    UNSUPPORTED = "unsupported", _("format not supported")
    EMPTY = "empty", _("empty file")
    DUPLICATE = "duplicate", _("duplicate")
    SIDECAR = "sidecar", _("belongs to another file")
    DIRECTORY = "directory", _("directory")
    DISMISSED = "dismissed", _("set aside by an operator")
    REPLACED = "replaced", _("gave way to its whole")

    LIBRARY_NOT_WRITABLE = "library_not_writable", _("library not writable")
    LIBRARY_UNMOUNTED = "library_unmounted", _("library not mounted")
    LIBRARY_SPLIT = "library_split", _("library lies on two file systems")
    LIBRARY_OVERLAPS_SOURCE = "library_overlaps_source", _("library and source overlap")
    SOURCE_IN_LIBRARY = "source_in_library", _("the source is the library's own file")
    LIBRARY_FILE_WRONG = "library_file_wrong", _("library file is missing or damaged")
    DESTINATION_TAKEN = "destination_taken", _("destination taken")
    STILL_NEEDED = "still_needed", _("other files rest on it")

    DISK_FULL = "disk_full", _("disk full")
    INODES_EXHAUSTED = "inodes_exhausted", _("no room for more files")
    QUOTA_EXCEEDED = "quota_exceeded", _("quota exceeded")
    FILE_TOO_LARGE = "file_too_large", _("file too large for the disk")
    IO_ERROR = "io_error", _("input/output error")
    STALE_HANDLE = "stale_handle", _("network share was replaced")
    NO_ANSWER = "no_answer", _("disk does not answer")

    DATABASE_BUSY = "database_busy", _("database busy")
    DATABASE_DEADLOCK = "database_deadlock", _("database deadlock")
    DATABASE_CONSTRAINT = "database_constraint", _("database constraint")
    DATABASE_FULL = "database_full", _("disk of the database full")
    DATABASE_OUTDATED = "database_outdated", _("database not migrated")
    DATABASE_UNREACHABLE = "database_unreachable", _("database unreachable")
    DATABASE_ERROR = "database_error", _("database error")

    CONNECTION_LOST = "connection_lost", _("connection lost")
    BROKER_UNREACHABLE = "broker_unreachable", _("broker unreachable")

    WORKER_DIED = "worker_died", _("worker died")
    LEASE_LOST = "lease_lost", _("lease lost")
    MEMORY_EXHAUSTED = "memory_exhausted", _("memory exhausted")
    TOO_MANY_OPEN_FILES = "too_many_open_files", _("too many open files")
    TIME_LIMIT = "time_limit", _("time limit reached")
    POISON = "poison", _("file that ends its workers")

    CONFIGURATION_WRONG = "configuration_wrong", _("configuration wrong")
    SOFTWARE_MISSING = "software_missing", _("software missing")
    SESSION_BUSY = "session_busy", _("session is being worked on")
    SESSION_UNKNOWN = "session_unknown", _("no such session")
    ITEM_UNKNOWN = "item_unknown", _("no such item")
    NOT_ALLOWED = "not_allowed", _("not possible in this state")
    STATE_CHANGED = "state_changed", _("state changed meanwhile")

    UNKNOWN = "unknown", _("unknown error")


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """What is known of a code before anybody looks.

    The texts may name facts in braces: {path}, {detail}, {library}, {session}, {owner}, and what a
    probe finds (docs: troubleshooting/evidence.py).
    """

    severity: Severity
    category: Category
    retryable: bool  # whether trying again may help once an action was followed
    minutes: int  # what a fix usually takes
    summary: Text
    diagnosis: Text
    actions: tuple[Action, ...]  # each complete in itself; the best one first
    passing: bool = (
        False  # may be gone a moment later: a file is tried again by itself, for a while
    )
    provable: bool = False  # a session in error for it goes on by itself when the cause is gone
    page: str = "reference/error-codes.md"  # below docs/: the code's own section, or more

    @property
    def is_complete(self) -> bool:
        return bool(self.summary and self.diagnosis and self.actions and self.minutes >= 0)


Entries = dict[ErrorCode, ErrorEntry]
