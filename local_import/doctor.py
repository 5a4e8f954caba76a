"""The doctor: whether the installation is sound, each point with what was seen and what to do.

Looks only. The library is opened as an import opens it, and the probe of the broker leaves nothing
behind.
"""

from __future__ import annotations

import os
import platform
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django.conf import settings
from django.core import checks
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from kombu import Producer, Queue

from . import guards, names, sizes, versions
from .alerts import tell
from .beat import Beat, beat
from .consistency import overview
from .errors import ImportProblem, Text
from .models import Media, Worker
from .pipeline.desk import open_library
from .pipeline.lease import LEASE
from .runway import Runway, runway
from .transactions import database_now
from .troubleshooting import TroubleshootingEngine

SKEW = timedelta(seconds=2)  # between this host and the database
BROKER_S = 4.0
OVERDUE = timedelta(days=2)  # of the nightly look at the files


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at. Without a remedy it is sound."""

    name: str
    seen: str
    remedy: str = ""
    command: str = ""  # the remedy for a shell, where there is one
    optional: bool = False  # the desk works without it, in the foreground

    @property
    def is_sound(self) -> bool:
        return not self.remedy

    @property
    def state(self) -> str:
        return "sound" if self.is_sound else "absent" if self.optional else "wrong"

    def get_state_display(self) -> Text:
        return _WORDS[self.state]

    @property
    def label(self) -> Text:
        return POINTS[self.name].label

    @property
    def why(self) -> Text:
        return POINTS[self.name].why


_WORDS = {
    "sound": gettext_lazy("sound"),
    "absent": gettext_lazy("not there"),
    "wrong": gettext_lazy("not sound"),
}


@dataclass(frozen=True, slots=True)
class Concern:
    """What a point is about: its name for people, why it matters, and how it is looked at."""

    label: Text
    why: Text
    look: Callable[[str], Iterator[Point]]


def examine(names_of: Iterable[str] = ()) -> Iterator[Point]:
    """The named points, or every one, in turn; one that cannot be looked at says so and stops no other."""
    chosen = list(names_of) or list(POINTS)
    for name in chosen:
        try:
            yield from POINTS[name].look(name)
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


# What makes a commit survive a power loss, and lets keys and triggers hold.
_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "2",
    "foreign_keys": "1",
    "recursive_triggers": "1",
}
_PARAMETERS = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def _database(name: str) -> Iterator[Point]:
    sqlite = connection.vendor == "sqlite"
    due = _PRAGMAS if sqlite else _PARAMETERS
    asked = "(SELECT * FROM pragma_{})" if sqlite else "current_setting('{}')"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(asked.format(key) for key in due)}")
        seen = dict(zip(due, map(str, cursor.fetchone()), strict=True))
    told = ", ".join(f"{key}={value}" for key, value in seen.items())
    wrong = [key for key in due if seen[key] != due[key]]
    remedy = _("Set {name} to {value}: that the database keeps what it is told rests on it.")
    text = " ".join(remedy.format(name=key, value=due[key]) for key in wrong)
    yield Point(name, f"{connection.vendor}: {told}", text)


def _migrations(name: str) -> Iterator[Point]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        seen = _("{number} of them are not applied yet.").format(number=len(plan))
        yield Point(name, seen, _("Apply them."), "python manage.py migrate")
    elif misfit := versions.misfit():  # the tables are newer: migrating would not help
        yield Point(name, misfit, _("Update Photonest on this host."))
    elif not guards.is_installed():
        seen = _("The triggers are not those of the code.")
        yield Point(name, seen, _("Make them anew."), "python manage.py migrate")
    else:
        yield Point(name, _("All are applied, and the triggers are there."))


def _clock(name: str) -> Iterator[Point]:
    ahead = timezone.now() - database_now()
    remedy = (
        "" if abs(ahead) <= SKEW else _("Set the clocks of this host and of the database by NTP.")
    )
    seen = _("{seconds} s from the database's").format(seconds=f"{ahead.total_seconds():+.2f}")
    yield Point(name, seen, remedy)


def _library(name: str) -> Iterator[Point]:
    path = names.shown(os.fsencode(settings.PHOTONEST_LIBRARY))
    if not os.path.isdir(settings.PHOTONEST_LIBRARY) and not Media.objects.exists():
        yield Point(name, _("{path} is made by the first import.").format(path=path))
        return
    try:
        open_library().close()
    except ImportProblem as problem:
        found = TroubleshootingEngine().diagnose(problem)
        yield Point(name, found.summary, " ".join(found.recommended_actions))
        return
    yield Point(name, *_told(path, runway()))


def _consistency(name: str) -> Iterator[Point]:
    """What the last look at the files found; nothing is asked anew."""
    command = "python manage.py check_consistency"
    for held_back in overview.freezing()[:1]:
        yield Point(name, held_back.summary, held_back.proposal, command)
        return
    looked_at, standing, accepted = overview.in_short()
    seen = _("Files last looked at: {at}. Findings: {standing}; accepted: {accepted}.").format(
        at=_at(looked_at) if looked_at else _("never"), standing=standing, accepted=accepted
    )
    late = looked_at is None or looked_at < timezone.now() - OVERDUE
    remedy = _("The schedule has not looked at the files for days. Look now, or start beat.")
    yield Point(name, seen, remedy if late else "", command if late else "", optional=True)


def _told(path: str, left: Runway) -> tuple[str, str]:
    """What is free, and how long that lasts; and what to do where that is too short."""
    free = _("{path}: {size} free").format(path=path, size=sizes.told(left.free_bytes))
    if left.days is not None:
        lasts = _("enough for {days} days at the pace of the last week")
        if left.is_ample:
            lasts = _("enough for more than ten years at the pace of the last week")
        free += ", " + lasts.format(days=f"{left.days:.0f}")
    return free, _("Make room on the disk of {path}.").format(path=path) if left.is_short else ""


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
    told = _("{number} on {hosts}").format(number=alive.count(), hosts=", ".join(hosts))
    seen = names.legible(told) if hosts else _("None is heard of.")
    remedy, command = ("", "") if hosts else (_("Start one."), "celery -A photonest worker")
    yield Point(name, seen, remedy, command, optional=True)


def _beat(name: str) -> Iterator[Point]:
    asked = beat()
    remedy = command = ""
    if asked is not None and not asked.is_on:
        remedy = _("Switch “sweep” on in the admin, under Periodic tasks.")
    elif asked is None or asked.is_silent(database_now()):
        remedy, command = _("Start beat."), "celery -A photonest beat"
    yield Point(name, _last_asked(asked), remedy, command, optional=True)


def _last_asked(asked: Beat | None) -> str:
    if asked is None:
        return _("Never.")
    if asked.asked_at is None:
        return _("It is set up, and has not asked for a sweep yet.")
    return _("It last asked for a sweep at {last}.").format(last=_at(asked.asked_at))


def _at(moment: datetime) -> str:
    """In the zone of who asks: on the pages that of the browser."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def _alerts(name: str) -> Iterator[Point]:
    """Whether the alert rules are asked, and whether anybody is told."""
    told = tell.overview()
    asked = told["evaluated_at"]
    seen = _("Last asked: {asked}. Told by: {channels}.").format(
        asked=_at(datetime.fromisoformat(asked)) if asked else _("never"),
        channels=", ".join(told["channels"]) or _("nobody"),
    )
    if told["undelivered"]:
        one = told["undelivered"][0]
        seen = names.legible(f"{one['channel']}: {one['trouble']}")
        yield Point(name, seen, _("Put it right, then try it."), "python manage.py alerts test")
    elif told["late"]:
        remedy = _("Start beat and a worker, or ask by cron.")
        yield Point(name, seen, remedy, "python manage.py alerts evaluate", optional=True)
    else:
        howto = "docs/howto/be-told-when-something-is-wrong.md"
        lacking = "" if told["channels"] else _("Say who is to be told: see {page}.")
        yield Point(name, seen, lacking.format(page=howto), optional=True)


