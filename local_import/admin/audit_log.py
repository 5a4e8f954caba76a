"""The audit log in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import AuditLog
from .base import ReadOnlyAdmin, row_link


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    list_display = (
        "timestamp",
        "level",
        "category",
        "message",
        "from_state",
        "to_state",
        "session_link",
        "item_link",
        "actor",
        "duration_ms",
    )
    list_filter = ("level", "category")
    search_fields = ("external_item__exact",)
    search_help_text = _("The whole id of an item of another importer")
    ordering = ("-id",)

    # Links by number: the session or item of another importer may be no row of ours.
    @admin.display(description=_("session"))
    def session_link(self, row: AuditLog) -> SafeString | str:
        return row_link("importsession", row.session_id, row.session_id)

    @admin.display(description=_("item"))
    def item_link(self, row: AuditLog) -> SafeString | str:
        return row_link("importitem", row.item_id, row.item_id)
