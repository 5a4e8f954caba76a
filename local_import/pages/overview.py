"""The first page: what needs attention, what runs, and what to do next."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..models import ImportSession
from .page import Context, draw


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    return draw(request, "overview", _("Overview"), parts={"running": _running}, moving=True)


def _running() -> Context:
    return {"sessions": ImportSession.objects.running().order_by("-pk")[:20]}
