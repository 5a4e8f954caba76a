"""What went wrong, why, and what to do: from an exception to a code with texts.

Reads; never writes. An error is told apart by its class hierarchy, its errno and what is known of
the place, not by the name of its class.
"""

from __future__ import annotations

import errno
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError

from . import fsops, names
from .errors import CATALOGUE, RESUME, START_AGAIN, ErrorCode, ErrorEntry, ImportProblem
from .reporting import generate_troubleshooting_report
from .transactions import is_passing

_BY_ERRNO = {
    errno.ENOENT: ErrorCode.SOURCE_MISSING,
    errno.ENOTDIR: ErrorCode.SOURCE_MISSING,
    errno.EACCES: ErrorCode.PERMISSION_DENIED,
    errno.EPERM: ErrorCode.PERMISSION_DENIED,
    errno.EROFS: ErrorCode.LIBRARY_NOT_WRITABLE,
    errno.ENOSPC: ErrorCode.DISK_FULL,
    errno.EDQUOT: ErrorCode.DISK_FULL,
    errno.ENAMETOOLONG: ErrorCode.NAME_TOO_LONG,
    errno.ELOOP: ErrorCode.NOT_REGULAR_FILE,
}
# The first that fits decides: special classes stand before the general ones they derive from.
_BY_CLASS: tuple[tuple[type[BaseException], ErrorCode], ...] = (
    (fsops.SourceChanged, ErrorCode.SOURCE_CHANGED),
    (fsops.StillOpenForWriting, ErrorCode.SOURCE_BUSY),
    (fsops.NotRegularFile, ErrorCode.NOT_REGULAR_FILE),
    (fsops.DestinationTaken, ErrorCode.DESTINATION_TAKEN),
    (IntegrityError, ErrorCode.DATABASE_CONSTRAINT),
    (InterfaceError, ErrorCode.CONNECTION_LOST),
    (DatabaseError, ErrorCode.DATABASE_ERROR),
    (FileNotFoundError, ErrorCode.SOURCE_MISSING),
    (PermissionError, ErrorCode.PERMISSION_DENIED),
    (ConnectionError, ErrorCode.CONNECTION_LOST),
    (TimeoutError, ErrorCode.CONNECTION_LOST),
    (OSError, ErrorCode.IO_ERROR),
    (ValueError, ErrorCode.BAD_VALUE),
)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to an error, in full sentences and stable codes."""

    code: ErrorCode
    severity: str
    category: str
    retryable: bool
    summary: str
    diagnosis: str
    recommended_actions: list[str]
    evidence: dict[str, Any]

    def as_failure(self) -> dict[str, Any]:
        """What an item or a session stores of it, as JSON."""
        return {
            "code": self.code.value,
            "severity": self.severity,
            "category": self.category,
            "retryable": self.retryable,
            "summary": self.summary,
            "diagnosis": self.diagnosis,
            "recommended_actions": self.recommended_actions,
            "evidence": self.evidence,
        }


class TroubleshootingEngine:
    """Finds the code for an error and fills its texts with the facts of the case."""

    def diagnose(self, error: BaseException, context: Mapping[str, Any] | None = None) -> Diagnosis:
        """`context` may name file_path (text or bytes), operation, session, library, owner."""
        code = code_of(error)
        facts = _facts(error, context or {})
        return describe(code, facts)


class ActionRecommender:
    """What can be done about an error or a code."""

    def __init__(self, engine: TroubleshootingEngine | None = None) -> None:
        self._engine = engine or TroubleshootingEngine()

    def recommend(
        self, problem: BaseException | ErrorCode | str, context: Mapping[str, Any] | None = None
    ) -> list[str]:
        if isinstance(problem, BaseException):
            return self._engine.diagnose(problem, context).recommended_actions
        return describe(ErrorCode(problem), _place(context or {})).recommended_actions


def code_of(error: BaseException) -> ErrorCode:
    """The code that an exception stands for."""
    if isinstance(error, ImportProblem):
        return error.code
    if isinstance(error, DatabaseError) and is_passing(error):
        return ErrorCode.DATABASE_BUSY
    if isinstance(error, OperationalError) and _is_connection_loss(error):
        return ErrorCode.CONNECTION_LOST
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    return next((code for kind, code in _BY_CLASS if isinstance(error, kind)), ErrorCode.UNKNOWN)


def _is_connection_loss(error: OperationalError) -> bool:
    # Source: PostgreSQL manual, appendix A: class 08 and 57P01..57P03; no SQLSTATE: never reached.
    sqlstate = getattr(error.__cause__, "sqlstate", "") or ""
    return sqlstate.startswith(("08", "57P")) or "connection" in str(error).lower()


def describe(code: ErrorCode, facts: Mapping[str, Any]) -> Diagnosis:
    """The catalogue's texts for a code, filled with facts; what is unknown stays readable."""
    entry: ErrorEntry = CATALOGUE[code]
    known = _Facts({name: str(value) for name, value in facts.items()})
    return Diagnosis(
        code=code,
        severity=entry.severity.value,
        category=entry.category.value,
        retryable=entry.retryable,
        summary=str(entry.summary).format_map(known),
        diagnosis=str(entry.diagnosis).format_map(known),
        recommended_actions=_actions(entry, known),
        evidence=dict(known),
    )


def _actions(entry: ErrorEntry, known: Mapping[str, str]) -> list[str]:
    actions = [
        START_AGAIN if action is RESUME and "session" not in known else action
        for action in entry.actions
    ]
    return [str(action).format_map(known) for action in actions]


class _Facts(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return {"session": "SESSION", "path": "The file", "quoted": "PATH"}.get(name, "unknown")


def _facts(error: BaseException, context: Mapping[str, Any]) -> dict[str, Any]:
    facts = _place({"file_path": _path_of(error)} | dict(context))
    detail = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        detail = error.strerror
    facts = {"detail": names.shown(detail.encode("utf-8", "surrogateescape"))} | facts
    return facts | (_place(error.facts) if isinstance(error, ImportProblem) else {})


def _path_of(error: BaseException) -> Any:
    return getattr(error, "path", None) or getattr(error, "filename", None)


def _place(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context with its path in an escaped form, and quoted for a shell."""
    facts = {name: value for name, value in context.items() if value is not None}
    path = facts.pop("file_path", facts.pop("path", None))
    if path is None:
        return facts
    raw = os.fsencode(path)
    return facts | {"path": names.shown(raw), "quoted": _quoted(raw)}


def _quoted(path: bytes) -> str:
    """The path as a shell takes it, byte for byte."""
    shown = names.shown(path)
    if shown.encode() == path:
        return shlex.quote(shown)
    return "$'" + names.shown(path).replace("'", "\\'") + "'"


__all__: Sequence[str] = (
    "ActionRecommender",
    "Diagnosis",
    "TroubleshootingEngine",
    "code_of",
    "describe",
    "generate_troubleshooting_report",
)
