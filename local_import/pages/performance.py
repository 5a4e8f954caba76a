"""How much was imported, how fast, and what took how long: from metrics, never from the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .. import metrics
from ..models.metric_bucket import Measure
from .page import Context, draw

SPANS = {
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "24h": timedelta(days=1),
    "72h": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
POINTS = 60  # columns of the chart
_DAY = timedelta(days=1)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def performance(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("span", "24h")
    if asked not in SPANS:
        raise Http404(_("Of a span like that nothing is told. Choose: %s.") % ", ".join(SPANS))
    later = {"numbers": partial(_numbers, SPANS[asked]), "course": partial(_course, SPANS[asked])}
    told = {"spans": list(SPANS), "span": asked}
    return draw(request, "performance", _("Performance"), told, later=later)


def _numbers(span: timedelta) -> Context:
    found = metrics.metrics(timezone.now() - span)
    steps = [step | {"label": Measure(step["step"]).label} for step in found["steps"]]
    return {"found": found, "steps": [step for step in steps if step["count"]]}


def _course(span: timedelta) -> Context:
    pieces = metrics.series(timezone.now() - span, points=POINTS)
    for piece in pieces:
        moment = timezone.localtime(datetime.fromisoformat(piece["at"]))
        piece["when"] = date_format(moment, "H:i" if span <= _DAY else "Y-m-d H:i")
        piece["good"] = piece["count"] - piece["failed"]
    drawn = [(piece["when"], piece["good"], piece["failed"]) for piece in pieces]
    return {"pieces": [piece for piece in pieces if piece["count"]], "drawn": drawn}
