"""Addresses of the web pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from local_import.pages import probes
from local_import.prometheus import scrape

admin.site.site_url = None  # the import desk has its own link
handler400 = "local_import.pages.refusals.unacceptable"
handler403 = "local_import.pages.refusals.forbidden"
handler404 = "local_import.pages.refusals.missing"
urlpatterns = [
    path("healthz", probes.alive),
    path("readyz", probes.ready),
    path("", RedirectView.as_view(pattern_name="import:overview")),
    path("import/", include("local_import.pages.urls")),
    path("metrics", scrape, name="metrics"),
    path("admin/", admin.site.urls),
    path("language/", include("django.conf.urls.i18n")),
]
