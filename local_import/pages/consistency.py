"""The consistency pages: the rules and when they were asked, the findings, and what to do about one."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from ..audit_log_repository import row_id
from ..audit_logger import Actor
from ..bounded import within
from ..consistency import breaker, findings, overview, quarantine
from ..consistency.look import FREEZING, RULES
from ..errors import Severity
from ..fsops import Tree
from ..models import Finding
from ..models.finding import STANDING, FindingState
from ..transactions import database_now
from .page import Context, draw

SHOWN = 200  # files of the quarantine
LOOK_S = 5.0  # how long its disk may take
LONGEST_DAYS = 3650
LONGEST_REASON = 2_000  # characters
STATES = [("standing", gettext_lazy("wrong now")), *FindingState.choices]


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def consistency(request: HttpRequest) -> HttpResponse:
    parts = {"breaker": _breaker, "rules": lambda: {"lines": overview.rules()}}
    return draw(request, "consistency", _("Consistency"), parts=parts, moving=True)


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def quarantined(request: HttpRequest) -> HttpResponse:
    parts = {"held": _held}
    return draw(request, "quarantine", _("Quarantine"), later=parts)


def _held() -> Context:
    """What was set aside, the first of it; the disk is asked, for a moment at most."""
    try:
        found = within(LOOK_S, _look_into_quarantine)
    except OSError as error:  # TimeoutError is one
        return {"trouble": error.strerror or str(error)}
    if found is None:
        return {"trouble": _("The library is not there, or not mounted.")}
    return {"held": found[:SHOWN], "more": len(found) > SHOWN, "shown": SHOWN}


def _look_into_quarantine() -> list[dict[str, Any]] | None:
    with breaker.library_to_look_at() as library:
        if library is None:
            return None
        some = islice(quarantine.held(library), SHOWN + 1)
        return [_told(library, held) for held in some]


def _told(library: Tree, held: quarantine.Held) -> dict[str, Any]:
    """As text that is safe on any screen; the paths are those in the library."""
    told = quarantine.told(library, held)
    at = parse_datetime(told["at"] or "")
    return {
        **told,
        "target": f"quarantine:{told['name']}",
        "size": told["bytes"],
        "origin": told["from"] or "",
        "at": at if at and at.tzinfo else None,
    }


def _breaker() -> Context:
    return {"freezing": overview.freezing()}


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def findings_list(request: HttpRequest) -> HttpResponse:
    wanted = _wanted(request)
    rows = overview.findings(wanted, _number(request, "before"))
    shown = rows[: overview.ROWS_OF_A_PAGE]
    context = {
        "wanted": wanted,
        "findings": shown,
        "next": _from(request, shown[-1].pk) if len(rows) > len(shown) else "",
        "is_first": "before" not in request.GET,
        "rules": sorted(RULES),
        "severities": Severity.choices,
        "states": STATES,
    }
    return draw(request, "findings", _("Findings"), context)


def _wanted(request: HttpRequest) -> overview.Wanted:
    """Raises Http404 that says which word is not known."""
    rule = _known(request, "rule", list(RULES))
    severity = _known(request, "severity", Severity.values)
    state = _known(request, "state", [word for word, _label in STATES], "standing")
    return overview.Wanted(rule, severity, state, _number(request, "session"))


def _known(request: HttpRequest, name: str, words: list[str], default: str = "") -> str:
    word = request.GET.get(name, default)
    if word and word not in words:
        told = {"name": name, "word": word[:100], "known": ", ".join(words)}
        raise Http404(_("Of %(name)s, “%(word)s” is not known. It is one of: %(known)s.") % told)
    return word


def _number(request: HttpRequest, name: str) -> int | None:
    asked = request.GET.get(name, "")
    if asked and row_id(asked) is None:
        raise Http404(_("“%(name)s” needs a number.") % {"name": name})
    return row_id(asked) if asked else None


def _from(request: HttpRequest, before: int) -> str:
    query = request.GET.copy()
    query["before"] = str(before)
    return f"?{query.urlencode()}"


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def finding(request: HttpRequest, pk: int) -> HttpResponse:
    row = _finding(pk)
    rule = RULES.get(row.rule)
    context: dict[str, Any] = {
        "finding": row,
        "rule": rule,
        "facts": sorted(row.evidence.items()),
        "is_standing": row.state in STANDING,
        "is_frozen": findings.is_frozen(),
        "is_freezing": row.rule in FREEZING,
        "longest_days": LONGEST_DAYS,
    }
    return draw(request, "finding", _("Finding %(number)d") % {"number": pk}, context)


def _finding(pk: int) -> Finding:
    row = Finding.objects.filter(pk=pk).first() if row_id(str(pk)) else None
    if row is None:
        raise Http404(_("There is no such finding, or not any more."))
    return row


@require_POST
@permission_required("local_import.maintain_import", raise_exception=True)
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Live with a finding until a day; the same again changes the day and the reason."""
    _finding(pk)
    days, reason = row_id(request.POST.get("days", "")), request.POST.get("reason", "").strip()
    if days is None or not (1 <= days <= LONGEST_DAYS and reason):
        messages.error(request, _("Name a number of days and a reason. Nothing was changed."))
        return redirect("import:finding", pk)
    until = database_now() + timedelta(days=days)
    _accept(request, pk, until, reason[:LONGEST_REASON])
    return redirect("import:finding", pk)


def _accept(request: HttpRequest, pk: int, until: datetime, reason: str) -> None:
    actor = Actor.of(request.user)  # type: ignore[arg-type]
    try:
        findings.accept(pk, until=until, reason=reason, actor=actor)
    except Finding.DoesNotExist:
        messages.error(request, _("It is right again by now; there is nothing to accept."))
    except findings.NotAcceptable as why:
        messages.error(request, str(why))
    else:
        messages.success(request, _("Accepted until %(day)s.") % {"day": f"{until:%Y-%m-%d}"})
