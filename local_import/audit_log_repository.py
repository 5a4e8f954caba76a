"""The named questions one asks the audit log: the manager of its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import models
from django.db.models.expressions import RawSQL

if TYPE_CHECKING:
    from .models import AuditLog  # noqa: F401 - named in annotations that are texts

LONGEST_ID = 18  # digits; more need not fit into a column


def row_id(text: str) -> int | None:
    """The id of a row that a text stands for; None for any other text, and for too large a number."""
    fits = text.isascii() and text.isdecimal() and len(text) <= LONGEST_ID
    return int(text) if fits else None


def _literally(condition: str) -> RawSQL:
    """The condition of a partial index: SQLite uses it only where a query repeats it literally."""
    sql = condition.format("local_import_audit_log")
    return RawSQL(sql, (), output_field=models.BooleanField())  # noqa: S611 - no parameters


class AuditLogQuerySet(models.QuerySet["AuditLog"]):
    def of_session(self, session_id: int) -> AuditLogQuerySet:
        return self.filter(session_id=session_id)

    def of_item(self, item_id: int | str) -> AuditLogQuerySet:
        """Rows of an item by our id, or by the id that another importer gave it."""
        if isinstance(item_id, int):
            return self.filter(item_id=item_id)
        named = models.Q(external_item=item_id)
        number = row_id(item_id)
        return self.filter(named if number is None else named | models.Q(item_id=number))

    def transitions(self) -> AuditLogQuerySet:
        return self.filter(category="state_transition")

    def errors(self) -> AuditLogQuerySet:
        return self.filter(_literally("{0}.level IN ('error', 'critical')"))

    def own(self) -> AuditLogQuerySet:
        """Of what is no file: what a session itself went through; by an index of these alone."""
        return self.filter(_literally("{0}.item_id IS NULL"))

    def newest_first(self) -> AuditLogQuerySet:
        return self.order_by("-timestamp", "-id")


_Manager = models.Manager.from_queryset(AuditLogQuerySet)


class AuditLogRepository(_Manager["AuditLog"] if TYPE_CHECKING else _Manager):  # type: ignore[misc]
    """Manager of AuditLog; works as well when it is made with no wiring."""

    def get_queryset(self) -> AuditLogQuerySet:
        if getattr(self, "model", None) is None:
            self.model: Any = apps.get_model("local_import", "AuditLog")
        return AuditLogQuerySet(self.model, using=self._db)

    def search(
        self, *, session_id: int | None = None, item_id: int | str | None = None
    ) -> AuditLogQuerySet:
        """All rows, or those of a session or an item, newest first."""
        rows = self.get_queryset().newest_first()
        if session_id is not None:
            rows = rows.of_session(session_id)
        return rows if item_id is None else rows.of_item(item_id)

    def get_by_session(self, session_id: int) -> AuditLogQuerySet:
        return self.search(session_id=session_id)

    def get_by_item(self, item_id: int | str) -> AuditLogQuerySet:
        return self.search(item_id=item_id)

    def get_errors(
        self, session_id: int | None = None, item_id: int | str | None = None
    ) -> AuditLogQuerySet:
        return self.search(session_id=session_id, item_id=item_id).errors()

    def get_state_transitions(
        self, session_id: int | None = None, item_id: int | str | None = None
    ) -> AuditLogQuerySet:
        return self.search(session_id=session_id, item_id=item_id).transitions()

    def get_performance_metrics(
        self, session_id: int | None = None, item_id: int | str | None = None
    ) -> AuditLogQuerySet:
        return self.search(session_id=session_id, item_id=item_id).filter(category="performance")
