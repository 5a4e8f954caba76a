"""Keeps a session in step with its items: its running state is derived, never set by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from . import door, incidents, pace
from .audit_log_repository import row_id
from .audit_logger import SYSTEM, Actor
from .counting import histogram
from .door import Step
from .models import ImportItem, ImportSession
from .state_machine import declared
from .states import (
    ITEM_IN_WORK,
    ITEM_UNRESOLVED,
    ItemState,
    SessionState,
)
from .transactions import in_transaction

# States that a session may pass through on its way to the one its items call for. Not `ready`: it
# would lead out of `error` and `canceled`, which only an operator ends.
_PASSABLE = frozenset({SessionState.PROCESSING})
# So much later, a change is in the audit log for all to see: its row was committed, and a clock that
# goes wrong has been made up for.
SEEN_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Flags:
    """What a session is told, as opposed to what its items tell."""

    confirmed: bool = True
    started: bool = True
    walked: bool = True
    planned: bool = True
    begun: bool = False
    canceled: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A session and its items, counted at one moment."""

    session_id: int
    state: str
    counts: Mapping[str, int]
    total: int
    size_bytes: int
    done_bytes: int  # of the files at rest
    counted_at: datetime
    stops: Mapping[str, Mapping[str, int]]  # see ImportSession.stops

    @property
    def unfinished(self) -> int:
        return sum(self.counts[name] for name in (ItemState.PENDING, *ITEM_IN_WORK))

    @property
    def in_work(self) -> int:
        return sum(self.counts[name] for name in ITEM_IN_WORK)


def derive(flags: Flags, counts: Mapping[str, int]) -> SessionState:
    """The state of a session, from its flags and the histogram of its items. Pure and total."""
    in_work = sum(counts.get(name, 0) for name in ITEM_IN_WORK)
    stopped = _stopped(flags) if in_work == 0 else None
    return stopped or _by_flags(flags, counts) or _by_items(flags, counts)


def _stopped(flags: Flags) -> SessionState | None:
    if flags.canceled:
        return SessionState.CANCELED
    return SessionState.ERROR if flags.broken else None


def _by_flags(flags: Flags, counts: Mapping[str, int]) -> SessionState | None:
    if not flags.confirmed:
        return SessionState.PENDING
    if not flags.started:
        return SessionState.READY
    if not flags.walked:
        return SessionState.EXPANDING
    if sum(counts.values()) == 0:
        return SessionState.READY  # nothing was found
    return None if flags.planned else SessionState.PROCESSING


def _by_items(flags: Flags, counts: Mapping[str, int]) -> SessionState:
    waiting = counts.get(ItemState.PENDING, 0)
    if waiting + sum(counts.get(name, 0) for name in ITEM_IN_WORK) == 0:
        unresolved = sum(counts.get(name, 0) for name in ITEM_UNRESOLVED)
        return SessionState.FAILED if unresolved else SessionState.IMPORTED
    if waiting == sum(counts.values()) and not flags.begun:
        return SessionState.ENQUEUED
    return SessionState.IMPORTING


def path_between(source: str, target: str) -> list[str]:
    """The names of the transitions that lead from one session state to another, fewest first.

    Only states that claim nothing about items are passed through. Empty when there is no way.
    """
    queue: deque[tuple[str, list[str]]] = deque([(source, [])])
    seen = {source}
    while queue:
        state, names = queue.popleft()
        for (start, end), name in declared(ImportSession).items():
            if start != state or end in seen:
                continue
            if end == target:
                return [*names, name]
            if end in _PASSABLE:
                seen.add(end)
                queue.append((end, [*names, name]))
    return []


