"""Rules: one for each signal, with what the operator has set; every change is in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from ..audit_logger import SYSTEM, Actor, AuditLogger, Entry
from ..models import AlertRule
from ..models.audit_log import AuditCategory
from ..transactions import in_transaction
from . import imports, installation, speed

# Those of the installation come first: they may cover those of imports.
SIGNALS = {
    signal.code: signal for room in (installation, imports, speed) for signal in room.SIGNALS
}
NUMBERS = ("threshold", "window_minutes", "pending_minutes", "cooldown_minutes")
LONGEST_WINDOW = 7 * 24 * 60  # minutes
_audit = AuditLogger()


def all_rules() -> list[AlertRule]:
    """In the order of the signals. Those that are not there yet are made."""
    there = set(AlertRule.objects.values_list("code", flat=True))
    lacking = [code for code in SIGNALS if code not in there]
    AlertRule.objects.bulk_create([_new(code) for code in lacking], ignore_conflicts=True)
    rows = {rule.code: rule for rule in AlertRule.objects.filter(code__in=SIGNALS)}
    return [rows[code] for code in SIGNALS]


def _new(code: str) -> AlertRule:
    signal = SIGNALS[code]
    return AlertRule(code=code, **{name: getattr(signal, name) for name in NUMBERS})


def problem(code: str, values: Mapping[str, Any]) -> str:
    """Why a rule cannot have these values, as a sentence; empty when it can."""
    if (values.get("threshold") or 0) < 0:
        return _("A threshold is not negative.")
    window = values.get("window_minutes")
    if window is not None and not 0 <= window <= LONGEST_WINDOW:
        return _("A rule looks back for at most {most} minutes.").format(most=LONGEST_WINDOW)
    if window == 0 and SIGNALS[code].window_minutes:
        return _("This rule looks back: it needs at least one minute to look at.")
    if (values.get("muted_until") is None) != (not values.get("muted_reason")):
        return _("A rule is muted until a time, and for a reason.")
    return ""


def change(code: str, values: Mapping[str, Any], *, actor: Actor) -> AlertRule:
    """Set what an operator may set. Raises AlertRule.DoesNotExist, and ValueError for a `problem`."""
    if code in SIGNALS and (text := problem(code, values)):
        raise ValueError(text)
    by = (
        {"muted_by": actor.name if values["muted_until"] else ""} if "muted_until" in values else {}
    )
    return in_transaction(partial(_change, code, {**values, **by}, "alert_rule.change", "", actor))


def mute(code: str, *, until: datetime, reason: str, actor: Actor) -> AlertRule:
    """Tell nobody until then. Whatever stands at that time is told then.

    Raises AlertRule.DoesNotExist.
    """
    values = {"muted_until": until, "muted_by": actor.name, "muted_reason": reason}
    return in_transaction(partial(_change, code, values, "alert_rule.mute", reason, actor))


def unmute(code: str, *, actor: Actor = SYSTEM) -> AlertRule:
    """Raises AlertRule.DoesNotExist."""
    values = {"muted_until": None, "muted_by": "", "muted_reason": ""}
    return in_transaction(partial(_change, code, values, "alert_rule.unmute", "", actor))


def _change(
    code: str, values: Mapping[str, Any], action: str, reason: str, actor: Actor
) -> AlertRule:
    all_rules()
    rule = AlertRule.objects.select_for_update().get(code=code)
    changed = {name: value for name, value in values.items() if getattr(rule, name) != value}
    if not changed:
        return rule
    before = {name: getattr(rule, name) for name in changed}
    for name, value in changed.items():
        setattr(rule, name, value)
    rule.save(update_fields=list(changed))
    details = {"rule": code, "before": before, "after": changed}
    message = reason or f"The alert rule “{code}” was changed."
    entry = Entry(AuditCategory.VALIDATION, message, action=action, actor=actor, details=details)
    _audit.record(entry)
    return rule
