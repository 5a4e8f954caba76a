"""What all pages share: their frame, and the parts of a page that are drawn anew alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from .navigation import sections

Context = dict[str, Any]
Parts = Mapping[str, Callable[[], Context]]


def draw(
    request: HttpRequest,
    name: str,
    title: str,
    context: Context | None = None,
    *,
    parts: Parts | None = None,
    later: Parts | None = None,
    moving: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The page of the template local_import/<name>.html, or one part of it where ?part= asks for it.

    Each part is the template local_import/<name>/<part>.html, drawn with what its function returns;
    the page places it as {{ parts.<part> }}. While something is moving, the browser asks for the parts
    again; a part that would be drawn as it was is answered with 204. The parts of `later` take long: the
    browser asks for them once the page is there, and once more when all has come to rest; they are placed
    like the others.
    """
    context, parts, later = context or {}, parts or {}, later or {}
    asked, known_parts = request.GET.get("part"), {**parts, **later}
    if known_parts and asked is not None:
        if asked not in known_parts:
            raise Http404(_("This page has no part of that name."))
        more, moves = known_parts[asked], moving and asked in parts
        return _alone(request, name, asked, context, more, moves, once=asked in later)
    drawn = {part: _promised(request, part) for part in later} | {
        part: _section(request, name, part, context | more(), moving)[0]
        for part, more in parts.items()
    }
    frame = admin.site.each_context(request) | {"title": title, "sections": sections(request)}
    known = context | {"parts": drawn, "moving": moving, "now": timezone.now()}
    return render(request, f"local_import/{name}.html", frame | known, status=status)


def _promised(request: HttpRequest, part: str) -> SafeString:
    address = f"{request.path}?{_asking_for(request, part)}"
    return render_to_string("local_import/later.html", {"part": part, "address": address})


def _alone(
    request: HttpRequest,
    name: str,
    part: str,
    context: Context,
    more: Callable[[], Context],
    moving: bool,
    once: bool,
) -> HttpResponse:
    section, mark = _section(request, name, part, context | more(), moving, once=once)
    if moving and mark == request.GET.get("seen"):
        return HttpResponse(status=204)
    return HttpResponse(section)


def _section(
    request: HttpRequest,
    name: str,
    part: str,
    context: Context,
    moving: bool,
    *,
    once: bool = False,
) -> tuple[SafeString, str]:
    """The part in its frame, and a mark that is another when the part is another."""
    known = context | {"moving": moving}
    body = render_to_string(f"local_import/{name}/{part}.html", known, request)
    mark = blake2b(body.encode(), digest_size=8).hexdigest()
    framed = {"part": part, "body": mark_safe(body), "mark": mark, "moving": moving}  # noqa: S308
    address = f"{request.path}?{_asking_for(request, part)}"
    return render_to_string(
        "local_import/part.html", framed | {"address": address, "once": once}
    ), mark


def _asking_for(request: HttpRequest, part: str) -> str:
    query: QueryDict = request.GET.copy()
    query.pop("seen", None)
    query["part"] = part
    return query.urlencode()
