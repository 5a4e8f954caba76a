"""Settle: a short transaction that records what is durable on the disk by now."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from .. import door, names, setwise
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import Each, StaleRows, Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import FileEffectError
from ..models import Media
from ..models.audit_log import AuditCategory
from ..sayings import say
from ..states import ItemState, SkipReason
from ..transactions import in_transaction
from . import growth
from .analyse import failed, full_path
from .check import settle_verdicts
from .desk import Desk
from .parts import in_parts
from .place import take_back
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


def settle_in_parts(
    desk: Desk, batch: Sequence[Work], owner: Actor, from_state: str = ItemState.MOVING
) -> None:
    """The same where the whole batch is refused: a file that somebody else has by now is left to them,
    and one whose values the database does not take fails, or waits, with its bytes taken back."""

    def expected(work: Work) -> str:
        return ItemState.CHECKING if work.twin_of is not None else from_state

    def write(part: Sequence[Work]) -> None:
        settle(desk, part, owner, from_state)

    alone = partial(_settle_refused, desk, owner, from_state)
    in_parts([work for work in batch if work.planned], write, expected, alone)
    in_parts([work for work in batch if work.twin_of is not None], write, expected, alone)


def _settle_refused(
    desk: Desk, owner: Actor, from_state: str, work: Work, error: Exception
) -> None:
    """A place in the library that is not listed stays recorded with the row, where bytes stay there."""
    if work.placed:
        with suppress(OSError, FileEffectError):
            take_back(desk, work)
        work.placed = False
    if isinstance(error, StaleRows):
        work.release("The library lists the same bytes, or its place, for another file.")
    else:
        work.verdict = failed(desk, work, _named(desk, work, error))
    state = ItemState.CHECKING if work.twin_of is not None else from_state
    in_transaction(lambda: settle_verdicts(desk, [work], owner, state))


def _named(desk: Desk, work: Work, error: Exception) -> Exception:
    """The error, or what it is about: the first column that does not take the value of this file."""
    if work.inspection is None or work.capture is None:
        return error
    for name, value in zip(_MEDIA_COLUMNS, _media_row(work), strict=True):
        if value is not None and not _is_taken(name, value):
            detail = say("value_refused", column=name, value=ascii(value)[:80])
            return ImportProblem(ErrorCode.BAD_VALUE, path=full_path(desk, work), detail=detail)
    return error


def _is_taken(name: str, value: Any) -> bool:
    if isinstance(value, str) and ("\0" in value or not _is_text(value)):
        return False
    try:
        Media._meta.get_field(name).run_validators(value)  # type: ignore[union-attr]
    except ValidationError:
        return False
    return True


def _is_text(value: str) -> bool:
    """Without halves of surrogate pairs."""
    return value.encode("utf-8", "replace") == value.encode("utf-8", "surrogatepass")


def _settle(desk: Desk, batch: Sequence[Work], owner: Actor, from_state: str) -> None:
    placed = [work for work in batch if work.placed]
    twins = [work for work in batch if work.twin_of is not None]
    record_media(placed)
    _finish(desk, placed, owner, from_state)
    _tell_of_files(desk, placed, owner)
    growth.give_way([work for work in placed if work.replaces], owner)
    _judge_twins(twins)
    settle_verdicts(desk, twins, owner, ItemState.CHECKING)
    unplaced = [work for work in batch if work.planned and not work.placed]
    settle_verdicts(desk, unplaced, owner, ItemState.MOVING)


def record_media(placed: Sequence[Work]) -> dict[str, int]:
    """Make the Media rows; returns their ids by SHA-256.

    One that lists the same bytes in the same place already is taken as it is: the library was listed
    anew meanwhile. Raises StaleRows where the bytes or the place are listed otherwise.
    """
    rows = [_media_row(work) for work in placed]
    alike = {"imported_at": timezone.now()}
    found = setwise.insert(
        Media, alike, _MEDIA_COLUMNS, rows, ignore_conflicts=True, returning=("sha256", "id")
    )
    ids: dict[str, int] = {row[0]: row[1] for row in found}
    if len(ids) != len(placed):
        ids |= _listed_already([work for work in placed if work.sha256 not in ids])
    for work in placed:
        work.media_id = ids[work.sha256]
    return ids


def _listed_already(placed: Sequence[Work]) -> dict[str, int]:
    rows = setwise.find(Media, "sha256", [w.sha256 for w in placed], ("sha256", "path", "id"))
    listed = {(sha256, path): pk for sha256, path, pk in rows}
    ids = {w.sha256: listed.get((w.sha256, w.destination)) for w in placed}
    known = {sha256: pk for sha256, pk in ids.items() if pk is not None}
    if len(known) != len(placed):
        raise StaleRows(f"{len(placed) - len(known)} files are listed under another name.")
    Media.objects.filter(pk__in=known.values(), lost_at__isnull=False).update(lost_at=None)
    return known


def media_values(work: Work) -> dict[str, Any]:
    """The columns of a Media row that follow from the bytes of a file, by name."""
    known = dict(zip(_MEDIA_COLUMNS, _media_row(work), strict=True))
    return {name: value for name, value in known.items() if name not in ("path", "original_name")}


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
