"""A bucket: what was measured of one kind in one span of time, added up."""

from __future__ import annotations

from django.db import models
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Measure(TextChoices):
    """What a duration is of. The first four are those of a file, the next those of a batch."""

    FILE = "file", _("file, read and placed")
    WAIT = "wait", _("file waiting for a worker")
    ANALYSE = "analyse", _("file read")
    PLACE = "place", _("file placed")
    CHECK = "check", _("batch compared with the library")
    SYNC = "sync", _("batch made durable")
    SETTLE = "settle", _("batch recorded")
    BATCH = "batch", _("batch from beginning to end")
    FINDING = "finding", _("finding of the consistency check")


class MetricBucket(models.Model):
    """Written by local_import.metrics only. Workers add rows and change none, so that none waits for
    another; a scheduled step folds them into fewer. Whoever reads adds up whatever rows there are.
    """

    at = models.DateTimeField(_("begins at"))
    width_s = models.PositiveIntegerField(_("width in seconds"))  # see metrics.folding
    measure = models.CharField(_("measured"), max_length=8, choices=Measure.choices)
    format = models.CharField(_("format"), max_length=16, blank=True)
    code = models.CharField(_("code"), max_length=40, blank=True)
    count = models.PositiveBigIntegerField(_("number"))
    failures = models.PositiveBigIntegerField(_("of these failed"))
    total_ms = models.FloatField(_("sum of the durations in ms"))
    size_bytes = models.PositiveBigIntegerField(_("bytes"))
    histogram = models.JSONField(_("number by duration"))  # see metrics.histogram
    slowest_ms = models.FloatField(_("longest duration in ms"))
    slowest_item_id = models.BigIntegerField(_("its item"), null=True)

    class Meta:
        db_table = "local_import_metric_bucket"
        verbose_name = _("metric bucket")
        verbose_name_plural = _("metric buckets")
        indexes = [
            models.Index(fields=["measure", "at"], name="metric_measure_time"),
            models.Index(fields=["width_s", "at"], name="metric_width_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.measure} {self.format} {self.code}: {self.count}"
