"""The book of incidents: the only code that writes them, each change of state with its audit row.

Whoever writes an incident locks it first, in the order of the fingerprints. So two workers that meet
the same full disk wait for each other, and whether an incident is over is asked under the lock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from .. import setwise
from ..audit_logger import SYSTEM, Actor, AuditLogger, Entry
from ..models import ImportItem, ImportSession, Incident
from ..models.audit_log import AuditCategory, AuditLevel
from ..models.incident import IncidentQuerySet, IncidentState
from ..states import ITEM_IN_WORK, ItemState, SessionState
from ..transactions import in_transaction
from .fingerprint import fingerprint, place_of

_UNFINISHED = (ItemState.PENDING, *ITEM_IN_WORK)
_TOLD = {
    "open": "A new incident: {title}.",
    "return": "Resolved, and back again: {title}.",
    "resolve": "Resolved, nothing fails of it any more: {title}.",
}
_audit = AuditLogger()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A failure that is about to be recorded, of so many files at once or of the session itself."""

    failure: Mapping[str, Any]  # as the item or the session stores it, with its code
    session_id: int
    number: int = 1
    of_session: bool = False

    @property
    def place(self) -> str:
        return place_of(self.failure, session_id=self.session_id, of_session=self.of_session)


def note(sightings: Sequence[Sighting], actor: Actor) -> list[int]:
    """Count failures to their incidents; returns the incident of each.

    Call it in the transaction that records the failures. The number of statements does not depend
    on the number of failures.
    """
    keys = [fingerprint(one.failure, one.place) for one in sightings]
    examples = dict(zip(keys, sightings, strict=True))
    new = _open(examples)
    known = _locked(examples)
    _count(known, keys, sightings)
    _link(known, keys, sightings)
    back = {key for key, one in known.items() if one.state == IncidentState.RESOLVED}
    for action, keys_told in (("open", new), ("return", back)):
        told = [(known[key], examples[key].session_id) for key in sorted(keys_told)]
        _tell(told, action, actor, AuditLevel.ERROR)
    return [known[key].pk for key in keys]


def _open(examples: Mapping[str, Sighting]) -> set[str]:
    """Make the incidents that are not there; returns the fingerprints of those made."""
    there = Incident.objects.filter(fingerprint__in=examples)
    lacking = sorted(set(examples) - set(there.values_list("fingerprint", flat=True)))
    if not lacking:
        return set()
    now = timezone.now()
    alike = _defaults() | {"first_seen_at": now, "last_seen_at": now}
    rows = [(key, examples[key].failure["code"], examples[key].place) for key in lacking]
    columns = ("fingerprint", "code", "place")
    made = setwise.insert(
        Incident, alike, columns, rows, ignore_conflicts=True, returning=("fingerprint",)
    )
    return {row[0] for row in made}


def _defaults() -> dict[str, Any]:
    """The columns of a new incident that are alike for all of them."""
    given = {"id", "fingerprint", "code", "place", "first_seen_at", "last_seen_at"}
    blank = Incident()
    names = {field.attname for field in Incident._meta.concrete_fields} - given
    return {name: getattr(blank, name) for name in names}


def _locked(keys: Iterable[str]) -> dict[str, Incident]:
    found = Incident.objects.filter(fingerprint__in=list(keys)).order_by("fingerprint")
    return {incident.fingerprint: incident for incident in found.select_for_update(no_key=True)}


def _count(
    known: Mapping[str, Incident], keys: Sequence[str], sightings: Sequence[Sighting]
) -> None:
    numbers: Counter[str] = Counter()
    for key, one in zip(keys, sightings, strict=True):
        numbers[key] += one.number
        known[key].failure = dict(one.failure)
    now = timezone.now()
    rows = [_row(incident, numbers[key], now) for key, incident in known.items()]
    columns = ("id", "count", "last_seen_at", "failure", "state", "resolved_at")
    setwise.update(Incident, {}, columns, rows, match=("id",), where={})


def _row(incident: Incident, number: int, now: datetime) -> setwise.Row:
    back = incident.state == IncidentState.RESOLVED
    state = IncidentState.BACK.value if back else str(incident.state)
    return (incident.pk, incident.count + number, now, incident.failure, state, None)


def _link(
    known: Mapping[str, Incident], keys: Sequence[str], sightings: Sequence[Sighting]
) -> None:
    pairs = {(known[k].pk, one.session_id) for k, one in zip(keys, sightings, strict=True)}
    columns = ("incident_id", "importsession_id")
    setwise.insert(Incident.sessions.through, {}, columns, sorted(pairs), ignore_conflicts=True)


def _tell(
    found: Iterable[tuple[Incident, int | None]], action: str, actor: Actor, level: str
) -> None:
    """An audit row for each incident that changed its state, with the session where it did."""
    entry = Entry(AuditCategory.ERROR, "", level=level, action=f"incident.{action}", actor=actor)
    rows = [
        (
            session_id,
            _TOLD[action].format(title=incident.title),
            {"incident": incident.pk, "code": incident.code, "place": incident.place},
        )
        for incident, session_id in found
    ]
    _audit.record_many(entry, ["session_id", "message", "details"], rows)


def acknowledge(incident_id: int, *, actor: Actor, reason: str) -> Incident:
    """Somebody knows of it and sees to it. Raises Incident.DoesNotExist; resolved ones stay so."""

    def work() -> Incident:
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        if incident.state == IncidentState.RESOLVED:
            return incident
        incident.state = IncidentState.ACKNOWLEDGED
        incident.acknowledged_at = timezone.now()
        incident.acknowledged_by, incident.acknowledged_reason = actor.name, reason
        incident.save()
        details = {"incident": incident.pk, "code": incident.code, "place": incident.place}
        action = "incident.acknowledge"
        _audit.record(
            Entry(AuditCategory.ERROR, reason, action=action, actor=actor, details=details)
        )
        return incident

    return in_transaction(work)


def resolve_over() -> int:
    """Resolve the incidents that hold nothing any more; returns how many there were.

    A file that is tried again still belongs to its incident: only its outcome tells whether the
    cause is gone.
    """
    found = list(_over().values_list("pk", flat=True))
    return in_transaction(partial(_resolve, found)) if found else 0


def _over() -> IncidentQuerySet:
    failed = ImportItem.objects.filter(incident=OuterRef("pk"))
    broken = ImportSession.objects.filter(incident=OuterRef("pk"))
    tried = ImportItem.objects.filter(retried_after=OuterRef("pk"), state__in=_UNFINISHED)
    tried = tried.exclude(session__state=SessionState.CANCELED)  # nobody will finish these
    holds = Exists(failed) | Exists(broken) | Exists(tried)
    return Incident.objects.unresolved().exclude(holds)


def _resolve(found: Collection[int]) -> int:
    list(Incident.objects.filter(pk__in=found).order_by("fingerprint").select_for_update())
    over = list(_over().filter(pk__in=found))
    now = timezone.now()
    Incident.objects.filter(pk__in=[incident.pk for incident in over]).update(
        state=IncidentState.RESOLVED, resolved_at=now
    )
    _tell([(incident, None) for incident in over], "resolve", SYSTEM, AuditLevel.INFO)
    return len(over)
