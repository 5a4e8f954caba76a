"""The page of one session: where it stands, how far it is, what fails in it, and what happened."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..audit_log_repository import row_id
from ..models import ImportSession
from ..services import story
from ..services.explain.session import explain_session
from ..services.progress import progress_of
from ..services.speed import speed_of
from ..states import ITEM_IN_WORK, ITEM_UNRESOLVED, SESSION_RUNNING, ItemState
from ..transactions import database_now, one_moment
from .page import Context, Parts, draw
from .session_way import drawn_way


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def session(request: HttpRequest, pk: int) -> HttpResponse:
    row = session_or_404(pk)
    parts: Parts = {
        "progress": partial(_progress, row),
        "actions": dict,
        "problems": partial(_problems, row),
        "way": partial(drawn_way, row),
        "story": partial(_story, row, request),
    }
    later = {"speed": lambda: {"speed": speed_of(pk)}} if row.started_at else {}
    return draw(
        request,
        "session",
        _("Session %(number)d") % {"number": pk},
        {"session": row},
        parts=parts,
        later=later,
        moving=row.state in SESSION_RUNNING,
    )


def session_or_404(pk: int) -> ImportSession:
    found = ImportSession.objects.select_related("created_by").filter(pk=pk).first()
    if found is None:
        raise Http404(
            _("There is no session %(number)d, or it is not there any more.") % {"number": pk}
        )
    return found


def _progress(session: ImportSession) -> Context:
    progress = progress_of(session)
    families = (
        (_("wait"), (ItemState.PENDING,)),
        (_("in work"), ITEM_IN_WORK),
        (_("done"), (ItemState.IMPORTED, ItemState.SKIPPED, ItemState.SOURCE_RESTORED)),
        (_("not imported"), ITEM_UNRESOLVED),
    )
    shown = [
        {
            "word": word,
            "number": sum(progress.counts.get(state, 0) for state in states),
            "states": [(state, state.label, progress.counts.get(state, 0)) for state in states],
        }
        for word, states in families
    ]
    return {"progress": progress, "families": shown}


def _problems(session: ImportSession) -> Context:
    return {
        "problems": story.problems_of(session.pk),
        "most": story.PROBLEMS,
        "counted": story.MOST_COUNTED,
    }


def _story(session: ImportSession, request: HttpRequest) -> Context:
    asked = request.GET.get("before", "")
    before = row_id(asked)
    if asked and before is None:
        raise Http404(_("There is no audit row of that number."))
    errors = request.GET.get("story") == "errors"
    rows = story.story_of(session.pk, before=before, errors=errors)
    oldest = rows[-1].pk if len(rows) == story.ROWS else None
    return {"rows": rows, "errors_only": errors, "oldest": oldest, "before": before}


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the session does not move: asked for by itself, for it takes a look at much."""
    with one_moment():
        row = session_or_404(pk)
        parts = {"answer": lambda: {"explanation": explain_session(row, database_now())}}
        title = _("Session %(number)d: what it waits for") % {"number": pk}
        return draw(request, "session_why", title, {"session": row}, parts=parts)
