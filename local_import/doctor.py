"""The doctor: whether the installation is sound, each point with what was seen and what to do.

Looks only. The library is opened as an import opens it, and the probe of the broker leaves nothing
behind.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django_celery_beat.models import PeriodicTask
from kombu import Producer, Queue

from . import fsops, guards, names, versions
from .alerts import tell
from .errors import ImportProblem
from .models import Media, Worker
from .pipeline.desk import open_library
from .pipeline.lease import LEASE
from .runway import days_left
from .transactions import database_now
from .troubleshooting import describe

SKEW = timedelta(seconds=2)  # between this host and the database
SILENCE = timedelta(minutes=2)  # of beat, which asks for a sweep every 30 seconds
RUNWAY_DAYS = 14  # fewer days until the disk is full are worth a word
BROKER_S = 4.0


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at. Without a remedy it is sound."""

    name: str
    seen: str
    remedy: str = ""
    optional: bool = False  # the desk works without it, in the foreground

    @property
    def is_sound(self) -> bool:
        return not self.remedy


def examine() -> Iterator[Point]:
    """Every point in turn; one that cannot be looked at says so and stops no other."""
    for name, look in POINTS.items():
        try:
            yield from look(name)
        except Exception as error:  # whatever is broken: this is the place to say so
            seen = names.shown(f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
            yield Point(
                name, seen[:500], _("Put this right first; the point could not be looked at.")
            )


def _settings(name: str) -> Iterator[Point]:
    wrong = [message for message in checks.run_checks() if message.level >= checks.WARNING]
    for message in wrong:
        yield Point(
            name, f"{message.id}: {message.msg}", str(message.hint or _("See Django's check."))
        )
    if settings.DEBUG:
        yield Point(
            name, "PHOTONEST_DEBUG=1", _("Set PHOTONEST_DEBUG=0 where others reach the pages.")
        )
    elif not wrong:
        yield Point(
            name, f"Python {platform.python_version()}, Photonest {settings.PHOTONEST_VERSION}"
        )


# What a commit that was reported must survive: a power loss.
_PRAGMAS = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
_PARAMETERS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def _database(name: str) -> Iterator[Point]:
    sqlite = connection.vendor == "sqlite"
    due = _PRAGMAS if sqlite else _PARAMETERS
    seen = {}
    with connection.cursor() as cursor:
        for key in due:
            cursor.execute(f"PRAGMA {key}" if sqlite else f"SHOW {key}")
            seen[key] = str(cursor.fetchone()[0])
    told = ", ".join(f"{key}={value}" for key, value in seen.items())
    wrong = [key for key in due if seen[key] != due[key]]
    remedy = _("Set {name} to {value}: without it a power loss can take back what was committed.")
    text = " ".join(remedy.format(name=key, value=due[key]) for key in wrong)
    yield Point(name, f"{connection.vendor}: {told}", text)


def _migrations(name: str) -> Iterator[Point]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        yield Point(name, f"{len(plan)} to apply", "python manage.py migrate")
    elif misfit := versions.misfit():  # the tables are newer: migrating would not help
        yield Point(name, misfit, _("Update Photonest on this host."))
    elif not guards.is_installed():
        yield Point(name, _("The triggers are not those of the code."), "python manage.py migrate")
    else:
        yield Point(name, _("All are applied, and the triggers are there."))


def _clock(name: str) -> Iterator[Point]:
    ahead = timezone.now() - database_now()
    remedy = (
        "" if abs(ahead) <= SKEW else _("Set the clocks of this host and of the database by NTP.")
    )
    yield Point(name, f"{ahead.total_seconds():+.2f} s from the database's", remedy)


def _library(name: str) -> Iterator[Point]:
    path = names.shown(os.fsencode(settings.PHOTONEST_LIBRARY))
    if not os.path.isdir(settings.PHOTONEST_LIBRARY) and not Media.objects.exists():
        yield Point(name, _("{path} is made by the first import.").format(path=path))
        return
    try:
        with open_library() as library:
            free = fsops.free_bytes(library)
    except ImportProblem as problem:
        found = describe(problem.code, {"path": path, **problem.facts})
        yield Point(name, found.summary, " ".join(found.recommended_actions))
        return
    yield Point(name, *_runway(path, free))


def _runway(path: str, free: int) -> tuple[str, str]:
    """What is free, and how long that lasts at the pace of the last week."""
    days = days_left(free, database_now())
    seen = f"{path}: {free / 1e9:.1f} GB free"
    if days is not None:
        seen += f", enough for {days:.0f} days at the pace of the last week"
    short = free < 1e9 or (days is not None and days < RUNWAY_DAYS)
    return seen, _("Make room on the disk of {path}.").format(path=path) if short else ""


def _broker(name: str) -> Iterator[Point]:
    """A message goes there and comes back, through a queue of its own."""
    text = f"doctor-{uuid.uuid4().hex}"
    with current_app.connection_for_write(connect_timeout=BROKER_S) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_S)
        channel = broker.default_channel
        queue = Queue(text, channel=channel, durable=False, auto_delete=True)
        queue.queue_declare()
        Producer(channel).publish(text, routing_key=text, serializer="json")
        came = _comes_back(queue, text)
        queue.delete()
        embedded = broker.transport.driver_type == "filesystem"
        seen = str(settings.PHOTONEST_QUEUE) if embedded else broker.as_uri()  # without password
    remedy = _("A message did not come back. Look at the broker, and at the disk it writes to.")
    yield Point(name, seen, "" if came else remedy)


