"""What a page says when it cannot be shown: in the frame of all pages, with the way on."""

from __future__ import annotations

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _

from .page import draw


def unacceptable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Too much to read, or nothing that a browser sends by itself."""
    if not hasattr(request, "user"):  # refused before it is known who asks
        return HttpResponseBadRequest("Bad request", content_type="text/plain")
    too_large = isinstance(exception, RequestDataTooBig)
    told = {"too_large": too_large}
    return draw(request, "unacceptable", _("Cannot be read"), told, status=400)


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
