"""The worker processes in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Worker
from .base import ReadOnlyAdmin, row_link


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ("host", "pid", "version", "queue", "at_work_on", "started_at", "heartbeat_at")
    ordering = ("-id",)

    @admin.display(description=_("session"))
    def at_work_on(self, worker: Worker) -> SafeString | str:
        return row_link("importsession", worker.session_id, worker.session_id)
