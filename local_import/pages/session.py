"""The page of one session."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..models import ImportSession
from ..state_synchronizer import StateSynchronizer
from ..states import SESSION_RUNNING
from .page import Context, draw


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def session(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(ImportSession, pk=pk)
    return draw(
        request,
        "session",
        _("Session %(number)d") % {"number": pk},
        {"session": row},
        parts={"progress": lambda: _progress(row)},
        moving=row.state in SESSION_RUNNING,
    )


def _progress(session: ImportSession) -> Context:
    return {"snapshot": StateSynchronizer().get_session_snapshot(session.pk)}
