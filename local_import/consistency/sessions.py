"""Rules of sessions: their state and their stored counts against their items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from .. import integrity
from ..audit_logger import Actor
from ..counting import Histogram, histograms
from ..errors import Severity
from ..models import ImportItem, ImportSession
from ..pipeline.runner import is_held
from ..state_synchronizer import StateSynchronizer, derive, flags_of
from . import scope
from .rule import CannotRepair, Depth, Keys, Look, Rule, Suspect

_FLAGS = (
    *("state_changed_at", "started_at", "walked_at", "planned_at", "counted_at"),
    *("cancel_requested_at", "paused_at", "undo_requested_at"),
)


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Sessions at which nobody works, and that are still not what their items call for."""
    found = histograms(scope.items(look, keys, of_sessions=True))
    for session in scope.sessions(look, keys).defer("failure", "left_out").order_by("pk"):
        for suspect in _judged(session, found.get(session.pk, Histogram())):
            if _is_quiet(look, session):
                yield suspect


def _judged(session: ImportSession, found: Histogram) -> Iterator[Suspect]:
    counts = found.counts
    due = derive(flags_of(session, counts), counts)
    laws = [law.code for law in integrity.broken(session.state, counts)]
    facts = {"session": session.pk, "is": str(session.state), "laws": laws}
    facts["items"] = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    if due != session.state or laws:
        told = facts | {"should_be": str(due)}
        yield Suspect("session_state", str(session.pk), told, session.pk)
    elif not found.is_of(session):
        stored = {"counts": session.counts, "stops": session.stops}
        told = facts | {"is": stored, "should_be": {"counts": counts, "stops": found.stops}}
        yield Suspect("session_counts", str(session.pk), told, session.pk)


def _is_quiet(look: Look, session: ImportSession) -> bool:
    """Whether nobody works at it, and nothing of it has changed for a while."""
    items = ImportItem.objects.in_session(session.pk)
    if is_held(session, look.now) or items.in_work().filter(lease_until__gt=look.now).exists():
        return False
    moments: list[datetime | None] = [getattr(session, name) for name in _FLAGS]
    moments.append(items.aggregate(last=Max("state_changed_at"))["last"])
    return all(moment is None or moment <= look.quiet_since for moment in moments)


def synchronise(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Move the session to the state that its items call for, and count them anew."""
    due = suspect.evidence["should_be"]
    reason = "The consistency check found it at odds with its items."
    snapshot = StateSynchronizer().sync_session_with_items(
        int(suspect.key), actor=actor, reason=reason
    )
    if suspect.rule == "session_state" and snapshot.state != due:
        raise CannotRepair(f"No transition leads from {snapshot.state} to {due}.")


RULES = (
    Rule(
        code="session_state",
        severity=Severity.HIGH,
        about="session",
        depth=Depth.ROWS,
        sentence=_("Session {session} is {is}, but its items ({items}) call for {should_be}."),
        proposal=_("Move session {session} to {should_be}, by the transitions that lead there."),
        risk=_("None: the items are not touched."),
        find=find,
        repair=synchronise,
        automatic=True,
    ),
    Rule(
        code="session_counts",
        severity=Severity.LOW,
        about="session",
        depth=Depth.ROWS,
        sentence=_("The stored counts of session {session} are not those of its items ({items})."),
        proposal=_("Count the items of session {session} anew."),
        risk=_("None: only the stored counts change."),
        find=find,
        repair=synchronise,
        automatic=True,
    ),
)