POINTS = {
    "settings": Concern(
        gettext_lazy("Settings"),
        gettext_lazy(
            "A wrong setting opens the pages to strangers, or stops the desk at the next start."
        ),
        _settings,
    ),
    "database": Concern(
        gettext_lazy("Database"),
        gettext_lazy("What was reported as done must survive a power loss."),
        _database,
    ),
    "migrations": Concern(
        gettext_lazy("Tables and triggers"),
        gettext_lazy(
            "Workers take no work while code and tables differ; the triggers keep states honest."
        ),
        _migrations,
    ),
    "clock": Concern(
        gettext_lazy("Clock"),
        gettext_lazy("Leases of workers on several hosts are compared by their clocks."),
        _clock,
    ),
    "library": Concern(
        gettext_lazy("Library"),
        gettext_lazy(
            "Every imported photo goes there; when its disk is full or away, imports stop."
        ),
        _library,
    ),
    "consistency": Concern(
        gettext_lazy("Consistency"),
        gettext_lazy(
            "Only a look at the files shows that the library has what the database lists."
        ),
        _consistency,
    ),
    "broker": Concern(
        gettext_lazy("Message broker"),
        gettext_lazy("It calls the workers; without it an import in the background waits."),
        _broker,
    ),
    "workers": Concern(
        gettext_lazy("Workers"),
        gettext_lazy("They do the imports that run in the background."),
        _workers,
    ),
    "beat": Concern(
        gettext_lazy("Beat"),
        gettext_lazy(
            "It asks for sweeps, checks and alerts: without it nothing is put right by itself."
        ),
        _beat,
    ),
    "alerts": Concern(
        gettext_lazy("Alerts"),
        gettext_lazy("They tell somebody when an import needs a person while nobody looks."),
        _alerts,
    ),
}

__all__ = ["POINTS", "Point", "examine"]
