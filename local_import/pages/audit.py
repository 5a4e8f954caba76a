"""The audit log: what happened, newest first, narrowed by a filter, and taken away as NDJSON or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from .. import names
from ..audit_log_repository import row_id
from ..filters import Filter, Word, has_parts
from ..filters.words import LONGEST
from ..models import AuditLog
from ..reporting import audit_rows
from ..reporting.cells import Echo, defused
from .filtered import filtered
from .page import draw

_COLUMNS = (
    *("id", "timestamp", "level", "category", "action", "session_id", "item_id", "from_state"),
    *("to_state", "message", "actor", "request_id", "task_id", "duration_ms", "error_type"),
    *("error_message", "details"),
)
_FACTS = {
    "session": "session_id",
    "item": "item_id",
    "from": "from_state",
    "to": "to_state",
    "level": "level",
    "category": "category",
    "action": "action",
    "actor": "actor",
    "error": "error_type",
    "request": "request_id",
    "task": "task_id",
}
_MOST_DETAILS = 20  # of one row that become links
_KINDS = {"ndjson": "application/x-ndjson", "csv": "text/csv"}


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def audit(request: HttpRequest) -> HttpResponse:
    wanted, shown = filtered(request, _words(request))
    if wanted is None:
        return draw(request, "audit", _("Audit log"), shown, status=400)
    portion = audit_rows.portion(wanted, _before(request))
    tally = audit_rows.tally(wanted, portion)
    told = {
        "portion": portion,
        "entries": [(row, list(_facts(row, wanted))) for row in portion.rows],
        "categories": [
            (category, count, wanted.narrowed("category", category))
            for category, count in tally.categories
        ],
        "course": (course := list(_course(tally, wanted))),
        "drawn": [row[:3] for row in course],
        "most": audit_rows.MOST_EXPORTED,
        "around": audit_rows.STRETCH // 2,
    }
    return draw(request, "audit", _("Audit log"), shown | told)


def _course(tally: audit_rows.Tally, wanted: Filter) -> Iterator[tuple[str, int, int, str]]:
    """When, good and bad rows, and the filter narrowed to them."""
    for column in tally.course:
        since, until = (
            timezone.localtime(moment) for moment in (column.since, column.since + tally.step)
        )
        rest = wanted.without("since", "until")
        narrowed = f"{rest} since:{since:%Y-%m-%dT%H:%M} until:{until:%Y-%m-%dT%H:%M}".strip()
        yield f"{since:%Y-%m-%d %H:%M}", column.good, column.bad, narrowed


def _words(request: HttpRequest) -> dict[str, Word]:
    may_see = request.user.has_perm("local_import.see_details")
    return audit_rows.WORDS | (audit_rows.INNER_WORDS if may_see else {})


def _facts(row: AuditLog, wanted: Filter) -> Iterator[tuple[str, str]]:
    """What a row can be filtered for, legible, and the filter narrowed to it."""
    known = {word: str(getattr(row, name) or "") for word, name in _FACTS.items()}
    for word, value in (known | _details(row)).items():
        of_word = audit_rows.WORDS.get(word)
        is_known = not of_word or not of_word.values or value in of_word.values
        if is_known and 0 < len(value) <= LONGEST and "\0" not in value:
            yield f"{word}: {names.legible(value)}", wanted.narrowed(word, value)


def _details(row: AuditLog) -> dict[str, str]:
    if not isinstance(row.details, dict):
        return {}
    plain = {k: v for k, v in row.details.items() if has_parts(k) and "." not in k}
    return {
        f"details.{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in list(plain.items())[:_MOST_DETAILS]
        if isinstance(value, str | int | float)
    }


def _before(request: HttpRequest) -> int | None:
    asked = request.GET.get("before")
    if asked is None:
        return None
    if (number := row_id(asked)) is None:
        raise Http404(_("There is no audit row of that number."))
    return number


@require_safe
@permission_required("local_import.see_details", raise_exception=True)
def audit_export(request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
    """What the filter asks for, as far as MOST_EXPORTED rows; written while it is read."""
    wanted, shown = filtered(request, _words(request))
    if wanted is None:
        return draw(request, "audit", _("Audit log"), shown, status=400)
    if form not in _KINDS:
        raise Http404(_("The audit log is taken away as ndjson or as csv."))
    rows = map(_plain, audit_rows.exported(wanted))
    lines = _as_csv(rows) if form == "csv" else (f"{json.dumps(row)}\n" for row in rows)
    answer = StreamingHttpResponse(lines, content_type=f"{_KINDS[form]}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="audit-log.{form}"'
    return answer


def _plain(row: AuditLog) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _COLUMNS} | {
        "timestamp": row.timestamp.isoformat()
    }


def _as_csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield writer.writerow(_COLUMNS)
    for row in rows:
        cells = {**row, "details": json.dumps(row["details"])}
        yield writer.writerow([defused(str(cells[name] or "")) for name in _COLUMNS])
