"""Who asks: the browser's time zone, an ended sign-in within a page, and text that no database holds."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone

from ..correlation import correlated, new_id

COOKIE = "zone"  # set by zone.js: the browser's IANA time zone
Answer = Callable[[HttpRequest], HttpResponse]


def in_the_viewers_zone(answer: Answer) -> Answer:
    """Middleware: times are told in the zone of the browser, before it is known in the server's."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(_zone(request.COOKIES.get(COOKIE, ""))):
            return answer(request)

    return middleware


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name[:64])
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a stranger writes cookies
        return ZoneInfo(settings.TIME_ZONE)


def no_login_form_in_a_part(answer: Answer) -> Answer:
    """Middleware: a part of a page that is asked for after the sign-in ended is answered with 401.

    A redirect would be followed, and the form to sign in would be drawn in the middle of the page.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        is_part = request.headers.get("HX-Request") == "true"
        to_login = response.headers.get("Location", "").startswith(resolve_url(settings.LOGIN_URL))
        return HttpResponse(status=401) if is_part and to_login else response

    return middleware


def correlated_request(answer: Answer) -> Answer:
    """Middleware: what a request writes to the audit log carries one id; the answer names it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = new_id("page")
        with correlated(request_id=request_id):
            response = answer(request)
        response.headers["X-Request-ID"] = request_id
        return response

    return middleware


def without_nul(answer: Answer) -> Answer:
    """Middleware: no browser sends U+0000 by itself, and PostgreSQL can neither store nor look for it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = [*request.GET.lists(), *request.POST.lists()]
        texts = [request.path, *(text for word, values in sent for text in (word, *values))]
        if any("\0" in text for text in texts):
            raise BadRequest("U+0000 in an address or a form")
        return answer(request)

    return middleware
