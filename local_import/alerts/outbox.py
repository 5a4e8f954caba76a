"""The outbox: what is to be told is written with the change itself, and delivered afterwards.

At least once: who dies between the sending and its note sends again, with the same key, by which a
receiver knows it. What cannot be delivered for a day, or never will be, is given up with its reason.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef

from ..audit_logger import AuditLogger, Entry
from ..isolation import OF_ALL, in_a_line
from ..models import Alert, AlertNotice
from ..models.alert import AlertEvent, NoticeState
from ..models.audit_log import AuditCategory, AuditLevel
from ..transactions import database_now, in_transaction
from . import channels, message
from .sending import Refused, Undelivered

logger = logging.getLogger(__name__)

ONE_BY_ONE = 10  # alerts of one rule that are told of at once
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
PATIENCE = timedelta(days=1)  # then a notice is given up
TAKEN = timedelta(minutes=3)  # longer than any delivery takes
LONGEST_RUN_S = 30.0  # then no further notice is begun
LONGEST_TROUBLE = 500  # characters
_audit = AuditLogger()


def put_fired(alerts: Sequence[Alert], now: datetime) -> int:
    """Of alerts of one rule: the first one by one, of the others how many there are."""
    number = 0
    for alert in alerts[:ONE_BY_ONE]:
        number += put(AlertEvent.FIRED, message.of_alert(alert, AlertEvent.FIRED), now, alert)
    if more := alerts[ONE_BY_ONE:]:
        since = now.isoformat(timespec="seconds")
        told = message.of_more(more[0].rule, str(more[0].severity), len(more), since)
        number += put(AlertEvent.FIRED, told, now)
    return number


def put_resolved(alert: Alert, now: datetime) -> int:
    return put(AlertEvent.RESOLVED, message.of_alert(alert, AlertEvent.RESOLVED), now, alert)


def put(
    event: AlertEvent, told: Mapping[str, Any], now: datetime, alert: Alert | None = None
) -> int:
    """One notice for each channel; returns how many. Call it in the transaction of the change."""
    return len(AlertNotice.objects.bulk_create(_notices(event, told, now, alert)))


def _notices(
    event: AlertEvent, told: Mapping[str, Any], now: datetime, alert: Alert | None = None
) -> list[AlertNotice]:
    return [
        AlertNotice(
            alert=alert,
            event=event,
            channel=channel,
            message=dict(told),
            created_at=now,
            next_attempt_at=now,
        )
        for channel in channels.configured()
    ]


def send_test() -> list[AlertNotice]:
    """Tell of nothing by each channel, at once; a test is not repeated. Returns what became of each."""
    now = database_now()
    told = message.of_test(now.isoformat(timespec="seconds"))
    notices = _notices(AlertEvent.TEST, told, now)
    for notice in notices:
        notice.attempts, notice.next_attempt_at = 1, now + TAKEN
    AlertNotice.objects.bulk_create(notices)
    for notice in notices:
        attempt(notice)
        notice.refresh_from_db()
    return notices


def deliver() -> dict[str, int]:
    """Deliver what is due, for half a minute at most; returns how many notices ended how.

    A channel that fails is left alone until the next time: the others need not wait for it.
    """
    ends = time.monotonic() + LONGEST_RUN_S
    failing: set[str] = set()
    done = {"delivered": 0, "given_up": 0, "failed": 0}
    while time.monotonic() < ends:
        notice = in_transaction(partial(_take, failing))
        if notice is None:
            break
        outcome = attempt(notice)
        done[outcome] += 1
        if outcome != "delivered":
            failing.add(notice.channel)
    return done


def _take(failing: set[str]) -> AlertNotice | None:
    """The next one due, taken for a while. Of one alert and channel, what was written first comes first."""
    now = database_now()
    before = AlertNotice.objects.filter(
        state=NoticeState.WAITING,
        alert=OuterRef("alert"),
        channel=OuterRef("channel"),
        pk__lt=OuterRef("pk"),
    )
    due = AlertNotice.objects.filter(state=NoticeState.WAITING, next_attempt_at__lte=now)
    due = due.exclude(channel__in=failing).exclude(Exists(before)).order_by("pk")
    notice = due.select_for_update(skip_locked=True).first()
    if notice is not None:
        notice.attempts += 1
        notice.next_attempt_at = now + TAKEN
        notice.save(update_fields=["attempts", "next_attempt_at"])
    return notice


def attempt(notice: AlertNotice) -> str:
    """Send one notice that is taken, and note what became of it. No transaction is open meanwhile."""
    try:
        channels.send(notice.channel, notice.message, str(notice.key))
    except Refused as refusal:
        return _end(notice, NoticeState.GIVEN_UP, str(refusal))
    except Undelivered as failure:
        return _put_off(notice, str(failure))
    except OF_ALL:
        raise
    except Exception as error:  # a defect of ours must not keep the other notices from it
        logger.exception("notice %s could not be sent", notice.pk)
        return _put_off(notice, in_a_line(error))
    return _end(notice, NoticeState.DELIVERED, "")


def _put_off(notice: AlertNotice, trouble: str) -> str:
    """Waits half a minute, a minute, two, … an hour, less up to half of it by chance."""
    now = database_now()
    if now >= notice.created_at + PATIENCE or notice.event == AlertEvent.TEST:
        return _end(notice, NoticeState.GIVEN_UP, trouble)
    wait = min(FIRST_WAIT * 2 ** min(notice.attempts - 1, 20), LONGEST_WAIT)
    wait *= random.uniform(0.5, 1)  # noqa: S311 - jitter
    _ours(notice).update(next_attempt_at=now + wait, trouble=trouble[:LONGEST_TROUBLE])
    return "failed"


def _end(notice: AlertNotice, state: NoticeState, trouble: str) -> str:
    def write() -> None:
        now = database_now()
        text = trouble[:LONGEST_TROUBLE]
        if _ours(notice).update(state=state, ended_at=now, trouble=text):
            _audit.record(_entry(notice, state, text))

    in_transaction(write)
    return state.value


def _ours(notice: AlertNotice) -> Any:
    """The row, unless somebody else has taken it meanwhile."""
    return AlertNotice.objects.filter(
        pk=notice.pk, attempts=notice.attempts, state=NoticeState.WAITING
    )


def _entry(notice: AlertNotice, state: NoticeState, trouble: str) -> Entry:
    given_up = state == NoticeState.GIVEN_UP
    details = {"notice": notice.pk, "alert": notice.alert_id, "attempts": notice.attempts}
    return Entry(
        AuditCategory.VALIDATION,
        trouble or f"Told by {notice.channel}.",
        level=AuditLevel.WARNING if given_up else AuditLevel.INFO,
        action="alert_notice.give_up" if given_up else "alert_notice.deliver",
        details=details | {"channel": notice.channel, "event": str(notice.event)},
    )
