"""An operation that was asked for, from the asking to its end: what it touched and what it could not."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..errors import Operation


class RunState(TextChoices):
    WAITING = "waiting", _("waiting for a worker")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    CANCELED = "canceled", _("canceled")
    FAILED = "failed", _("failed")


RUN_IS_OVER = (RunState.DONE, RunState.CANCELED, RunState.FAILED)


class OperationRunQuerySet(models.QuerySet["OperationRun"]):
    def unfinished(self) -> OperationRunQuerySet:
        return self.exclude(state__in=RUN_IS_OVER)


class OperationRun(models.Model):
    """Written by local_import.operations only, in the transaction of what it tells of."""

    # No foreign keys to what it is about: a run outlives its target, as the audit log does.
    name = models.CharField(_("operation"), max_length=16, choices=Operation.choices)
    target = models.TextField(_("what it is about"))
    key = models.CharField(_("key of the request"), max_length=64, unique=True)
    state = models.CharField(
        _("state"), max_length=8, choices=RunState.choices, default=RunState.WAITING
    )
    total = models.PositiveIntegerField(_("files it is to touch"), default=0)
    done = models.PositiveIntegerField(_("files done"), default=0)
    refused = models.PositiveIntegerField(_("files refused"), default=0)
    refusals = models.JSONField(_("why they were refused"), default=list, blank=True)
    left = models.JSONField(_("sessions still to be done"), default=list, blank=True)
    result = models.JSONField(_("what came of it"), default=dict, blank=True)
    failure = models.JSONField(_("failure"), default=dict, blank=True)

    actor = models.CharField(_("who"), max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    reason = models.TextField(_("because"), blank=True)
    language = models.CharField(_("language of who asked"), max_length=16)
    created_at = models.DateTimeField(_("asked for at"), default=timezone.now)
    progressed_at = models.DateTimeField(_("last heard of at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OperationRunQuerySet.as_manager()

    class Meta:
        db_table = "local_import_operation_run"
        verbose_name = _("operation run")
        verbose_name_plural = _("operation runs")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=RUN_IS_OVER) ^ Q(finished_at__isnull=True),
                name="run_over_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["progressed_at"],
                name="run_unfinished",
                condition=~Q(state__in=RUN_IS_OVER),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name} {self.target}"

    @property
    def is_over(self) -> bool:
        return self.state in RUN_IS_OVER

    @property
    def request_id(self) -> str:
        """What its rows of the audit log carry, from the asking to the end."""
        return f"operation-{self.pk}"

    def told(self) -> dict[str, Any]:
        """As plain data."""
        columns = ("name", "target", "state", "total", "done", "refused", "refusals", "result")
        known = {name: getattr(self, name) for name in (*columns, "actor", "reason")}
        return {"run": self.pk} | known
