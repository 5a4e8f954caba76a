"""The signal of speed: imports that take much longer than they did, and by which step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from ..errors import Severity
from ..metrics import Measure, sums
from .signal import Cause, Circumstances, Signal

PAST = timedelta(days=7)  # what is fast is judged by
SHORTEST_NOW_S, SHORTEST_PAST_S = 60.0, 600.0  # less work says nothing of speed
STEPS = (Measure.ANALYSE, Measure.PLACE, Measure.CHECK, Measure.SYNC, Measure.SETTLE)


@dataclass(frozen=True, slots=True)
class Work:
    """What was done in a span of time, and how long it took all workers together."""

    seconds: float
    files: int
    size_bytes: int
    steps_ms: Mapping[Measure, float]

    def share_of(self, past: Work) -> float:
        """Of the past speed in files and in bytes, the larger share: large files are slow by number,
        small ones by size, and neither is a reason to wake anybody."""
        pairs = ((self.files, past.files), (self.size_bytes, past.size_bytes))
        shares = [now / self.seconds / (then / past.seconds) for now, then in pairs if then]
        return max(shares, default=1.0)

    def per_file_ms(self, step: Measure) -> float:
        return self.steps_ms[step] / max(self.files, 1)


def find_slow(seen: Circumstances) -> Iterator[Cause]:
    now, past = _work(seen.since, seen.now), _work(seen.since - PAST, seen.since)
    if now.seconds < SHORTEST_NOW_S or past.seconds < SHORTEST_PAST_S:
        return
    share = now.share_of(past)
    if share < seen.threshold:
        step = max(STEPS, key=lambda one: now.per_file_ms(one) - past.per_file_ms(one))
        yield Cause(
            "",
            {
                "now": f"{now.files / now.seconds:.1f}",
                "past": f"{past.files / past.seconds:.1f}",
                "share": f"{share:.0%}",
                "step": str(step.label),
                "step_now": f"{now.per_file_ms(step):.1f}",
                "step_past": f"{past.per_file_ms(step):.1f}",
            },
        )


def _work(since: datetime, until: datetime) -> Work:
    def total(measure: Measure, name: str) -> Any:
        return sum(row[name] for row in sums(measure, since=since, until=until))

    return Work(
        total(Measure.BATCH, "ms") / 1000,
        total(Measure.FILE, "number"),
        total(Measure.FILE, "size"),
        {step: total(step, "ms") for step in STEPS},
    )


SIGNALS = (
    Signal(
        code="slow",
        severity=Severity.MEDIUM,
        watches=_("speed against its own past"),
        sentence=_(
            "A worker brings {now} files to rest a second, against {past} in the week before: in files "
            "and in bytes {share} at most. Most of it is “{step}”: {step_now} ms for each file, against "
            "{step_past} ms."
        ),
        advice=_(
            "Look at the disks: one that is about to fail is slow first. What each step takes: "
            "python manage.py import_metrics --since 1h, and --since 7d to compare."
        ),
        find=find_slow,
        unit=_("share of the past speed, from 0 to 1"),
        threshold=0.33,
        window_minutes=30,
        pending_minutes=10,
    ),
)
