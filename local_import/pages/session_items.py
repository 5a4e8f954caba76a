"""The files of one session, by state, code, incident and the beginning of their path."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..audit_log_repository import row_id
from ..errors import ErrorCode
from ..operations import REGISTRY, Target
from ..services import possible
from ..services.item_list import Place, Wanted, page_of
from ..states import ItemState
from .filters import query_from, word
from .page import draw
from .session import session_or_404

LONGEST_PATH = 1_000  # characters of a filter


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def session_items(request: HttpRequest, pk: int) -> HttpResponse:
    row, wanted = session_or_404(pk), _wanted(request)
    page = page_of(pk, wanted, _after(request))
    context = {
        "session": row,
        "wanted": wanted,
        "page": page,
        "choosable": possible.REQUEUEABLE,
        "all_of_them": str(Target("files", (pk,), str(wanted))),
        "choices": [spec for spec in REGISTRY.values() if "items" in spec.kinds],
        "states": ItemState.choices,
        "codes": ErrorCode.choices,
        "first": query_from(request, None) if "after" in request.GET else "",
        "next": query_from(request, "-".join(map(str, page.after))) if page.after else "",
    }
    title = _("Session %(number)d: files") % {"number": pk}
    return draw(request, "session_items", title, context)


def _wanted(request: HttpRequest) -> Wanted:
    incident = request.GET.get("incident", "")
    if incident and row_id(incident) is None:
        raise Http404(_("An incident is named by its number."))
    return Wanted(
        word(request, "state", ItemState.values),
        word(request, "code", ErrorCode.values),
        row_id(incident),
        request.GET.get("path", "")[:LONGEST_PATH],
        word(request, "stopped_in", ItemState.values),
    )


def _after(request: HttpRequest) -> Place | None:
    """Where the page begins, as in failed-4711."""
    asked = request.GET.get("after")
    if asked is None:
        return None
    state, _dash, number = asked.partition("-")
    pk = row_id(number)
    if state not in ItemState.values or pk is None:
        raise Http404(_("The list has no such place. Begin at its top."))
    return state, pk
