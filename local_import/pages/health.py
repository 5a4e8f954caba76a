"""The health page: the doctor's points, workers, beat's timetable, the disk and the settings."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from ..doctor import examine
from ..runway import runway
from ..services import configuration, timetable
from ..services.workers import workers
from .page import Context, draw

# Parts of the page: a broker that is away is waited for, and none asks too much of the database at once.
_POINTS = {
    "base": ("settings", "database", "migrations", "clock"),
    "broker": ("broker",),
    "work": ("library", "consistency", "workers", "beat"),
    "alarm": ("alerts",),
}


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def health(request: HttpRequest) -> HttpResponse:
    return draw(
        request,
        "health",
        _("Health"),
        {"settings": configuration.SETTINGS},
        parts={"workers": _workers, "timetable": _timetable},
        later={part: partial(_points, names) for part, names in _POINTS.items()} | {"disk": _disk},
        moving=True,
    )


def _points(names: tuple[str, ...]) -> Context:
    return {"points": list(examine(names))}


_WORDS = {
    "alive": gettext_lazy("alive"),
    "silent": gettext_lazy("silent"),
    "dead": gettext_lazy("dead"),
}


def _workers() -> Context:
    return {"workers": [_shown(worker) for worker in workers()]}


def _shown(worker: dict[str, Any]) -> dict[str, Any]:
    heard = timezone.now() - timedelta(seconds=worker["silent_s"])
    since = datetime.fromisoformat(worker["started_at"])
    return worker | {"word": _WORDS[worker["state"]], "heard_at": heard, "since": since}


def _timetable() -> Context:
    return {"entries": timetable.entries()}


def _disk() -> Context:
    try:
        return {"left": runway()}
    except OSError as error:
        return {"trouble": error.strerror or str(error)}
