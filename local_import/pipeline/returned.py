"""What a file that is back in the library makes true again: items that were `missing` without it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from django.db.models import F

from .. import door
from ..audit_logger import Actor
from ..door import StaleRows, Step
from ..models import ImportItem
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState
from ..transactions import in_transaction

_STEP = Step("recover", "Its file is back in the library.", {"media_id": door.Each("media_id")})


def recover_missing(media: Sequence[int], actor: Actor) -> int:
    """Call items imported again whose media has its file back; returns how many.

    The caller has verified the files. Each session is a transaction of its own, and moves after its
    items; where somebody else comes to it at the same time the next sweep looks once more.
    """
    lost = ImportItem.objects.filter(media__in=media, state=ItemState.MISSING)
    lost = lost.filter(sha256=F("media__sha256"), destination=F("media__path"))
    by_session: dict[int, list[tuple[int, int]]] = {}
    for session_id, *row in lost.order_by("pk").values_list("session", "pk", "media"):
        by_session.setdefault(session_id, []).append((row[0], row[1]))
    for session_id, rows in sorted(by_session.items()):
        with suppress(StaleRows):
            in_transaction(partial(_recover, session_id, rows, actor))
        StateSynchronizer().sync_session_with_items(session_id, actor=actor)
    return sum(map(len, by_session.values()))


def _recover(session_id: int, rows: Sequence[tuple[int, int]], actor: Actor) -> None:
    door.move_many(
        [_STEP],
        [row[0] for row in rows],
        from_state=ItemState.MISSING,
        session_id=session_id,
        actor=actor,
        columns=("id", "media_id"),
        rows=rows,
    )
