"""The library's originals in the admin."""

from __future__ import annotations

from django.contrib import admin

from ..models import Media
from .base import ReadOnlyAdmin


@admin.register(Media)
class MediaAdmin(ReadOnlyAdmin):
    list_display = (
        "path",
        "kind",
        "size_bytes",
        "captured_wall",
        "captured_source",
        "captured_confidence",
        "camera_model",
        "original_name",
    )
    list_filter = ("kind", "captured_source", "captured_confidence")
    search_fields = ("path__startswith", "sha256__startswith")
    ordering = ("-id",)
