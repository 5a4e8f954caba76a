"""The book of alerts: the only code that writes them, each change of state with its audit row, and with
the notices that tell of it.

Whoever writes an alert locks its rule first. So two that evaluate at once come one after the other, and
the one whose look is older leaves the rule alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from ..audit_logger import SYSTEM, Actor, AuditLogger, Entry
from ..errors import Severity
from ..models import Alert, AlertRule
from ..models.alert import AlertState
from ..models.audit_log import AuditCategory, AuditLevel
from ..transactions import database_now, in_transaction
from . import outbox
from .signal import Cause, Signal

LONGEST_CAUSE = 200  # characters, as the column takes
_LEVELS = {"open": AuditLevel.WARNING, "fire": AuditLevel.ERROR}
_audit = AuditLogger()


def follow(rule_id: int, signal: Signal, causes: Sequence[Cause], seen_at: datetime) -> None:
    """Bring the alerts of a rule to what was seen at that time. Call it in a transaction."""
    rule = AlertRule.objects.select_for_update().get(pk=rule_id)
    if rule.evaluated_at is not None and rule.evaluated_at >= seen_at:
        return  # somebody has looked later than we did
    there = {cause.key[:LONGEST_CAUSE]: cause for cause in causes}
    known = {alert.cause: alert for alert in rule.alerts.unresolved().order_by("pk")}
    for key, cause in there.items():
        alert = known.get(key) or Alert(rule=rule, cause=key, began_at=seen_at)
        _see(alert, rule, signal, cause, seen_at)
    for key, alert in known.items():
        if key not in there:
            _resolve(alert, seen_at)
    rule.alerts.unresolved().update(last_seen_at=seen_at)
    _tell_due(rule, seen_at)
    AlertRule.objects.filter(pk=rule_id).update(evaluated_at=seen_at, trouble="")


def _see(alert: Alert, rule: AlertRule, signal: Signal, cause: Cause, now: datetime) -> None:
    _describe(alert, signal, cause, now)
    patience = timedelta(minutes=rule.pending_minutes)
    if alert.state == AlertState.PENDING and now >= alert.began_at + patience:
        alert.state, alert.fired_at = AlertState.FIRING, now
        alert.save(update_fields=["state", "fired_at"])
        _record(alert, "fire")


def _describe(alert: Alert, signal: Signal, cause: Cause, now: datetime) -> None:
    """Write down what is seen, unless it is what was seen before: most alerts stand for long."""
    seen = {
        "severity": str(cause.severity or signal.severity),
        "summary": signal.tell(cause),
        "advice": signal.advise(cause),
        "evidence": dict(cause.facts),
        "target": cause.target,
    }
    is_new = alert.pk is None
    if not is_new and all(getattr(alert, name) == value for name, value in seen.items()):
        return
    for name, value in seen.items():
        setattr(alert, name, value)
    alert.last_seen_at = now
    alert.save()
    if is_new:
        _record(alert, "open")


def _resolve(alert: Alert, now: datetime) -> None:
    alert.state, alert.resolved_at = AlertState.RESOLVED, now
    alert.save(update_fields=["state", "resolved_at"])
    _record(alert, "resolve")
    if alert.notified_at is not None:  # who was never told of it need not hear that it is over
        outbox.put_resolved(alert, now)


def _tell_due(rule: AlertRule, now: datetime) -> None:
    """Tell of what fires and was not told of: also what was muted, or came back soon, till now.

    Of very many at once the first are told one by one, and of the others how many there are.
    """
    if rule.is_muted(now):
        return
    lately = now - timedelta(minutes=rule.cooldown_minutes)
    told = rule.alerts.filter(notified_at__gt=lately).values("cause")
    due = list(
        rule.alerts.filter(state=AlertState.FIRING, notified_at=None)
        .exclude(cause__in=told)
        .order_by("pk")
    )
    if due and not outbox.put_fired(due, now):
        return  # there is no channel yet: they are told when there is one
    Alert.objects.filter(pk__in=[alert.pk for alert in due]).update(notified_at=now)


def acknowledge(alert_id: int, *, actor: Actor, reason: str) -> Alert:
    """Somebody sees to it. Raises Alert.DoesNotExist unless it fires; one that was acknowledged stays
    so, by whom it was."""
    return in_transaction(partial(_acknowledge, alert_id, actor, reason))


def _acknowledge(alert_id: int, actor: Actor, reason: str) -> Alert:
    found = Alert.objects.firing().filter(pk=alert_id)
    AlertRule.objects.select_for_update().get(pk=found.values_list("rule").get()[0])
    alert = found.get()
    if alert.state == AlertState.FIRING:
        alert.state, alert.acknowledged_at = AlertState.ACKNOWLEDGED, database_now()
        alert.acknowledged_by, alert.acknowledged_reason = actor.name, reason
        alert.save()
        _record(alert, "acknowledge", actor, {"reason": reason})
    return alert


def _record(
    alert: Alert, change: str, actor: Actor = SYSTEM, more: Mapping[str, object] | None = None
) -> None:
    details = {"alert": alert.pk, "rule": alert.rule.code, "cause": alert.cause}
    grave = alert.severity in (Severity.HIGH, Severity.CRITICAL)
    level = _LEVELS.get(change, AuditLevel.INFO) if grave else AuditLevel.INFO
    entry = Entry(
        AuditCategory.VALIDATION,
        alert.summary,
        level=level,
        action=f"alert.{change}",
        actor=actor,
        details=details | dict(more or {}),
    )
    _audit.record(entry)
