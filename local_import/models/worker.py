"""A worker process, as long as it lives: where it runs, and when it was last heard of."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .import_session import ImportSession


class Worker(models.Model):
    """Written by its own heartbeat (local_import.pipeline.lease); what it holds are the items whose
    owner is its name. The times are the database's."""

    name = models.CharField(_("host:process:start"), max_length=200, unique=True)
    host = models.CharField(_("host"), max_length=255)
    pid = models.PositiveIntegerField(_("process"))
    version = models.CharField(_("version of the desk"), max_length=40)
    queue = models.CharField(_("queue"), max_length=100, blank=True)
    session = models.ForeignKey(
        ImportSession,
        verbose_name=_("session"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="workers",
    )
    started_at = models.DateTimeField(_("started at"))
    heartbeat_at = models.DateTimeField(_("last heard of at"), db_index=True)

    class Meta:
        db_table = "local_import_worker"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name
