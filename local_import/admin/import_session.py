"""Sessions in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import ImportSession
from .base import ReadOnlyAdmin


@admin.register(ImportSession)
class ImportSessionAdmin(ReadOnlyAdmin):
    list_display = ("id", "badge", "label", "source", "mode", "items", "advice", "started_at")
    list_filter = ("state", "mode", "error_code")
    search_fields = ("label", "source")
    ordering = ("-id",)
    exclude = ("source_path", "failure")
    readonly_fields = ("badge", "items", "audit", "diagnosis", "actions_list")

    @admin.display(description=_("items"))
    def items(self, session: ImportSession) -> SafeString:
        terms = [f"{number} {name}" for name, number in session.counts.items() if number]
        address = reverse("admin:local_import_importitem_changelist")
        return format_html(
            '<a href="{}?session__id__exact={}">{}</a>',
            address,
            session.pk,
            ", ".join(terms) or _("none"),
        )

    @admin.display(description=_("audit log"))
    def audit(self, session: ImportSession) -> SafeString:
        address = reverse("admin:local_import_auditlog_changelist")
        return format_html(
            '<a href="{}?session__id__exact={}">{}</a>', address, session.pk, _("its rows")
        )
