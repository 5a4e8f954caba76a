"""The page of one file: its picture, what is known of it, what happened to it, and what to do."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .. import thumbnails
from ..audit_log_repository import row_id
from ..models import ImportItem
from ..reporting.item_story import story, with_neighbours
from ..services.explain.item import explain_item
from ..states import ITEM_AT_REST, ITEM_UNRESOLVED
from ..transactions import database_now
from .page import Context, draw


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def item(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_item(pk, neighbours=True)
    told = {"item": row, "facts": thumbnails.facts_of(row)}
    return draw(
        request,
        "item",
        _("File %(number)d") % {"number": pk},
        told,
        parts={"state": lambda: _state(pk, row)},
        moving=row.state not in ITEM_AT_REST,
    )


def get_item(pk: int, *, neighbours: bool = False) -> ImportItem:
    """With its session, media and incident. Raises Http404 in words."""
    items: QuerySet[ImportItem] = ImportItem.objects.select_related("session", "media", "incident")
    if neighbours:
        items = with_neighbours(items)
    found = items.filter(pk=pk).first() if row_id(str(pk)) else None
    if found is None:
        raise Http404(_("There is no file with the number %(number)d.") % {"number": pk})
    return found


def _state(pk: int, item: ImportItem) -> Context:
    told = story(item)
    known: Context = {"story": told, "steps": told.steps, "attempts": told.attempts}
    if item.state not in ITEM_UNRESOLVED:
        known["explanation"] = explain_item(item, database_now())
    return known
