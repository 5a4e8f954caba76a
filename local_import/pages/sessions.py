"""The list of sessions."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..audit_log_repository import row_id
from ..services.session_list import FAMILIES, Wanted, page_of
from ..states import SESSION_RUNNING, ImportMode, SessionState
from .filters import query_from, word
from .page import Context, draw

LONGEST_TEXT = 200  # characters of a filter


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def sessions(request: HttpRequest) -> HttpResponse:
    wanted = _wanted(request)
    after = row_id(request.GET.get("after", ""))
    if "after" in request.GET and after is None:
        raise Http404(_("The list has no such place. Begin at its top."))
    page = page_of(wanted, after)
    moving = after is None and any(row.state in SESSION_RUNNING for row, _progress in page.rows)

    def listed() -> Context:
        return {
            "page": page,
            "first": query_from(request, None) if after is not None else "",
            "next": query_from(request, page.after) if page.after else "",
        }

    context = {"wanted": wanted, "states": SessionState.choices, "modes": ImportMode.choices}
    parts = {"list": listed}
    return draw(request, "sessions", _("Sessions"), context, parts=parts, moving=moving)


def _wanted(request: HttpRequest) -> Wanted:
    return Wanted(
        state=word(request, "state", [*FAMILIES, *SessionState.values]),
        mode=word(request, "mode", ImportMode.values),
        text=request.GET.get("text", "")[:LONGEST_TEXT],
        failures=word(request, "failures", ["yes"]) == "yes",
        in_sources=request.user.has_perm("local_import.see_details"),
    )
