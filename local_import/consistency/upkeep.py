"""Rules of upkeep: guards, clocks, the age of the audit log and of the quarantine, and double media."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from .. import guards, sizes
from ..audit_logger import Actor
from ..errors import Severity
from ..fsops import Tree
from ..models import AuditLog, Media
from . import deep, purge, quarantine, scope
from .rule import GRACE, Depth, Keys, Look, Rule, Suspect, key_of

NEWEST = 2000  # audit rows whose times are looked at
OVERDUE = timedelta(days=7)  # of the purge
QUARANTINE = timedelta(days=90)


def find_clocks(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Hosts whose clock is ahead of the database's, or was set back."""
    if look.session_id is None and keys in (None, ["clock"]):
        yield from _clock_of_the_log(look)
    ahead = scope.items(look, None if keys is None else [k for k in keys if k != "clock"])
    for item in ahead.filter(state_changed_at__gt=look.now + GRACE).order_by("pk"):
        facts = {"item": item.pk, "path": item.shown_path, "at": str(item.state_changed_at)}
        yield Suspect("time_ahead", str(item.pk), facts, item.session_id, item.pk)


def _clock_of_the_log(look: Look) -> Iterator[Suspect]:
    newest = list(AuditLog.objects.order_by("-pk").values_list("timestamp", "actor")[:NEWEST])
    ahead = next((row for row in newest if row[0] > look.now + GRACE), None)
    back = next((old for new, old in pairwise(newest) if old[0] > new[0] + GRACE), None)
    if wrong := ahead or back:
        yield Suspect("clock_wrong", "clock", {"at": str(wrong[0]), "actor": wrong[1]})


def find_lost_guards(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.session_id is None and not guards.is_installed():
        yield Suspect("guards_lost", "guards")


def make_guards(look: Look, suspect: Suspect, actor: Actor) -> None:
    guards.install()


def find_overdue_purge(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    oldest = AuditLog.objects.order_by("pk").values_list("timestamp", flat=True).first()
    late = oldest is not None and oldest < look.now - purge.RETENTION - OVERDUE
    if look.session_id is None and late and not purge.was_done_since(look.now - OVERDUE):
        yield Suspect("purge_overdue", "audit", {"oldest": f"{oldest:%Y-%m-%d}"})


def purge_now(look: Look, suspect: Suspect, actor: Actor) -> None:
    purge.purge(actor=actor)


def find_twice(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Media of the same bytes, which the database forbids unless somebody took its index away."""
    rows = Media.objects.values_list("sha256").annotate(number=Count("pk")).filter(number__gt=1)
    if look.session_id is not None:
        return
    for sha256, number in rows.order_by("sha256"):
        if keys is None or sha256 in keys:
            yield Suspect("media_twice", sha256, {"sha256": sha256, "number": number})


def find_old_quarantine(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.library is None or look.session_id is not None:
        return
    number = size = 0
    for found in quarantine.held(look.library):
        if _has_lain(look.library, found.path, look.now - QUARANTINE):
            number, size = number + 1, size + found.size_bytes
    if number:
        facts = {"number": number, "size": sizes.told(size)}
        yield Suspect("quarantine_old", key_of(quarantine.PLACE), facts)


def find_overdue_reading(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    since = look.now - deep.PASS - OVERDUE
    late = Media.objects.filter(
        Q(verified_at__lt=since) | Q(verified_at=None, imported_at__lt=since)
    )
    if look.session_id is None and (number := late.count()):
        yield Suspect("reading_overdue", "media", {"number": number, "days": deep.PASS.days})


def _has_lain(library: Tree, path: bytes, since: datetime) -> bool:
    try:
        changed = library.stat(path).st_ctime
    except OSError:
        return False
    return datetime.fromtimestamp(changed, UTC) < since


RULES = (
    Rule(
        code="guards_lost",
        severity=Severity.HIGH,
        about="library",
        depth=Depth.ROWS,
        sentence=_(
            "The triggers that guard states and audit log are not those of the code, or their gate is open."
        ),
        find=find_lost_guards,
        repair=make_guards,
        proposal=_("Make the triggers again, and shut the gate."),
        risk=_("None."),
        automatic=True,
        advice=_("Let the user of the database own its tables, then: python manage.py migrate"),
    ),
    Rule(
        code="clock_wrong",
        severity=Severity.MEDIUM,
        about="library",
        depth=Depth.ROWS,
        sentence=_(
            "The audit log has a row of {actor} at {at}, which is not yet, or not in order."
        ),
        find=find_clocks,
        advice=_(
            "Set the clocks of all hosts by NTP. Leases are not concerned: they use the "
            "database's clock."
        ),
    ),
    Rule(
        code="time_ahead",
        severity=Severity.LOW,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) is in its state since {at}, which is not yet."),
        find=find_clocks,
        advice=_("Set the clocks of all hosts by NTP, then accept the finding until that time."),
    ),
    Rule(
        code="purge_overdue",
        severity=Severity.LOW,
        about="library",
        depth=Depth.ROWS,
        sentence=_("The audit log goes back to {oldest}, and no purge has run for a week."),
        find=find_overdue_purge,
        repair=purge_now,
        unlocked=True,
        proposal=_("Purge the audit log now."),
        risk=_("Rows older than the retention go away, as they do every night."),
        automatic=True,
        advice=_("Find out why the nightly purge does not run: is it switched on in the admin?"),
    ),
    Rule(
        code="media_twice",
        severity=Severity.HIGH,
        about="library",
        depth=Depth.FILES,
        sentence=_("{number} media have the same bytes, {sha256}."),
        find=find_twice,
        advice=_(
            "Restore the unique index of the table local_import_media, and ask which row stays."
        ),
    ),
    Rule(
        code="quarantine_old",
        severity=Severity.LOW,
        about="library",
        depth=Depth.FILES,
        sentence=_("{number} files ({size}) are in the quarantine for more than 90 days."),
        find=find_old_quarantine,
        advice=_(
            "Look through them; the list says of each whether the library has its bytes: "
            "python manage.py quarantine list. What it calls the only copy here may be the last one "
            "anywhere. The desk never deletes any."
        ),
    ),
    Rule(
        code="reading_overdue",
        severity=Severity.LOW,
        about="library",
        depth=Depth.FILES,
        sentence=_("{number} files of the library were not read for more than {days} days."),
        find=find_overdue_reading,
        advice=_(
            "The nightly reading does not get through: is it switched on? To read everything at once: "
            "python manage.py check_consistency --deep"
        ),
    ),
)
