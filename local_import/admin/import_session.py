"""Sessions in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import ImportSession
from .base import ReadOnlyAdmin, list_link


@admin.register(ImportSession)
class ImportSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "badge",
        "error_code",
        "advice",
        "label",
        "source",
        "mode",
        "items",
        "started_at",
    )
    list_filter = ("state", "mode", "error_code")
    search_fields = ("label", "source")
    ordering = ("-id",)
    exclude = ("source_path", "failure")
    readonly_fields = (
        "badge",
        "items",
        "audit",
        "summary",
        "diagnosis",
        "actions_list",
        "evidence",
    )

    @admin.display(description=_("items"))
    def items(self, session: ImportSession) -> SafeString:
        terms = [f"{number} {name}" for name, number in session.counts.items() if number]
        return list_link("importitem", session, ", ".join(terms) or _("none"))
