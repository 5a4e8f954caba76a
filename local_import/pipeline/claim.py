"""Claim: a short transaction takes a batch of waiting files, so that no other worker does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..models import ImportItem, ImportSession
from ..states import ItemState
from ..transactions import database_now, hold_unchanged, in_transaction
from .lease import LEASE
from .work import Seen, Work

_CLAIMED = (
    *("pk", "fence", "path", "size_bytes", "accept_damage", "attempts", "retries", "deaths"),
    *("growth", "seen_as", "seen_at", "young_since", "state_changed_at", "next_attempt_at"),
)
_SIZE, _DEATHS = _CLAIMED.index("size_bytes"), _CLAIMED.index("deaths")
Claimable = tuple[Any, ...]  # the values of _CLAIMED
BATCH_ITEMS = 512
SUSPECTS = 32  # a batch of files whose worker died once; then each goes alone
SHARE = 3  # a batch ends with this part of what is seen to wait, so that workers end together
LEAST_BYTES = 96 * 1024 * 1024  # what a batch takes all the same, as each costs some milliseconds
MOST_BYTES = 256 * 1024 * 1024  # and what it takes at most, but for its last file


def claim(session_id: int, owner: Actor, limit: int = BATCH_ITEMS) -> list[Work]:
    """The next files of a session; empty when none is due or the session is to stop."""
    return in_transaction(lambda: _claim(session_id, owner, limit))


def _claim(session_id: int, owner: Actor, limit: int) -> list[Work]:
    # Held, or a cancel could be answered for before these files are seen to be in work. Nobody who
    # holds a session waits for a file in work, so that a worker may ask for it with its own in hand.
    if not hold_unchanged(ImportSession.objects.runnable().filter(pk=session_id)):
        return []
    now = database_now()
    rows = _cut(
        ImportItem.objects.in_session(session_id)
        .claimable(now)
        .select_for_update(skip_locked=True, no_key=True)
        .values_list(*_CLAIMED)[:limit]
    )
    step = Step("claim", "Taken by a worker.", {"owner": owner.name, "lease_until": now + LEASE})
    door.move_many(
        [step],
        [pk for pk, *_ in rows],
        from_state=ItemState.PENDING,
        session_id=session_id,
        actor=owner,
    )
    return [_work(row, now) for row in rows]


def _work(row: Claimable, now: datetime) -> Work:
    pk, fence, path, size, accept, attempts, retries, _, growth, *rest = row
    seen, due = Seen(*rest[:3]), rest[3:]
    work = Work(pk, fence + 1, bytes(path), size, accept, attempts + 1, retries, claimed_at=now)
    work.growth = growth
    work.seen, work.waited_ms, work.walked_bytes = seen, _waited_ms(now, *due), size
    return work


def _waited_ms(now: datetime, waiting_since: datetime, not_before: datetime | None) -> float:
    due = max(waiting_since, not_before or waiting_since)
    return max(0.0, (now - due).total_seconds() * 1000)


def _cut(rows: QuerySet[ImportItem, Claimable]) -> Sequence[Claimable]:
    """As many of the rows as make a batch by size; at least one.

    Files of different deaths do not go together, and fewer of them the more workers died with them,
    so that the next death tells more of which one it was.
    """
    found: list[Claimable] = []
    size = 0
    enough = _enough(sum(row[_SIZE] for row in rows))
    for row in rows:
        if found and row[_DEATHS] != found[0][_DEATHS]:
            break
        found.append(row)
        size += row[_SIZE]
        if size >= enough or len(found) >= _most(row[_DEATHS]):
            break
    return found


def _enough(waiting: int) -> int:
    """Bytes that end a batch where so many are seen to wait, in the next files of the session."""
    return min(max(waiting // SHARE, LEAST_BYTES), MOST_BYTES)


def _most(deaths: int) -> int:
    """How many files go together whose workers died so often."""
    return {0: BATCH_ITEMS, 1: SUSPECTS}.get(deaths, 1)
