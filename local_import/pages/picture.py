"""The picture of one file: a thumbnail that is made on first sight, and the original for who may see all."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .. import drawing, thumbnails
from ..models import ImportItem
from ..thumbnails import Picture, Thumbnail
from .item import get_item

SANDBOX = "default-src 'none'; sandbox"
# What a browser shows as a picture and never as a document.
SHOWN = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "bmp": "image/bmp",
}


def _chosen(request: HttpRequest, item: ImportItem) -> Picture:
    """The file itself; with ?of=library, the one in the library that has the same bytes."""
    if request.GET.get("of") == "library" and item.media is not None:
        return thumbnails.picture_of_media(item.media)
    return thumbnails.picture_of_item(item)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def item_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of a page that shows the picture; asked for by the page once it is there."""
    if request.headers.get("HX-Request") != "true":
        return redirect("import:item", pk)
    item = get_item(pk)
    found = thumbnails.thumbnail(_chosen(request, item))
    why = thumbnails.why(found) if found else ""
    told = {"item": item, "found": found, "why": why, "of": request.GET.get("of", "")}
    return render(request, "local_import/picture.html", told)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def item_thumbnail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A WebP; where there is none, a drawing that says why."""
    found = thumbnails.thumbnail(_chosen(request, get_item(pk)))
    if found is None:
        drawn = drawing.placeholder("…", _("The picture is being made."))
        return _fixed(HttpResponse(drawn, content_type="image/svg+xml"), "no-store")
    etag = f'"{found.key}"' if found.key else None
    answer = get_conditional_response(request, etag) or _drawn(found)
    if etag:
        answer.headers["ETag"] = etag
    return _fixed(answer, "private, max-age=60" if etag else "no-store")


def _drawn(found: Thumbnail) -> HttpResponse:
    if found.picture:
        return HttpResponse(found.picture, content_type="image/webp")
    drawn = drawing.placeholder(found.code, str(thumbnails.why(found)))
    return HttpResponse(drawn, content_type="image/svg+xml")


def _fixed(answer: HttpResponseBase, cache: str) -> HttpResponseBase:
    answer.headers["Cache-Control"] = cache
    answer.headers["Content-Security-Policy"] = SANDBOX
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
@permission_required("local_import.see_details", raise_exception=True)
def item_original(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file as it is: its EXIF may hold a place, so it is for who may see those."""
    item = get_item(pk)
    try:
        found = thumbnails.Original(_chosen(request, item))
    except thumbnails.Unreachable as problem:
        why = thumbnails.why(Thumbnail("", code=problem.code))
        raise Http404(_("The original cannot be shown: %(why)s") % {"why": why}) from problem
    kind = SHOWN.get(found.kind)
    answer = StreamingHttpResponse(found, content_type=kind or "application/octet-stream")
    answer.headers["Content-Length"] = str(found.size_bytes)
    answer.headers["Content-Disposition"] = "inline" if kind else "attachment"
    return _fixed(answer, "private, no-store")
