"""The page of one incident: what fails, where, whether the advice has helped, and its files."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..audit_log_repository import row_id
from ..incidents import record_after
from ..models import Incident
from ..reporting import incident_story
from .page import Context, draw

_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    row = _get(pk)
    files, following = incident_story.page_of(row, _place(request))
    told: Context = {
        "incident": row,
        "files": files,
        "following": "{}-{}".format(*following) if following else "",
        "is_first": "after" not in request.GET,
        "distribution": incident_story.distribution(row),
        "sessions": incident_story.sessions_of(row),
        "here": record_after(row.code, incident_id=row.pk),
        "anywhere": record_after(row.code),
    }
    return draw(request, "incident", _("Incident %(number)d") % {"number": pk}, told)


def _get(pk: int) -> Incident:
    found = Incident.objects.filter(pk=pk).first() if row_id(str(pk)) else None
    if found is None:
        raise Http404(_("There is no incident with the number %(number)d.") % {"number": pk})
    return found


def _place(request: HttpRequest) -> tuple[int, int] | None:
    text = request.GET.get("after")
    if text is None:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise Http404(_("The address of this page of the list is wrong: begin at the first one."))
    return int(found[1]), int(found[2])
