"""Two questions of whatever runs the server: is it alive, can it work? No sign-in, and one word as answer."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .. import versions
from ..bounded import within

LOOK_S = 3.0  # a database that is away must not hold the probe


@login_not_required
@require_safe
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return _said("alive")


@login_not_required
@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """The database answers, and its tables are those of the code."""
    try:
        misfit = within(LOOK_S, _misfit)
    except (DatabaseError, TimeoutError):
        return _said("no database", 503)
    return _said("other tables", 503) if misfit else _said("ready")


def _misfit() -> str:
    try:
        return versions.misfit()
    finally:
        connection.close()  # of the thread that looked


def _said(word: str, status: int = 200) -> HttpResponse:
    return HttpResponse(f"{word}\n", content_type="text/plain", status=status)
