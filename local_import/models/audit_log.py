"""The audit log: one row for every transition, operation, refusal and error."""

from __future__ import annotations

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ..audit_log_repository import AuditLogRepository


class AuditLevel(TextChoices):
    DEBUG = "debug", _("debug")
    INFO = "info", _("info")
    WARNING = "warning", _("warning")
    ERROR = "error", _("error")
    CRITICAL = "critical", _("critical")


class AuditCategory(TextChoices):
    STATE_TRANSITION = "state_transition", _("state transition")
    FILE_OPERATION = "file_operation", _("file operation")
    DB_OPERATION = "db_operation", _("database operation")
    VALIDATION = "validation", _("validation")
    DUPLICATE_CHECK = "duplicate_check", _("duplicate check")
    ERROR = "error", _("error")
    PERFORMANCE = "performance", _("performance")
    CONSISTENCY = "consistency", _("consistency")


class AuditLog(models.Model):
    """What happened, to what, by whom and why. Written by audit_logger; never changed.

    Session and item are not held by the database: a row outlives what it tells of, and an importer
    that only logs names sessions and items that are no rows of ours (`external_item`).
    """

    timestamp = models.DateTimeField(_("time"))
    level = models.CharField(_("level"), max_length=8, choices=AuditLevel.choices)
    category = models.CharField(_("category"), max_length=16, choices=AuditCategory.choices)
    action = models.CharField(_("action"), max_length=40, blank=True)
    message = models.TextField(_("message"), blank=True)
    session = models.ForeignKey(
        "local_import.ImportSession",
        verbose_name=_("session"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="audit_rows",
    )
    item = models.ForeignKey(
        "local_import.ImportItem",
        verbose_name=_("item"),
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="audit_rows",
    )
    external_item = models.CharField(_("item of another importer"), max_length=200, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    task_id = models.CharField(_("task"), max_length=64, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        on_delete=models.SET_NULL,
        db_index=False,  # most rows have none: see the index of those that have
        related_name="+",
    )
    actor = models.CharField(_("actor"), max_length=200, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)
    error_type = models.CharField(_("error type"), max_length=200, blank=True)
    error_message = models.TextField(_("error message"), blank=True)
    stack_trace = models.TextField(_("stack trace"), blank=True)
    recommended_actions = models.JSONField(_("recommended actions"), default=list, blank=True)
    duration_ms = models.FloatField(_("duration in ms"), null=True)
    from_state = models.CharField(_("from state"), max_length=16, blank=True)
    to_state = models.CharField(_("to state"), max_length=16, blank=True)

    objects = AuditLogRepository()

    class Meta:
        db_table = "local_import_audit_log"
        verbose_name = _("audit row")
        verbose_name_plural = _("audit log")
        indexes = [
            models.Index(fields=["session", "timestamp"], name="audit_session_time"),
            models.Index(fields=["item", "timestamp"], name="audit_item_time"),
            models.Index(fields=["level", "category"], name="audit_level_category"),
            # Neither holds any of the millions of rows that tell how files came in without trouble.
            models.Index(
                fields=["session", "id"],
                name="audit_session_own",
                condition=models.Q(item__isnull=True),
            ),
            models.Index(
                fields=["session", "id"],
                name="audit_session_errors",
                condition=models.Q(level__in=("error", "critical")),
            ),
            models.Index(
                fields=["user"], name="audit_user", condition=models.Q(user__isnull=False)
            ),
            models.Index(
                fields=["external_item"],
                name="audit_external_item",
                condition=~models.Q(external_item=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.timestamp:%Y-%m-%d %H:%M:%S} {self.category}: {self.message}"

    @property
    def reason(self) -> str:
        """Why a transition was made: the message of its row."""
        return self.message

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            self._refuse()
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise TypeError("The audit log is only added to; old rows go by its own purge.")
