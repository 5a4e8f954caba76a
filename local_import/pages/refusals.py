"""What a page says when it cannot be shown: in the frame of all pages, with the way on."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from .page import draw


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return draw(request, "forbidden", _("Not for your role"), status=403)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A page says why by Http404(reason); what the resolver raises is for no reader."""
    told = isinstance(exception, Http404) and exception.args and isinstance(exception.args[0], str)
    reason = exception.args[0] if told else ""
    return draw(request, "missing", _("Not there"), {"reason": reason}, status=404)


def expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid token: mostly a page that stood open since before the last sign-in."""
    return draw(request, "expired", _("This form has expired"), status=403)
