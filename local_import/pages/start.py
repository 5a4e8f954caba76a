"""Starting an import: choose a directory, see what would become of its files, start."""

from __future__ import annotations

import os

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from ..audit_logger import Actor
from ..errors import ImportProblem
from ..models import ImportSession
from ..services import background, browsing, sessions
from ..services.browsing import Place
from ..services.dry_run import dry_run
from ..states import ImportMode, SessionState
from ..troubleshooting import TroubleshootingEngine
from .page import Context, draw

LONGEST_LABEL = 200  # characters


@require_http_methods(["GET", "HEAD", "POST"])
@permission_required(
    ["local_import.see_details", "local_import.operate_import"], raise_exception=True
)
def start(request: HttpRequest) -> HttpResponse:
    """GET shows a place and, with ?mode=, what would be imported from it; POST starts the import."""
    asked = request.POST if request.method == "POST" else request.GET
    at = _place(asked.get("root", ""), asked.get("below", ""))
    mode = asked.get("mode", "")
    if mode and mode not in ImportMode.values:
        raise Http404(_("A file is either copied or moved."))
    if request.method == "POST":
        return _start(request, at, mode)
    return _show(request, at, mode)


def _place(root: str, below: str) -> Place | None:
    """None where none is chosen yet."""
    if not root:
        return None
    try:
        at = browsing.place(root, below)
        if os.path.realpath(at.path) != at.path:
            raise browsing.NotAllowed
    except browsing.NotAllowed:
        raise Http404(_("That is no directory below those from which may be imported.")) from None
    return at


def _show(
    request: HttpRequest, at: Place | None, mode: str, failure: Context | None = None
) -> HttpResponse:
    context = {
        "at": at,
        "roots": browsing.roots(),
        "inside": _inside(at) if at else None,
        "modes": ImportMode.choices,
        "mode": mode,
        "label": request.POST.get("label") or request.GET.get("label", ""),
        "longest": LONGEST_LABEL,
        "failure": failure,
        "is_preview": bool(at and mode and not failure),
        "settings_file": settings.BASE_DIR / ".env",
    }
    later = {"preview": lambda: _preview(at.path, mode)} if at and mode else {}
    return draw(
        request,
        "start",
        _("Start an import"),
        context,
        later=later,
        status=409 if failure else 200,
    )


def _inside(at: Place) -> browsing.Inside:
    try:
        return browsing.look(at)
    except browsing.NotAllowed:
        raise Http404(_("A link stands on the way; links are not followed.")) from None


def _preview(path: bytes, mode: str) -> Context:
    before = sessions.unfinished(path, mode)
    try:
        return {"found": dry_run(path, mode), "before": before}
    except ImportProblem as problem:
        return {"failure": _told(problem), "before": before}


def _start(request: HttpRequest, at: Place | None, mode: str) -> HttpResponse:
    """Twice at once, as by a double click, starts once."""
    if at is None or not mode:
        raise Http404(_("Choose a directory and whether its files are copied or moved."))
    actor = Actor.of(request.user)  # type: ignore[arg-type]  # nobody else comes here
    label = request.POST.get("label", "").strip()[:LONGEST_LABEL]
    try:
        session, is_new = sessions.create_once(at.path, mode=mode, label=label, actor=actor)
    except ImportProblem as problem:
        return _show(request, at, mode, _told(problem))
    _begin(request, session, is_new, actor)
    return redirect("import:session", pk=session.pk)


def _begin(request: HttpRequest, session: ImportSession, is_new: bool, actor: Actor) -> None:
    if session.state == SessionState.READY:
        background.start(session.pk, actor=actor)
    if is_new:
        messages.success(request, _("The import is started; workers take it from here."))
    else:
        messages.info(request, _("This is the import of that directory that is not finished."))


def _told(problem: ImportProblem) -> Context:
    return TroubleshootingEngine().diagnose(problem).as_failure()
