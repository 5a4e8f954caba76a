"""What needs an operator now, the gravest first; and the machinery without which nothing moves."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from .. import names, runway
from ..beat import Beat, beat
from ..errors import CATALOGUE, Severity
from ..models import Finding, ImportSession, Incident, Worker
from ..models.finding import STANDING
from ..pipeline.lease import LEASE
from ..states import SessionState

SHOWN = 8  # of each kind
LOOKED_AT = 100  # incidents, the most recent
_GRAVE = (Severity.HIGH, Severity.CRITICAL)
_RANK = {severity.value: rank for rank, severity in enumerate(Severity)}
_SEVERITIES = {code.value: entry.severity.value for code, entry in CATALOGUE.items()}


@dataclass(frozen=True, slots=True)
class Trouble:
    incidents: list[Incident]
    sessions: list[ImportSession]
    findings: list[Finding]

    def __bool__(self) -> bool:
        return bool(self.incidents or self.sessions or self.findings)


@dataclass(frozen=True, slots=True)
class Machinery:
    alive: list[Worker]
    silent: list[Worker]
    beat: Beat | None  # None: it was never started
    beat_is_silent: bool
    library: str
    free_bytes: int | None  # None: the disk does not answer, or is not there
    needed_bytes: int  # what the running imports that copy have still to write

    @property
    def is_short(self) -> bool:
        return (
            self.free_bytes is not None
            and self.free_bytes < runway.FEWEST_BYTES + self.needed_bytes
        )


def trouble() -> Trouble:
    recent = Incident.objects.unresolved().most_recent_first()[:LOOKED_AT]
    incidents = sorted(recent, key=_gravity, reverse=True)[:SHOWN]
    broken = Q(state=SessionState.ERROR) | Q(state=SessionState.FAILED)
    sessions = list(ImportSession.objects.filter(broken).order_by("-pk")[:SHOWN])
    standing = Finding.objects.filter(state__in=STANDING, severity__in=_GRAVE)
    return Trouble(incidents, sessions, list(standing.order_by("-last_seen_at")[:SHOWN]))


def _gravity(incident: Incident) -> tuple[int, int]:
    return _RANK.get(_SEVERITIES.get(incident.code, ""), -1), incident.count


def machinery(running: list[ImportSession]) -> Machinery:
    """Takes no longer than a moment: a disk that does not answer is said not to."""
    now = timezone.now()
    workers = list(Worker.objects.order_by("-heartbeat_at")[:200])
    alive = [worker for worker in workers if now - worker.heartbeat_at < LEASE]
    asked = beat()
    return Machinery(
        alive,
        [worker for worker in workers if worker not in alive],
        asked,
        asked is None or asked.is_silent(now),
        names.shown(os.fsencode(settings.PHOTONEST_LIBRARY)),
        runway.free_bytes(),
        sum(session.bytes_found - session.bytes_done for session in running),
    )
