"""Alerts, rules and notices as plain data; commands print it, pages draw it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from ..models import Alert, AlertNotice, AlertRule
from ..models.alert import NoticeState
from ..transactions import database_now
from . import channels
from .evaluate import is_late
from .rules import SIGNALS, all_rules

NEWEST = 100  # alerts and notices that are listed
Entry = dict[str, Any]


def overview(*, resolved: bool = False) -> Entry:
    """What is wrong now, whether that is up to date, and what nobody could be told.

    `late` says that the rules were not asked lately: then the list is of another time.
    """
    found = Alert.objects.all() if resolved else Alert.objects.unresolved()
    rows = found.select_related("rule").order_by("-began_at", "-pk")[:NEWEST]
    asked = [one.evaluated_at for one in all_rules()]
    return {
        "alerts": [alert(row) for row in rows],
        "late": is_late(database_now()),
        "evaluated_at": _told_time(min(asked) if all(asked) else None),  # type: ignore[type-var]
        "channels": channels.configured(),
        "undelivered": [notice(row) for row in _undelivered()],
        "troubled": [rule(row) for row in all_rules() if row.trouble],
    }


def _undelivered() -> list[AlertNotice]:
    """What waits after a try that failed or was given up, by a channel that has not worked since."""
    later = AlertNotice.objects.filter(
        channel=OuterRef("channel"),
        state=NoticeState.DELIVERED,
        ended_at__gt=OuterRef("created_at"),
    )
    rows = AlertNotice.objects.exclude(state=NoticeState.DELIVERED).exclude(trouble="")
    return list(rows.exclude(Exists(later)).order_by("-pk")[:NEWEST])


def alert(row: Alert) -> Entry:
    return {
        "alert": row.pk,
        "rule": row.rule.code,
        "cause": row.cause,
        "state": str(row.state),
        "severity": str(row.severity),
        "summary": row.summary,
        "advice": row.advice,
        "target": row.target,
        "evidence": row.evidence,
        "began_at": _told_time(row.began_at),
        "last_seen_at": _told_time(row.last_seen_at),
        "fired_at": _told_time(row.fired_at),
        "notified_at": _told_time(row.notified_at),
        "acknowledged_by": row.acknowledged_by,
        "acknowledged_reason": row.acknowledged_reason,
        "resolved_at": _told_time(row.resolved_at),
    }


def rules() -> list[Entry]:
    return [rule(row) for row in all_rules()]


def rule(row: AlertRule) -> Entry:
    signal = SIGNALS[row.code]
    return {
        "rule": row.code,
        "watches": str(signal.watches),
        "severity": str(signal.severity),
        "enabled": row.enabled,
        "threshold": row.threshold,
        "unit": str(signal.unit),
        "window_minutes": row.window_minutes,
        "pending_minutes": row.pending_minutes,
        "cooldown_minutes": row.cooldown_minutes,
        "muted_until": _told_time(row.muted_until if row.is_muted(database_now()) else None),
        "muted_by": row.muted_by,
        "muted_reason": row.muted_reason,
        "evaluated_at": _told_time(row.evaluated_at),
        "trouble": row.trouble,
    }


def notice(row: AlertNotice) -> Entry:
    return {
        "notice": row.pk,
        "alert": row.alert_id,
        "event": str(row.event),
        "channel": row.channel,
        "state": str(row.state),
        "attempts": row.attempts,
        "trouble": row.trouble,
        "created_at": _told_time(row.created_at),
        "next_attempt_at": _told_time(
            row.next_attempt_at if row.state == NoticeState.WAITING else None
        ),
        "ended_at": _told_time(row.ended_at),
    }


def _told_time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
