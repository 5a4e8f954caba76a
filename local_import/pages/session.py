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
from ..services.progress import Progress, progress_of
from ..services.speed import speed_of
from ..states import ITEM_STOPPED as _ENDS
from ..states import SESSION_RUNNING, ItemState
from ..transactions import database_now, one_moment
from .filters import word
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
    """With a matrix: a row for each state that is a step of the way, a column for each that leaves it.

    Of a session at rest, rows in which nothing is are left out; while it runs, they would come and go.
    """
    progress = progress_of(session)
    every = [_row(progress, step) for step in ItemState if step not in _ENDS]
    runs = session.state in SESSION_RUNNING
    rows = [row for row in every if runs or row[1] or any(number for _end, number in row[2])]
    ends = [(end, progress.counts.get(end, 0)) for end in _ENDS]
    return {"progress": progress, "steps": rows, "ends": ends}


def _row(progress: Progress, step: ItemState) -> tuple[ItemState, int, list[tuple[ItemState, int]]]:
    """A step, the files that are in it, and those that left it, by their end."""
    stopped = [(end, progress.stops.get(end, {}).get(step, 0)) for end in _ENDS]
    return step, progress.counts.get(step, 0), stopped


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
    chapter = story.Chapter(word(request, "story", story.Chapter.values) or story.Chapter.OWN)
    rows = story.story_of(session.pk, chapter, before)
    oldest = rows[-1].pk if len(rows) == story.ROWS else None
    chapters = story.Chapter.choices
    told = {"rows": rows, "chapter": chapter, "chapters": chapters}
    return told | {"oldest": oldest, "before": before}


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the session does not move: asked for by itself, for it takes a look at much."""
    with one_moment():
        row = session_or_404(pk)
        parts = {"answer": lambda: {"explanation": explain_session(row, database_now())}}
        title = _("Session %(number)d: what it waits for") % {"number": pk}
        return draw(request, "session_why", title, {"session": row}, parts=parts)
