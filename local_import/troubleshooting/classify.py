"""Which code an exception stands for: by what it says itself, its SQLSTATE, its errno, its class.

Never by the name of a class alone, and without looking at anything; what a look adds is evidence.py.
"""

from __future__ import annotations

import errno

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django_fsm import ConcurrentTransition, TransitionNotAllowed
from kombu.exceptions import OperationalError as BrokerError

from .. import fsops
from ..errors import ErrorCode, ImportProblem
from ..transactions import is_passing

# Problems that the desk makes of any refusal of the system, and those they are the right word for.
_WRAPPING = (ErrorCode.LIBRARY_NOT_WRITABLE, ErrorCode.PERMISSION_DENIED)
_ORDINARY = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.ENOENT)
_BY_ERRNO = {
    errno.ENOENT: ErrorCode.SOURCE_MISSING,
    errno.ENOTDIR: ErrorCode.SOURCE_MISSING,
    errno.ENXIO: ErrorCode.IO_ERROR,  # of a disk that is gone; of a socket fsops says what it is
    errno.EACCES: ErrorCode.PERMISSION_DENIED,
    errno.EPERM: ErrorCode.PERMISSION_DENIED,
    errno.EROFS: ErrorCode.LIBRARY_NOT_WRITABLE,
    errno.ENOSPC: ErrorCode.DISK_FULL,
    errno.EDQUOT: ErrorCode.QUOTA_EXCEEDED,
    errno.EFBIG: ErrorCode.FILE_TOO_LARGE,
    errno.ENAMETOOLONG: ErrorCode.NAME_TOO_LONG,
    errno.ELOOP: ErrorCode.NOT_REGULAR_FILE,
    errno.EXDEV: ErrorCode.LIBRARY_SPLIT,
    errno.ESTALE: ErrorCode.STALE_HANDLE,
    errno.ENOTCONN: ErrorCode.NO_ANSWER,  # of a path: a FUSE file system whose program died
    errno.EHOSTDOWN: ErrorCode.NO_ANSWER,
    errno.EMFILE: ErrorCode.TOO_MANY_OPEN_FILES,
    errno.ENFILE: ErrorCode.TOO_MANY_OPEN_FILES,
    errno.ENOMEM: ErrorCode.MEMORY_EXHAUSTED,
    errno.EEXIST: ErrorCode.DESTINATION_TAKEN,
}
# Source: PostgreSQL manual, appendix A. The longest beginning that fits decides.
_BY_SQLSTATE = {
    "08": ErrorCode.DATABASE_UNREACHABLE,
    "57P": ErrorCode.DATABASE_UNREACHABLE,
    "23": ErrorCode.DATABASE_CONSTRAINT,
    "40P01": ErrorCode.DATABASE_DEADLOCK,
    "40001": ErrorCode.DATABASE_BUSY,
    "55P03": ErrorCode.DATABASE_BUSY,
    "57014": ErrorCode.TIME_LIMIT,  # query canceled: statement_timeout
    "42P01": ErrorCode.DATABASE_OUTDATED,  # undefined table
    "42703": ErrorCode.DATABASE_OUTDATED,  # undefined column
    "53100": ErrorCode.DATABASE_FULL,
    "53200": ErrorCode.MEMORY_EXHAUSTED,
    "53300": ErrorCode.DATABASE_UNREACHABLE,  # too many connections
    "25006": ErrorCode.DATABASE_ERROR,
}
# Source: sqlite.org/rescode.html: primary result codes.
_BY_SQLITE = {
    5: ErrorCode.DATABASE_BUSY,
    6: ErrorCode.DATABASE_BUSY,
    13: ErrorCode.DATABASE_FULL,
    14: ErrorCode.DATABASE_UNREACHABLE,  # cannot open the file
    19: ErrorCode.DATABASE_CONSTRAINT,
}
_SQLITE_OUTDATED = ("no such table", "no such column", "has no column named")
# The first that fits decides: special classes stand before the general ones they derive from.
_BY_CLASS: tuple[tuple[type[BaseException], ErrorCode], ...] = (
    (fsops.SourceChanged, ErrorCode.SOURCE_CHANGED),
    (fsops.StillOpenForWriting, ErrorCode.SOURCE_BUSY),
    (fsops.LinkOnTheWay, ErrorCode.SOURCE_REPLACED),
    (fsops.LibraryFound, ErrorCode.LIBRARY_OVERLAPS_SOURCE),
    (fsops.OneFile, ErrorCode.SOURCE_IN_LIBRARY),
    (fsops.NotRegularFile, ErrorCode.NOT_REGULAR_FILE),
    (fsops.DestinationTaken, ErrorCode.DESTINATION_TAKEN),
    (fsops.CannotRename, ErrorCode.LIBRARY_SPLIT),
    (IntegrityError, ErrorCode.DATABASE_CONSTRAINT),
    (InterfaceError, ErrorCode.DATABASE_UNREACHABLE),
    (DatabaseError, ErrorCode.DATABASE_ERROR),
    (ConcurrentTransition, ErrorCode.STATE_CHANGED),
    (TransitionNotAllowed, ErrorCode.NOT_ALLOWED),
    (BrokerError, ErrorCode.BROKER_UNREACHABLE),
    (SoftTimeLimitExceeded, ErrorCode.TIME_LIMIT),
    (TimeLimitExceeded, ErrorCode.TIME_LIMIT),
    (MemoryError, ErrorCode.MEMORY_EXHAUSTED),
    (ImproperlyConfigured, ErrorCode.CONFIGURATION_WRONG),
    (ImportError, ErrorCode.SOFTWARE_MISSING),
    (FileExistsError, ErrorCode.DESTINATION_TAKEN),
    (FileNotFoundError, ErrorCode.SOURCE_MISSING),
    (NotADirectoryError, ErrorCode.SOURCE_MISSING),
    (IsADirectoryError, ErrorCode.NOT_REGULAR_FILE),
    (PermissionError, ErrorCode.PERMISSION_DENIED),
    (ConnectionError, ErrorCode.CONNECTION_LOST),
    (TimeoutError, ErrorCode.CONNECTION_LOST),
    (OSError, ErrorCode.IO_ERROR),
    (EOFError, ErrorCode.DAMAGED),
    (ValueError, ErrorCode.BAD_VALUE),
    (ArithmeticError, ErrorCode.BAD_VALUE),
)


