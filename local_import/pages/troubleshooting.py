"""What fails now, across all sessions: the heaviest incidents first, and what stands still."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .. import incidents
from ..filters import Filter
from ..reporting import trouble
from ..transactions import database_now
from .filtered import filtered
from .page import Context, draw

SHOWN = 50  # incidents


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def troubleshooting(request: HttpRequest) -> HttpResponse:
    wanted, shown = filtered(request, trouble.WORDS)
    told = shown if wanted is None else shown | _told(wanted)
    status = 200 if wanted is not None else 400
    return draw(request, "troubleshooting", _("Troubleshooting"), told, status=status)


def _told(wanted: Filter) -> Context:
    now = database_now()
    found = trouble.unresolved(wanted)
    heavy = trouble.weighed(found, now)
    shown = heavy[:SHOWN]
    records = incidents.records_of([one.incident.pk for one in shown])
    told: dict[str, Any] = {
        "incidents": [(one, records.get(one.incident.pk)) for one in shown],
        "number": len(found),
        "is_cut": len(found) >= trouble.NEWEST,
        "matrix": trouble.matrix(found, now),
        "ages": [name for name, _limit in trouble.AGES],
        "held": sum(one.held for one in heavy),
        "findings": trouble.stuck(),
        "standing": trouble.standing(),
    }
    return told
