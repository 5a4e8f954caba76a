"""The page of one file: its picture, what is known of it, what happened to it, and what to do."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
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
    explain = f"{reverse('import:explain')}?target=item:{pk}"
    told = {"item": row, "facts": thumbnails.facts_of(row), "explain": explain}
    return draw(
        request,
        "item",
        _("File %(number)d") % {"number": pk},
        told,
        parts={"state": partial(_state, row)},
        later={"why": partial(_why, row)},
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


def _state(item: ImportItem) -> Context:
    """While the file moves, why it waits is a part of its own: that takes a look at much."""
    told = story(item)
    known: Context = {"story": told, "steps": told.steps, "attempts": told.attempts}
    known["fails"] = item.state in ITEM_UNRESOLVED
    if item.state in ITEM_AT_REST and not known["fails"]:
        known |= _why(item)
    return known


def _why(item: ImportItem) -> Context:
    return {"explanation": explain_item(item, database_now())}
