"""Alerts: what is watched, what is wrong now, and what became of telling somebody."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from ..errors import Severity


class AlertState(TextChoices):
    PENDING = "pending", _("pending")  # seen, but not yet for long enough
    FIRING = "firing", _("firing")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    RESOLVED = "resolved", _("resolved")


class NoticeState(TextChoices):
    WAITING = "waiting", _("waiting")
    DELIVERED = "delivered", _("delivered")
    GIVEN_UP = "given_up", _("given up")


class AlertEvent(TextChoices):
    FIRED = "fired", _("fired")
    RESOLVED = "resolved", _("resolved")
    TEST = "test", _("test")


class AlertRule(models.Model):
    """What an operator may set of a rule; what it looks at is code (local_import.alerts)."""

    code = models.CharField(_("rule"), max_length=40, unique=True)
    enabled = models.BooleanField(_("on"), default=True)
    threshold = models.FloatField(_("threshold"))
    window_minutes = models.PositiveIntegerField(_("looks back, minutes"))
    pending_minutes = models.PositiveIntegerField(_("fires after, minutes"))
    cooldown_minutes = models.PositiveIntegerField(_("not told again for, minutes"))
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    muted_by = models.CharField(_("muted by"), max_length=200, blank=True)
    muted_reason = models.TextField(_("muted because"), blank=True)
    evaluated_at = models.DateTimeField(_("last evaluated at"), null=True, blank=True)
    trouble = models.TextField(_("could not be evaluated because"), blank=True)

    class Meta:
        db_table = "local_import_alert_rule"
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(muted_until__isnull=True) ^ ~Q(muted_reason=""),
                name="alert_rule_muted_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def is_muted(self, now: datetime) -> bool:
        return self.muted_until is not None and self.muted_until > now


class AlertQuerySet(models.QuerySet["Alert"]):
    def unresolved(self) -> AlertQuerySet:
        return self.exclude(state=AlertState.RESOLVED)

    def firing(self) -> AlertQuerySet:
        """Wrong now, whether somebody has acknowledged it or not."""
        return self.filter(state__in=(AlertState.FIRING, AlertState.ACKNOWLEDGED))


class Alert(models.Model):
    """One cause for which a rule fires, from when it is first seen until it is gone.

    Written by local_import.alerts.book only, each change of state with its audit row.
    """

    rule = models.ForeignKey(
        AlertRule, verbose_name=_("rule"), on_delete=models.PROTECT, related_name="alerts"
    )
    cause = models.CharField(_("cause"), max_length=200)
    state = models.CharField(
        _("state"), max_length=16, choices=AlertState.choices, default=AlertState.PENDING
    )
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    summary = models.TextField(_("what is wrong"))
    advice = models.TextField(_("what to do"))
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)
    target = models.CharField(_("what explain takes"), max_length=200, blank=True)

    began_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    fired_at = models.DateTimeField(_("fired at"), null=True, blank=True)
    notified_at = models.DateTimeField(_("told at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=200, blank=True)
    acknowledged_reason = models.TextField(_("acknowledged because"), blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        db_table = "local_import_alert"
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=AlertState.values), name="alert_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=AlertState.RESOLVED) ^ Q(resolved_at__isnull=True),
                name="alert_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=AlertState.PENDING) | Q(fired_at__isnull=True),
                name="alert_pending_has_not_fired",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(AlertState.FIRING, AlertState.ACKNOWLEDGED))
                | Q(fired_at__isnull=False),
                name="alert_firing_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=AlertState.ACKNOWLEDGED)
                | (Q(acknowledged_at__isnull=False) & ~Q(acknowledged_reason="")),
                name="alert_acknowledged_for_a_reason",
            ),
            models.UniqueConstraint(
                fields=["rule", "cause"],
                condition=~Q(state=AlertState.RESOLVED),
                name="alert_once_per_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["rule", "cause", "-notified_at"], name="alert_last_told"),
            models.Index(fields=["state", "-began_at"], name="alert_state_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.summary}"


class AlertNotice(models.Model):
    """The outbox: one thing to tell by one channel. Made with the change that it tells of, in the
    same transaction; delivered at least once, always with the same key.
    """

    alert = models.ForeignKey(
        Alert,
        verbose_name=_("alert"),
        null=True,
        on_delete=models.CASCADE,
        related_name="notices",
    )
    event = models.CharField(_("event"), max_length=8, choices=AlertEvent.choices)
    channel = models.CharField(_("channel"), max_length=16)
    key = models.UUIDField(_("idempotency key"), default=uuid.uuid4, unique=True)
    message = models.JSONField(_("message"))
    state = models.CharField(
        _("state"), max_length=16, choices=NoticeState.choices, default=NoticeState.WAITING
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next try at"))
    trouble = models.TextField(_("why it was not delivered"), blank=True)
    created_at = models.DateTimeField(_("created at"))
    ended_at = models.DateTimeField(_("delivered or given up at"), null=True, blank=True)

    class Meta:
        db_table = "local_import_alert_notice"
        verbose_name = _("alert notice")
        verbose_name_plural = _("alert notices")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=NoticeState.values), name="alert_notice_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=NoticeState.WAITING) ^ Q(ended_at__isnull=False),
                name="alert_notice_ended_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=NoticeState.GIVEN_UP) | ~Q(trouble=""),
                name="alert_notice_given_up_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="alert_notice_due",
                condition=Q(state=NoticeState.WAITING),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.channel}: {self.event}"
