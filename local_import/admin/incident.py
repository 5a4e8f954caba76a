"""Incidents in the admin: what fails, where, how often, and what to do about it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Incident
from .base import ReadOnlyAdmin, list_link


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    list_display = ("id", "badge", "code", "place", "count", "last_seen_at", "advice", "files")
    list_filter = ("state", "code")
    ordering = ("-last_seen_at", "-id")
    exclude = ("failure",)
    readonly_fields = ("badge", "files", "summary", "diagnosis", "actions_list", "evidence")

    @admin.display(description=_("files that fail of it"))
    def files(self, incident: Incident) -> SafeString:
        return list_link("importitem", incident, _("see them"))
