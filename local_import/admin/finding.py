"""The findings of the consistency check in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Finding
from .base import ReadOnlyAdmin, row_link


@admin.register(Finding)
class FindingAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "severity",
        "state",
        "summary",
        "proposal",
        "rule",
        "session_link",
        "item_link",
        "first_seen_at",
        "last_seen_at",
    )
    list_filter = ("state", "severity")
    search_fields = ("rule__exact",)
    search_help_text = _("The code of a rule")
    ordering = ("-last_seen_at", "-id")

    @admin.display(description=_("session"))
    def session_link(self, row: Finding) -> SafeString | str:
        return row_link("importsession", row.session_id, row.session_id)

    @admin.display(description=_("item"))
    def item_link(self, row: Finding) -> SafeString | str:
        return row_link("importitem", row.item_id, row.item_id)
