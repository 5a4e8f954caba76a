"""Alerts: what somebody was told of, who sees to it, whether the telling worked, and the rules behind it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from ..alerts import book, rules
from ..audit_logger import Actor
from ..models import Alert, AlertNotice
from ..models.alert import NoticeState
from ..transactions import database_now
from .page import Context, draw

SHOWN = 50  # alerts of a kind, and notices
LONGEST_REASON = 1_000  # characters
LONGEST_MUTE = 30 * 24  # hours


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def alerts(request: HttpRequest) -> HttpResponse:
    return draw(
        request,
        "alerts",
        _("Alerts"),
        {"longest_reason": LONGEST_REASON},
        parts={"standing": _standing, "rules": _rules, "notices": _notices},
        moving=True,
    )


def _standing() -> Context:
    rows = Alert.objects.select_related("rule").order_by("-began_at")
    return {
        "standing": rows.unresolved()[:SHOWN],
        "resolved": rows.filter(resolved_at__isnull=False).order_by("-resolved_at")[:10],
    }


def _rules() -> Context:
    now = database_now()
    lines = [
        {"rule": rule, "signal": rules.SIGNALS[rule.code], "is_muted": rule.is_muted(now)}
        for rule in rules.all_rules()
    ]
    return {"lines": lines}


def _notices() -> Context:
    rows = AlertNotice.objects.exclude(state=NoticeState.DELIVERED).order_by("-pk")
    return {"notices": rows[:SHOWN]}


@require_POST
@permission_required("local_import.operate_import", raise_exception=True)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    if reason := _reason(request):
        try:
            book.acknowledge(pk, actor=_actor(request), reason=reason)
        except (Alert.DoesNotExist, OverflowError):
            messages.info(request, _("The alert does not fire any more."))
    return redirect("import:alerts")


@require_POST
@permission_required("local_import.maintain_import", raise_exception=True)
def mute(request: HttpRequest, code: str) -> HttpResponse:
    """For ?hours; nought hours let the rule speak again."""
    asked = request.POST.get("hours", "")
    hours = (
        int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else LONGEST_MUTE + 1
    )
    if code not in rules.SIGNALS or hours > LONGEST_MUTE:
        raise Http404(_("There is no such rule, or it cannot be muted for so long."))
    if not hours:
        rules.unmute(code, actor=_actor(request))
    elif reason := _reason(request):
        until = database_now() + timedelta(hours=hours)
        rules.mute(code, until=until, reason=reason, actor=_actor(request))
    return redirect("import:alerts")


def _reason(request: HttpRequest) -> str:
    """Empty, and told of, when there is none."""
    reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if not reason:
        messages.error(request, _("Say why, so that others know. Nothing was changed."))
    return reason


def _actor(request: HttpRequest) -> Actor:
    return Actor.of(request.user)  # type: ignore[arg-type]  # nobody else comes here
