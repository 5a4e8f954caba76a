"""The timetable: what beat asks for, in words, when it last did, and whether it is late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery.schedules import crontab, maybe_schedule
from django.conf import settings
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_celery_beat.models import PeriodicTask

from ..beat import SILENT_AFTER

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class EntryState(TextChoices):
    ON_TIME = "on_time", gettext_lazy("on time")
    LATE = "late", gettext_lazy("late")
    OFF = "off", gettext_lazy("switched off")
    NEVER = "never", gettext_lazy("never asked for")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timetable; `number` is that of beat's own row, None where beat was never started."""

    name: str
    task: str
    in_words: str
    number: int | None
    state: str
    last_run_at: datetime | None
    next_run_at: datetime | None

    def get_state_display(self) -> str:
        return str(EntryState(self.state).label)


def entries() -> list[Entry]:
    """What the code asks for, in its order, then what somebody added in the admin. One query."""
    known = PeriodicTask.objects.select_related("interval", "crontab", "solar", "clocked")
    rows = {row.name: row for row in known}
    ours = [_entry(name, rows.pop(name, None)) for name in settings.CELERY_BEAT_SCHEDULE]
    return ours + [_entry(name, row) for name, row in rows.items()]


def _entry(name: str, row: PeriodicTask | None) -> Entry:
    coded = settings.CELERY_BEAT_SCHEDULE.get(name, {})
    if row is None:
        words = in_words(maybe_schedule(coded["schedule"]))
        return Entry(name, coded["task"], words, None, EntryState.NEVER, None, None)
    following = _following(row) if row.enabled else None
    state = _state(row, following)
    if following and state == EntryState.ON_TIME:  # beat has asked, and not yet written it down
        following = max(following, timezone.now())
    words = in_words(row.schedule)
    return Entry(name, row.task, words, row.pk, state, row.last_run_at, following)


def _following(row: PeriodicTask) -> datetime:
    """When it was or is to be asked for next, counted from the last time."""
    left: timedelta = row.schedule.remaining_estimate(row.last_run_at or row.date_changed)
    return timezone.now() + left


def _state(row: PeriodicTask, following: datetime | None) -> EntryState:
    if following is None:
        return EntryState.OFF
    if following < timezone.now() - SILENT_AFTER:
        return EntryState.LATE
    return EntryState.ON_TIME if row.last_run_at else EntryState.NEVER


def in_words(schedule: Any) -> str:
    """As people say it; what is rarer is told in the notation of cron."""
    if not isinstance(schedule, crontab):
        period = getattr(schedule, "run_every", None)
        return _every(period) if period else str(schedule)
    minute, hour, *days = (
        str(getattr(schedule, f"_orig_{name}"))
        for name in ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    )
    if set(days) == {"*"} and minute.isdecimal() and hour.isdecimal():
        time = f"{int(hour)}:{int(minute):02} {settings.TIME_ZONE}"
        return _("every day at {time}").format(time=time)
    return " ".join([minute, hour, *days])


def _every(period: timedelta) -> str:
    seconds = int(period.total_seconds())
    size, unit = next(pair for pair in _UNITS if seconds % pair[0] == 0)
    number = seconds // size
    texts = {
        "day": ngettext("every day", "every {number} days", number),
        "hour": ngettext("every hour", "every {number} hours", number),
        "minute": ngettext("every minute", "every {number} minutes", number),
        "second": ngettext("every second", "every {number} seconds", number),
    }
    return texts[unit].format(number=number)
