"""A finding: something that the consistency check saw to be wrong, until it is right again."""

from __future__ import annotations

from django.db import models
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from ..errors import Severity


class FindingState(TextChoices):
    OPEN = "open", _("open")
    BACK = "back", _("back again")
    ACCEPTED = "accepted", _("accepted")
    REPAIRED = "repaired", _("repaired")
    GONE = "gone", _("gone by itself")


STANDING = (FindingState.OPEN, FindingState.BACK)  # wrong now, and nobody has said to live with it


class Finding(models.Model):
    """One rule broken by one object; written by local_import.consistency only.

    What it is about is named and not referenced: a finding outlives its object, or tells that the
    object is gone.
    """

    rule = models.CharField(_("rule"), max_length=40)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    about = models.CharField(_("kind of object"), max_length=16)
    key = models.TextField(_("object"))  # an id, or a path as in a URL
    digest = models.CharField(_("key of rule and object"), max_length=40, unique=True)
    session_id = models.BigIntegerField(_("session"), null=True)
    item_id = models.BigIntegerField(_("item"), null=True)
    summary = models.TextField(_("what is wrong"))
    proposal = models.TextField(_("what to do"))
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)

    state = models.CharField(
        _("state"), max_length=8, choices=FindingState.choices, default=FindingState.OPEN
    )
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    closed_at = models.DateTimeField(_("repaired or gone at"), null=True, blank=True)
    closed_by = models.CharField(_("repaired by"), max_length=200, blank=True)
    accepted_until = models.DateTimeField(_("accepted until"), null=True, blank=True)
    accepted_by = models.CharField(_("accepted by"), max_length=200, blank=True)
    accepted_reason = models.TextField(_("accepted because"), blank=True)

    class Meta:
        db_table = "local_import_finding"
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=FindingState.values), name="finding_state_known"
            ),
            models.CheckConstraint(
                condition=~models.Q(state=FindingState.ACCEPTED)
                | (models.Q(accepted_until__isnull=False) & ~models.Q(accepted_reason="")),
                name="finding_accepted_for_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "rule"], name="finding_state_rule")]

    def __str__(self) -> str:
        return f"{self.rule}: {self.summary}"


class RuleLook(models.Model):
    """When a rule was last asked about everything, and what came of it; of a look whose findings are
    kept, and not of one that a person took only to see."""

    rule = models.CharField(_("rule"), max_length=40, unique=True)
    looked_at = models.DateTimeField(_("last looked at"))
    number = models.PositiveIntegerField(_("objects that broke it"))

    class Meta:
        db_table = "local_import_rule_look"
        verbose_name = _("look of a rule")
        verbose_name_plural = _("looks of rules")

    def __str__(self) -> str:
        return f"{self.rule}: {self.looked_at:%Y-%m-%d %H:%M}"
