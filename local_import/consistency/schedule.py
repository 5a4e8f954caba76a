"""Rules of the schedule: what beat asks for is what the code says, and beat is heard of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from celery import current_app
from celery.schedules import crontab, maybe_schedule
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from .. import beat
from ..audit_logger import Actor
from ..errors import Severity
from .rule import Depth, Keys, Look, Rule, Suspect


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Nothing where beat was never started: then there is nothing to compare."""
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    if look.session_id is not None or not rows:
        return
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        if keys is None or name in keys:
            yield from _judged(look, name, entry, rows.get(name))


def _judged(
    look: Look, name: str, entry: dict[str, Any], row: PeriodicTask | None
) -> Iterator[Suspect]:
    due = f"{entry['task']} {_written(maybe_schedule(entry['schedule']))}"
    told = f"{row.task} {_written(row.schedule)}" if row else "nothing"
    if told != due:
        facts = {"name": name, "is": told, "should_be": due}
        yield Suspect("schedule_differs", name, facts)
    elif row and not row.enabled:
        yield Suspect("schedule_off", name, {"name": name})
    elif row and name == beat.SWEEP and (heard := beat.of_row(row)).is_silent(look.now):
        yield Suspect("beat_silent", name, {"since": str(heard.heard_at)})


def _written(schedule: Any) -> str:
    """As people write it; the classes of beat and of Celery compare by more than the time."""
    if not isinstance(schedule, crontab):
        return f"every {schedule.run_every.total_seconds():g} s"
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return " ".join(str(getattr(schedule, f"_orig_{name}")) for name in fields)


def put_right(look: Look, suspect: Suspect, actor: Actor) -> None:
    """What beat does itself whenever it starts; the switch on/off stays as it is."""
    entry = settings.CELERY_BEAT_SCHEDULE[suspect.key]
    ModelEntry.from_entry(suspect.key, app=current_app, **entry)


RULES = (
    Rule(
        code="schedule_differs",
        severity=Severity.MEDIUM,
        about="schedule",
        depth=Depth.ROWS,
        sentence=_("The schedule of “{name}” is “{is}” instead of “{should_be}”."),
        find=find,
        repair=put_right,
        proposal=_("Set the schedule of “{name}” back to what the code says."),
        risk=_("None: beat does the same whenever it starts."),
        automatic=True,
    ),
    Rule(
        code="schedule_off",
        severity=Severity.MEDIUM,
        about="schedule",
        depth=Depth.ROWS,
        sentence=_("“{name}” is switched off."),
        find=find,
        advice=_("Switch it on in the admin under Periodic tasks, or accept the finding."),
    ),
    Rule(
        code="beat_silent",
        severity=Severity.HIGH,
        about="schedule",
        depth=Depth.ROWS,
        sentence=_("Beat has asked for nothing since {since}: no sweep and no check runs."),
        find=find,
        advice=_("Start beat: celery -A photonest beat"),
    ),
)