def code_of(error: BaseException) -> ErrorCode:
    """The code that an exception stands for."""
    if isinstance(error, ImportProblem):
        return error.code
    named = getattr(type(error), "error_code", None)  # an exception of ours may name its code
    if isinstance(named, ErrorCode):
        return named
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_database(error)
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    if _is_too_large_a_picture(error):
        return ErrorCode.IMAGE_TOO_LARGE
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), ErrorCode.UNKNOWN)


def closer_code_of(error: BaseException) -> ErrorCode:
    """The same, and where ours was made from an error of the system that says more, that one's."""
    code = code_of(error)
    cause = error.__cause__
    if code not in _WRAPPING or not isinstance(cause, OSError) or cause.errno in _ORDINARY:
        return code
    return code_of(cause)


def sqlstate_of(error: BaseException) -> str:
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def _of_database(error: Exception) -> ErrorCode:
    state = sqlstate_of(error)
    for length in (5, 3, 2):
        if state[:length] in _BY_SQLSTATE:
            return _BY_SQLSTATE[state[:length]]
    number = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF  # the primary result code
    if number in _BY_SQLITE:
        return _BY_SQLITE[number]
    text = _text(error)
    if any(mark in text for mark in _SQLITE_OUTDATED):
        return ErrorCode.DATABASE_OUTDATED
    if is_passing(error):
        return ErrorCode.DATABASE_BUSY
    if isinstance(error, OperationalError) and not state and "connection" in text:
        return ErrorCode.DATABASE_UNREACHABLE  # libpq has no SQLSTATE for what it never reached
    return next(code for kind, code in _BY_CLASS if isinstance(error, kind))


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1000].lower()
    except Exception:
        return ""


def _is_too_large_a_picture(error: BaseException) -> bool:
    """Pillow is not loaded to ask: who raises its exception has loaded it."""
    return any(
        (kind.__module__, kind.__name__) == ("PIL.Image", "DecompressionBombError")
        for kind in type(error).__mro__
    )
