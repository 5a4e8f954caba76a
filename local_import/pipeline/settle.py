"""Settle: a short transaction that records what is durable on the disk by now."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.utils import timezone

from .. import door, names, setwise
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import Each, StaleRows, Step
from ..models import Media
from ..models.audit_log import AuditCategory
from ..states import ItemState, SkipReason
from ..transactions import in_transaction
from .check import settle_verdicts
from .desk import Desk
from .work import Work

_audit = AuditLogger()
_MEDIA_COLUMNS = (
    "sha256",
    "path",
    "size_bytes",
    "kind",
    "width",
    "height",
    "captured_at",
    "captured_offset_minutes",
    "captured_source",
    "captured_confidence",
    "camera_make",
    "camera_model",
    "orientation",
    "original_name",
    "damage",
)


def settle(
    desk: Desk,
    batch: Sequence[Work],
    owner: Actor,
    from_state: str = ItemState.MOVING,
) -> None:
    """Record the outcome of a batch. Raises StaleRows when the lease was lost; the files that were
    placed are then adopted by whoever holds the items now."""
    in_transaction(lambda: _settle(desk, batch, owner, from_state))


def _settle(desk: Desk, batch: Sequence[Work], owner: Actor, from_state: str) -> None:
    placed = [work for work in batch if work.placed]
    twins = [work for work in batch if work.twin_of is not None]
    record_media(placed)
    _finish(desk, placed, owner, from_state)
    _tell_of_files(desk, placed, owner)
    _judge_twins(twins)
    settle_verdicts(desk, twins, owner, ItemState.CHECKING)
    unplaced = [work for work in batch if work.planned and not work.placed]
    settle_verdicts(desk, unplaced, owner, ItemState.MOVING)


def record_media(placed: Sequence[Work]) -> dict[str, int]:
    """Make the Media rows; returns their ids by SHA-256. Raises StaleRows when one is there."""
    rows = [_media_row(work) for work in placed]
    alike = {"imported_at": timezone.now()}
    found = setwise.insert(
        Media, alike, _MEDIA_COLUMNS, rows, ignore_conflicts=True, returning=("sha256", "id")
    )
    ids: dict[str, int] = {row[0]: row[1] for row in found}
    if len(ids) != len(placed):  # whoever holds the items now has recorded them
        raise StaleRows(f"{len(placed) - len(ids)} of {len(placed)} files are recorded already.")
    for work in placed:
        work.media_id = ids[work.sha256]
    return ids


def _media_row(work: Work) -> setwise.Row:
    assert work.inspection and work.capture
    found, capture = work.inspection, work.capture
    return (
        work.sha256,
        work.destination,
        work.size_bytes,
        found.kind,
        found.width,
        found.height,
        capture.at,
        capture.offset_minutes,
        capture.source,
        capture.confidence,
        found.exif.make,
        found.exif.model,
        found.exif.orientation,
        names.shown(os.path.basename(work.path)),
        found.damage,
    )


def _finish(desk: Desk, placed: Sequence[Work], owner: Actor, from_state: str) -> None:
    publish = Step("publish", "The bytes are durable in the library.")
    steps = [
        *([publish] if from_state == ItemState.MOVING else []),
        Step(
            "finish",
            "Media row and file are both there.",
            {"media_id": Each("media_id"), "source_disposition": Each("source_disposition")},
        ),
    ]
    door.move_many(
        steps,
        [work.item_id for work in placed],
        from_state=from_state,
        session_id=desk.session_id,
        actor=owner,
        columns=("id", "fence", "media_id", "source_disposition"),
        rows=[(w.item_id, w.fence, w.media_id, str(w.disposition)) for w in placed],
    )


def _tell_of_files(desk: Desk, placed: Sequence[Work], owner: Actor) -> None:
    entry = Entry(
        AuditCategory.FILE_OPERATION,
        "Placed in the library.",
        action="file.place",
        session_id=desk.session_id,
        actor=owner,
    )
    rows = [
        (
            work.item_id,
            {
                "from": names.shown(work.path),
                "to": work.destination,
                "bytes": work.size_bytes,
                "how": "adopted" if work.adopted else str(work.disposition),
            },
            work.spent_ms,
        )
        for work in placed
    ]
    _audit.record_many(entry, ["item_id", "details", "duration_ms"], rows)


def _judge_twins(twins: Sequence[Work]) -> None:
    for work in twins:
        first = work.twin_of
        assert first is not None
        if first.placed:
            text = f"The same bytes are in the library as {first.destination}."
            work.skip(SkipReason.DUPLICATE, text, first.media_id)
        else:
            work.release("The file with the same bytes was not imported.")
