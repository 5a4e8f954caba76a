"""The first page: what needs attention, what runs, and what to do next."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..models import Alert, ImportSession
from ..services.attention import machinery, trouble
from ..services.session_list import with_progress
from ..states import SessionState
from .page import Context, draw

SHOWN_ALERTS, SHOWN_RUNNING, SHOWN_FINISHED = 8, 20, 6
_ENDED = (SessionState.IMPORTED, SessionState.FAILED, SessionState.CANCELED)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def overview(request: HttpRequest) -> HttpResponse:
    parts = {
        "alerts": _alerts,
        "attention": lambda: {"trouble": trouble()},
        "running": _running,
        "machinery": lambda: {"machinery": machinery(_sessions_running())},
        "finished": _finished,
    }
    return draw(request, "overview", _("Overview"), parts=parts, moving=True)


def _alerts() -> Context:
    firing = Alert.objects.firing().select_related("rule").order_by("-fired_at")
    return {"alerts": firing[:SHOWN_ALERTS]}


def _sessions_running() -> list[ImportSession]:
    running = ImportSession.objects.running().select_related("created_by")
    return list(running.order_by("-pk")[:SHOWN_RUNNING])


def _running() -> Context:
    return {"rows": with_progress(_sessions_running())}


def _finished() -> Context:
    ended = ImportSession.objects.filter(state__in=_ENDED).select_related("created_by")
    return {"rows": with_progress(list(ended.order_by("-pk")[:SHOWN_FINISHED]))}
