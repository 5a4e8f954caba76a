"""The library's originals in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Media
from .base import ReadOnlyAdmin, list_link

KINDS = ("jpeg", "png", "webp", "tiff", "gif", "bmp", "avif")
SOURCES = ("exif_original", "exif_digitized", "exif_modified", "file_name", "file_time")
CONFIDENCES = ("certain", "likely", "guess")


class KnownValues(admin.SimpleListFilter):
    """Django's own filter of a text column reads the whole table to learn which values there are."""

    values: tuple[str, ...]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, value) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Media]) -> QuerySet[Media]:
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})


class KindFilter(KnownValues):
    title, parameter_name, values = _("kind"), "kind", KINDS


class SourceFilter(KnownValues):
    title, parameter_name = _("where the capture time comes from"), "captured_source"
    values = SOURCES


class ConfidenceFilter(KnownValues):
    title, parameter_name = _("how sure the capture time is"), "captured_confidence"
    values = CONFIDENCES


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
        "items",
    )
    list_filter = (KindFilter, SourceFilter, ConfidenceFilter)
    search_fields = ("path__startswith", "sha256__startswith")
    search_help_text = _("Beginning of the path in the library or of the SHA-256")
    ordering = ("-id",)
    readonly_fields = ("captured_wall", "items")

    @admin.display(description=_("items"))
    def items(self, media: Media) -> SafeString:
        return list_link("importitem", media, _("items with these bytes"))
