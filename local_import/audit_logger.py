"""The only writer of the audit log.

A row is written in the transaction of what it tells of, so that neither exists without the other.
What must outlive a rollback is written after it: see state_management_service and door.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from . import correlation, setwise
from .audit_log_repository import row_id
from .models import AuditLog, ImportItem
from .models.audit_log import AuditCategory, AuditLevel

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

logger = logging.getLogger(__name__)

MAX_DETAILS_BYTES = 64 * 1024
MAX_TEXT = 16 * 1024  # characters of an error message or a stack trace
ENDS_KEPT = 5  # entries kept at either end of a list that is too long
_LENGTHS = {field.attname: field.max_length for field in AuditLog._meta.concrete_fields}
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")  # the escape, and no text that looks like it


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a person, a worker process or the system itself."""

    name: str
    user_id: int | None = None

    @classmethod
    def of(cls, user: AbstractBaseUser) -> Actor:
        return cls(user.get_username(), user.pk)


SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to be. `details` must be JSON; what is too large is cut, with a note of how much.

    Where it names no request or task, it belongs to the current ones; see correlation.
    """

    category: str
    message: str
    level: str = AuditLevel.INFO
    action: str = ""
    session_id: int | None = None
    item_id: int | None = None
    external_item: str = ""
    actor: Actor = SYSTEM
    request_id: str = ""
    task_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    error_type: str = ""
    error_message: str = ""
    stack_trace: str = ""
    recommended_actions: Sequence[str] = ()
    duration_ms: float | None = None
    from_state: str = ""
    to_state: str = ""

    def columns(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        values["actor"] = self.actor.name
        for name, known in zip(("request_id", "task_id"), correlation.current(), strict=True):
            values[name] = values[name] or known
        texts = {name: _fitting(name, v) for name, v in values.items() if isinstance(v, str)}
        return (values | texts) | {
            "timestamp": timezone.now(),
            "user_id": self.actor.user_id,
            "details": capped(self.details),
            "recommended_actions": [_clean(str(action)) for action in self.recommended_actions],
        }

    def of_session(self, session_id: int) -> Entry:
        return replace(self, session_id=session_id)

    def about(self, error: BaseException) -> Entry:
        """The same row, with the type, message and stack of an error."""
        stack = "".join(traceback.format_exception(error))
        return replace(
            self,
            error_type=type(error).__name__,
            error_message=str(error)[:MAX_TEXT],
            stack_trace=stack[-MAX_TEXT:],
        )


class AuditLogger:
    """Writes rows; needs no wiring."""

    def record(self, entry: Entry) -> None:
        """Write one row, in the current transaction if there is one."""
        self.record_many(entry, ["item_id"], [(entry.item_id,)])

    def record_many(
        self, entry: Entry, columns: Sequence[str], rows: Sequence[setwise.Row]
    ) -> None:
        """Write a row for each of `rows`, which differ from `entry` in the named columns only."""
        if not rows:
            return
        alike = {name: value for name, value in entry.columns().items() if name not in columns}
        setwise.insert(AuditLog, alike, columns, rows)


class StructuredLogger:
    """Logs about one session and, where given, one item; the importer's own log goes on."""

    def __init__(
        self,
        audit_logger: AuditLogger | None = None,
        session_id: int | None = None,
        item_id: int | str | None = None,
        *,
        actor: Actor = SYSTEM,
    ) -> None:
        self._audit = audit_logger or AuditLogger()
        self._actor = actor
        self._session_id = session_id
        self._item_id, self._external_item = identify(item_id)

    def debug(self, message: str, **details: Any) -> None:
        self._log(AuditLevel.DEBUG, message, details)

    def info(self, message: str, **details: Any) -> None:
        self._log(AuditLevel.INFO, message, details)

    def warning(self, message: str, **details: Any) -> None:
        self._log(AuditLevel.WARNING, message, details)

    def error(
        self,
        message: str,
        exception: BaseException | None = None,
        recommended_actions: Sequence[str] = (),
        **details: Any,
    ) -> None:
        entry = self._entry(AuditLevel.ERROR, message, details, AuditCategory.ERROR)
        entry = replace(entry, recommended_actions=recommended_actions)
        self._audit.record(entry.about(exception) if exception else entry)

    def performance(self, operation: str, duration_ms: float, **details: Any) -> None:
        entry = self._entry(AuditLevel.INFO, operation, details, AuditCategory.PERFORMANCE)
        self._audit.record(replace(entry, action=operation, duration_ms=duration_ms))

    def _log(self, level: str, message: str, details: Mapping[str, Any]) -> None:
        category = details.get("category", AuditCategory.FILE_OPERATION)
        self._audit.record(self._entry(level, message, details, category))

    def _entry(self, level: str, message: str, details: Mapping[str, Any], category: str) -> Entry:
        return Entry(
            category,
            message,
            level=level,
            session_id=self._session_id,
            item_id=self._item_id,
            external_item=self._external_item,
            actor=self._actor,
            details={name: value for name, value in details.items() if name != "category"},
        )


def identify(item_id: int | str | None) -> tuple[int | None, str]:
    """Our id of an item, and the id another importer gave it; either may be absent."""
    if item_id is None or isinstance(item_id, int):
        return item_id, ""
    name = _fitting("external_item", item_id)
    found = ImportItem.objects.filter(external_id=name).values_list("pk", flat=True).first()
    number = row_id(name)
    return (number, "") if found is None and number is not None else (found, name)


def capped(details: Mapping[str, Any]) -> dict[str, Any]:
    """The details as JSON will hold them, at most MAX_DETAILS_BYTES of it."""
    if not details:
        return {}
    text = _json(details)
    if len(text) > MAX_DETAILS_BYTES:
        text = _json({name: _shortened(value) for name, value in details.items()})
    if len(text) > MAX_DETAILS_BYTES:
        text = _json(
            {"cut": True, "bytes": len(text), "begins": text[:1000].decode("utf-8", "ignore")}
        )
    # No database takes NaN and Infinity, which Python writes and reads: they become texts.
    kept: dict[str, Any] = json.loads(text, parse_constant=str)
    return kept


def _json(value: Any) -> bytes:
    """JSON that every database takes: PostgreSQL refuses NUL and halves of surrogate pairs."""
    try:
        text = json.dumps(value, default=str, skipkeys=True, ensure_ascii=False)
    except (ValueError, RecursionError):  # goes round in a circle, or is far too deep
        text = json.dumps({"unreadable": sorted(map(str, value))}, ensure_ascii=False)
    return _NUL.sub(rb"\1?", text.encode("utf-8", "replace"))


def _shortened(value: Any) -> Any:
    if isinstance(value, list | tuple) and len(value) > 2 * ENDS_KEPT:
        return {"first": value[:ENDS_KEPT], "last": value[-ENDS_KEPT:], "count": len(value)}
    if isinstance(value, str) and len(value) > MAX_TEXT:
        return value[:MAX_TEXT] + "…"
    return value


def _fitting(column: str, text: str) -> str:
    return _clean(text)[: _LENGTHS[column]]


def _clean(text: str) -> str:
    """Text that every database takes: no NUL, no halves of surrogate pairs."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "backslashreplace").decode("utf-8")


__all__ = ["SYSTEM", "Actor", "AuditLogger", "Entry", "StructuredLogger", "capped", "identify"]
