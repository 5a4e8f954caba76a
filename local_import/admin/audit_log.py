"""The audit log in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from ..models import AuditLog
from .base import ReadOnlyAdmin


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = (
        "timestamp",
        "level",
        "category",
        "message",
        "from_state",
        "to_state",
        "session_id",
        "item_id",
        "actor",
        "duration_ms",
    )
    list_filter = ("level", "category")
    ordering = ("-id",)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        ours = ("session__id__exact", "item__id__exact")
        return lookup in ours or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
