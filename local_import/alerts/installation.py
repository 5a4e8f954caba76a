"""Signals of the installation: findings, workers, beat, and the disk of the library."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import names, sizes
from ..beat import beat
from ..bounded import within
from ..consistency import breaker
from ..consistency.look import RULES
from ..errors import Severity
from ..models import Finding, Worker
from ..models.finding import STANDING
from ..pipeline.runner import is_held
from ..runway import Runway, runway
from ..services import background
from .signal import Cause, Circumstances, Signal

GRAVE = (Severity.CRITICAL, Severity.HIGH)
OWN_SIGNALS = ("session_stalled", "beat_silent")  # these need not wait for the next check
LOOK_S = 5.0


def find_findings(seen: Circumstances) -> Iterator[Cause]:
    """By rule of the check: a thousand files that are gone are one cause."""
    grave = Finding.objects.filter(state__in=STANDING, severity__in=GRAVE)
    grave = grave.exclude(rule__in=OWN_SIGNALS)
    rows = grave.values_list("rule").annotate(number=Count("pk"), newest=Max("pk"))
    for rule, number, newest in rows.order_by("-number", "rule"):
        if number >= seen.threshold:
            example = Finding.objects.get(pk=newest)
            facts = {"number": number, "rule": rule, "example": example.summary[:500]}
            facts["proposal"] = example.proposal[:500]
            severity = RULES[rule].severity if rule in RULES else Severity(example.severity)
            yield Cause(f"finding:{rule}", facts, severity=severity)


def find_no_worker(seen: Circumstances) -> Iterator[Cause]:
    """Where somebody waits for one: a session, or beat, whose messages pile up."""
    since = seen.now - timedelta(minutes=seen.threshold)
    if Worker.objects.filter(heartbeat_at__gt=since).exists():
        return
    waiting = [one.pk for one in background.with_work(seen.now) if not is_held(one, seen.now)]
    heard = _beat_heard_at()
    if waiting or (heard is not None and heard > since):
        last = Worker.objects.aggregate(last=Max("heartbeat_at"))["last"]
        facts = {
            "last": f"{last:%Y-%m-%d %H:%M}" if last else gettext("never"),
            "waiting": len(waiting),
        }
        yield Cause("", facts)


def find_silent_beat(seen: Circumstances) -> Iterator[Cause]:
    """Nothing where beat was never started, or somebody has switched it off."""
    last = _beat_heard_at()
    if last is not None and last < seen.now - timedelta(minutes=seen.threshold):
        yield Cause("", {"last": f"{last:%Y-%m-%d %H:%M}"})


def _beat_heard_at() -> datetime | None:
    asked = beat()
    return asked.heard_at if asked and asked.is_on else None


def find_short_runway(seen: Circumstances) -> Iterator[Cause]:
    """Nothing where the library cannot be reached: that is a finding."""
    left = _runway()
    if left and left.is_shorter_than(seen.threshold):
        path = names.shown(str(settings.PHOTONEST_LIBRARY).encode("utf-8", "surrogateescape"))
        told = "?" if left.days is None else f"{left.days:.0f}"
        yield Cause("", {"path": path, "free": sizes.told(left.free_bytes), "days": told})


def _runway() -> Runway | None:
    try:
        return runway() if within(LOOK_S, _is_there) else None
    except OSError:  # TimeoutError is one: a dead network mount
        return None


def _is_there() -> bool:
    with breaker.library_to_look_at() as library:
        return library is not None


SIGNALS = (
    Signal(
        code="finding",
        severity=Severity.HIGH,
        watches=_("grave findings of the consistency check"),
        sentence=_("The check finds “{rule}” ({number}): {example}"),
        advice=_("{proposal} See all: python manage.py check_consistency --rule {rule}"),
        find=find_findings,
        unit=_("findings of one rule, of severity high or critical"),
        threshold=1,
    ),
    Signal(
        code="no_worker",
        severity=Severity.HIGH,
        watches=_("workers"),
        sentence=_("No worker is alive (last heard of: {last}). Sessions that wait: {waiting}."),
        advice=_("Start one: celery -A photonest worker"),
        find=find_no_worker,
        unit=_("minutes without a worker"),
        threshold=5,
    ),
    Signal(
        code="beat_silent",
        severity=Severity.HIGH,
        watches=_("beat"),
        sentence=_("Beat has asked for nothing since {last}: no sweep and no check runs."),
        advice=_("Start beat: celery -A photonest beat"),
        find=find_silent_beat,
        unit=_("minutes of silence"),
        threshold=10,
    ),
    Signal(
        code="disk_runway",
        severity=Severity.MEDIUM,
        watches=_("room on the disk of the library"),
        sentence=_(
            "The disk of {path} has {free} free; at the pace of the last week that lasts {days} days."
        ),
        advice=_("Make room on the disk of {path}, or move the library to a larger one."),
        find=find_short_runway,
        unit=_("days until the disk is full"),
        threshold=14,
        cooldown_minutes=24 * 60,
    ),
)
