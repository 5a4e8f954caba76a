"""Beat: when it last asked for a sweep, and whether it has fallen silent.

It asks every 30 seconds and writes it down each time (CELERY_BEAT_SYNC_EVERY).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django_celery_beat.models import PeriodicTask

SWEEP = "sweep"  # what it asks for most often
SILENT_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Beat:
    is_on: bool  # somebody may have switched the sweep off
    asked_at: datetime | None  # None: never yet
    heard_at: datetime  # when it last asked, or else was set up

    def is_silent(self, now: datetime) -> bool:
        return now - self.heard_at > SILENT_AFTER


def of_row(row: PeriodicTask) -> Beat:
    return Beat(row.enabled, row.last_run_at, row.last_run_at or row.date_changed)


def beat() -> Beat | None:
    """None where beat was never started: it makes its timetable when it starts. One query."""
    row = PeriodicTask.objects.filter(name=SWEEP).first()
    return of_row(row) if row else None
