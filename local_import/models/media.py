"""An original in the library: one row, one file, one SHA-256."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Media(models.Model):
    """A file of the library. Rows are made only when an item settles (local_import.pipeline)."""

    sha256 = models.CharField(_("SHA-256"), max_length=64)
    path = models.CharField(_("path in the library"), max_length=255)
    size_bytes = models.BigIntegerField(_("size in bytes"))
    kind = models.CharField(_("kind"), max_length=16)
    width = models.PositiveIntegerField(_("width in pixels"), null=True)
    height = models.PositiveIntegerField(_("height in pixels"), null=True)
    captured_at = models.DateTimeField(_("captured at"), db_index=True)
    captured_offset_minutes = models.SmallIntegerField(_("offset of the camera's clock, minutes"))
    captured_source = models.CharField(_("where the capture time comes from"), max_length=16)
    captured_confidence = models.CharField(_("how sure the capture time is"), max_length=8)
    camera_make = models.CharField(_("camera make"), max_length=200, blank=True)
    camera_model = models.CharField(_("camera model"), max_length=200, blank=True)
    orientation = models.PositiveSmallIntegerField(_("EXIF orientation"), null=True)
    original_name = models.TextField(_("original name"), blank=True)
    damage = models.TextField(_("damage accepted by an operator"), blank=True)
    imported_at = models.DateTimeField(_("imported at"))
    verified_at = models.DateTimeField(_("bytes last verified at"), null=True, blank=True)
    # Its file is gone and was found nowhere, and that is known: the breaker does not count it again.
    lost_at = models.DateTimeField(_("file known to be lost since"), null=True, blank=True)

    class Meta:
        db_table = "local_import_media"
        verbose_name = _("media")
        verbose_name_plural = _("media")
        indexes = [
            models.Index(fields=["lost_at"], name="media_lost", condition=Q(lost_at__isnull=False)),
        ]
        constraints = [
            # Not `unique` on the fields: PostgreSQL would keep a second index of each for LIKE.
            models.UniqueConstraint(fields=["sha256"], name="media_once_per_content"),
            models.UniqueConstraint(fields=["path"], name="media_once_per_place"),
            models.CheckConstraint(condition=Q(size_bytes__gt=0), name="media_has_bytes"),
            models.CheckConstraint(condition=~Q(path=""), name="media_has_path"),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def captured_wall(self) -> datetime:
        """The time that the clock on the wall showed, without a zone."""
        wall = self.captured_at + timedelta(minutes=self.captured_offset_minutes)
        return wall.replace(tzinfo=None)