class StateSynchronizer:
    """Moves sessions and items by their target state, and sessions after their items."""

    def transition_session(
        self,
        session_id: int,
        target_state: SessionState,
        reason: str = "",
        *,
        actor: Actor = SYSTEM,
        **values: Any,
    ) -> ImportSession:
        """Raises TransitionNotAllowed (the refusal is recorded) or ImportSession.DoesNotExist."""
        return door.move_to(ImportSession, session_id, target_state, reason, actor=actor, **values)

    def transition_item(
        self,
        item_id: int | str,
        target_state: ItemState,
        reason: str = "",
        *,
        actor: Actor = SYSTEM,
        fence: int | None = None,
        **values: Any,
    ) -> ImportItem:
        """`item_id` is ours or another importer's. Raises TransitionNotAllowed or DoesNotExist, or
        StaleRows when a `fence` is given that is not the item's any more."""
        pk = find_item(item_id).pk
        return door.move_to(
            ImportItem, pk, target_state, reason, actor=actor, fence=fence, **values
        )

    def get_session_snapshot(self, session_id: int) -> SessionSnapshot:
        """The items counted now; writes nothing."""
        return _snapshot(ImportSession.objects.get(pk=session_id))

    def is_behind(self, session_id: int) -> bool:
        """Whether the items call for another state, or are not as the session's picture shows them.

        A picture that is right but old is noted as taken now, so that pages need not take it anew.
        """
        session, at = ImportSession.objects.get(pk=session_id), timezone.now()
        found = histogram(session_id)
        if derive(flags_of(session, found.counts), found.counts) != session.state:
            return True
        if not found.is_of(session):
            return True
        old = ImportSession.objects.filter(pk=session_id, counted_at__lt=at - SEEN_AFTER)
        old.update(counted_at=at)
        return False

    def sync_session_with_items(
        self, session_id: int, *, actor: Actor = SYSTEM, reason: str = ""
    ) -> SessionSnapshot:
        """Count the items, store the picture, and move the session to the state they call for.

        Incidents of which nothing is left are resolved then.
        """
        snapshot = in_transaction(lambda: _sync(session_id, actor, reason))
        incidents.resolve_over()
        return snapshot


def find_item(item_id: int | str) -> ImportItem:
    """An item by our id or another importer's. Raises ImportItem.DoesNotExist."""
    if isinstance(item_id, int):
        return ImportItem.objects.get(pk=item_id)
    found = ImportItem.objects.filter(external_id=item_id).first()
    return found or ImportItem.objects.get(pk=row_id(item_id) or 0)


def _sync(session_id: int, actor: Actor, reason: str) -> SessionSnapshot:
    session = ImportSession.objects.select_for_update().get(pk=session_id)
    snapshot = _snapshot(session)
    target = derive(flags_of(session, snapshot.counts), snapshot.counts)
    text = reason or _why(session, target, snapshot)
    if target != session.state:
        for name in path_between(session.state, target):
            session = door.move(ImportSession, session_id, Step(name, text), actor=actor)
    _store(snapshot, session.pace)
    return replace(snapshot, state=str(session.state))


def _why(session: ImportSession, target: str, snapshot: SessionSnapshot) -> str:
    if target == SessionState.ERROR and session.failure:
        return str(session.failure.get("summary", session.error_code))
    return f"Derived from its items: {_sentence(snapshot.counts)}."


def flags_of(session: ImportSession, counts: Mapping[str, int]) -> Flags:
    """The flags as the row holds them; begun as soon as any item has left `pending`."""
    touched = any(number for name, number in counts.items() if name != ItemState.PENDING)
    return Flags(
        confirmed=session.state != SessionState.PENDING,
        started=session.started_at is not None,
        walked=session.walked_at is not None,
        planned=session.planned_at is not None,
        begun=session.begun_at is not None or touched,
        canceled=session.cancel_requested_at is not None,
        broken=bool(session.error_code),
    )


def _snapshot(session: ImportSession) -> SessionSnapshot:
    at = timezone.now()  # what is written while it is counted is newer than the picture
    found = histogram(session.pk, sizes=True)
    return SessionSnapshot(
        session.pk,
        session.state,
        found.counts,
        found.total,
        found.size_bytes,
        found.done_bytes,
        at,
        found.stops,
    )


def _store(snapshot: SessionSnapshot, before: Mapping[str, Any]) -> None:
    """The picture, and the pace that it tells together with the pictures before."""
    at, done = snapshot.counted_at, snapshot.total - snapshot.unfinished
    ImportSession.objects.filter(pk=snapshot.session_id).update(
        counts=dict(snapshot.counts),
        stops=dict(snapshot.stops),
        bytes_found=snapshot.size_bytes,
        bytes_done=snapshot.done_bytes,
        counted_at=at,
        pace=pace.followed(before, at.timestamp(), done, snapshot.done_bytes),
    )


def _sentence(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none"