def _comes_back(queue: Queue, text: str) -> bool:
    ends = time.monotonic() + BROKER_S
    while time.monotonic() < ends:
        message = queue.get(no_ack=True)
        if message is not None:
            return bool(message.payload == text)
        time.sleep(0.05)
    return False


def _workers(name: str) -> Iterator[Point]:
    alive = Worker.objects.filter(heartbeat_at__gte=database_now() - LEASE)
    hosts = sorted(set(alive.values_list("host", flat=True)))
    told = f"{alive.count()} on {', '.join(hosts)}" if hosts else _("None is heard of.")
    remedy = "" if hosts else _("Start one: celery -A photonest worker")
    yield Point(name, names.shown(told.encode()), remedy, optional=True)


def _beat(name: str) -> Iterator[Point]:
    row = PeriodicTask.objects.filter(name="sweep").first()
    last = row.last_run_at if row else None
    remedy = ""
    if row is not None and not row.enabled:
        remedy = _("Switch “sweep” on in the admin, under Periodic tasks.")
    elif last is None or last < database_now() - SILENCE:
        remedy = _("Start beat: celery -A photonest beat")
    yield Point(
        name, f"last asked for a sweep at {last}" if last else _("Never."), remedy, optional=True
    )


def _alerts(name: str) -> Iterator[Point]:
    """Whether the alert rules are asked, and whether anybody is told."""
    told = tell.overview()
    seen = _("Last asked: {asked}. Told by: {channels}.").format(
        asked=told["evaluated_at"] or _("never"),
        channels=", ".join(told["channels"]) or _("nobody"),
    )
    if told["undelivered"]:
        one = told["undelivered"][0]
        seen = names.legible(f"{one['channel']}: {one['trouble']}")
        yield Point(name, seen, _("Put it right, then try: python manage.py alerts test"))
    elif told["late"]:
        remedy = _("Start beat and a worker, or ask by cron: python manage.py alerts evaluate")
        yield Point(name, seen, remedy, optional=True)
    else:
        howto = "docs/howto/be-told-when-something-is-wrong.md"
        lacking = "" if told["channels"] else _("Say who is to be told: see {page}.")
        yield Point(name, seen, lacking.format(page=howto), optional=True)


POINTS: dict[str, Callable[[str], Iterator[Point]]] = {
    "settings": _settings,
    "database": _database,
    "migrations": _migrations,
    "clock": _clock,
    "library": _library,
    "broker": _broker,
    "workers": _workers,
    "beat": _beat,
    "alerts": _alerts,
}

__all__ = ["Point", "examine"]
