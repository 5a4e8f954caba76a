"""The list of sessions."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..models import ImportSession
from .page import draw


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def sessions(request: HttpRequest) -> HttpResponse:
    found = ImportSession.objects.order_by("-pk")[:50]
    return draw(request, "sessions", _("Sessions"), {"sessions": found})
