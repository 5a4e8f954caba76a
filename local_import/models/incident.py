"""An incident: all failures that have one cause in one place, as one line."""

from __future__ import annotations

from django.db import models
from django.db.models import Q, TextChoices
from django.utils.translation import gettext_lazy as _

from ..errors import ErrorCode


class IncidentState(TextChoices):
    OPEN = "open", _("open")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    RESOLVED = "resolved", _("resolved")
    BACK = "back_again", _("back again")


class IncidentQuerySet(models.QuerySet["Incident"]):
    def unresolved(self) -> IncidentQuerySet:
        return self.exclude(state=IncidentState.RESOLVED)

    def most_recent_first(self) -> IncidentQuerySet:
        return self.order_by("-last_seen_at", "-id")


class Incident(models.Model):
    """Written by local_import.incidents only, in the transaction that records the failures.

    `failure` is the diagnosis of the failure that was seen last: the example of all of them.
    """

    fingerprint = models.CharField(_("fingerprint"), max_length=40, unique=True)
    code = models.CharField(_("error"), max_length=40, choices=ErrorCode.choices)
    place = models.TextField(_("place"), blank=True)
    failure = models.JSONField(_("the failure seen last"), default=dict)
    state = models.CharField(
        _("state"), max_length=16, choices=IncidentState.choices, default=IncidentState.OPEN
    )
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    count = models.PositiveIntegerField(_("failures seen"), default=0)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=200, blank=True)
    acknowledged_reason = models.TextField(_("acknowledged because"), blank=True)
    sessions = models.ManyToManyField(
        "local_import.ImportSession", verbose_name=_("sessions"), related_name="incidents"
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        db_table = "local_import_incident"
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=IncidentState.values), name="incident_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state=IncidentState.RESOLVED) ^ Q(resolved_at__isnull=True),
                name="incident_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=IncidentState.ACKNOWLEDGED) | Q(acknowledged_at__isnull=False),
                name="incident_acknowledged_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["code", "-last_seen_at"], name="incident_code_newest"),
            models.Index(
                fields=["-last_seen_at"],
                name="incident_unresolved_newest",
                condition=~Q(state=IncidentState.RESOLVED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"

    @property
    def title(self) -> str:
        """What is wrong and where, in a few words."""
        label = dict(ErrorCode.choices).get(self.code, self.code)
        return f"{label}: {self.place}" if self.place else str(label)
