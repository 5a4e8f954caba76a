"""Recover: what a dead worker left in work is taken up where the disk says it stands.

For an item found in `moving` there is an answer to each of the four cases of (source there?,
destination there and right?): redo; adopt; adopt; search by hash, and only then `missing`.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime

from .. import capture_time, door, formats, fsops, names
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import FileEffectError, Tree
from ..models import ImportItem, Media
from ..processes import is_provably_dead
from ..states import ItemState, SourceDisposition
from ..transactions import database_now
from .analyse import failed, lost
from .desk import Desk
from .settle import settle
from .work import Work


def recover(desk: Desk, actor: Actor) -> int:
    """Bring every item whose worker is gone to a true state; returns how many there were."""
    now = database_now()
    left = [
        item
        for item in ImportItem.objects.in_session(desk.session_id).in_work().order_by("pk")
        if item.lease_until <= now or is_provably_dead(item.owner)  # type: ignore[operator]
    ]
    for item in left:
        _recover_one(desk, item, actor)
    return len(left)


def _recover_one(desk: Desk, item: ImportItem, actor: Actor) -> None:
    if item.state in (ItemState.ANALYZING, ItemState.CHECKING):
        _move(item, Step("release", "Its worker ended before a place was fixed."), actor)
    elif _held(desk.library, item.destination.encode()) == item.sha256:
        _adopt(desk, item, actor)
    elif item.state == ItemState.UPDATING:
        detail = f"{item.destination} does not hold the bytes that were published there."
        _fail(desk, item, ImportProblem(ErrorCode.LIBRARY_FILE_WRONG, detail=detail), actor)
    elif _publish_part(desk, item):
        _adopt(desk, item, actor)
    elif desk.source.exists(bytes(item.path)):
        _move(item, Step("release", "Its worker ended before the bytes were placed."), actor)
    else:
        _lose(desk, item, actor)


def _held(tree: Tree, path: bytes) -> str:
    """The SHA-256 of a file, or nothing when there is none that can be read."""
    try:
        return fsops.digest(tree, path)[0]
    except (OSError, FileEffectError):
        return ""


def _publish_part(desk: Desk, item: ImportItem) -> bool:
    """A whole copy under its temporary name is as good as the source; a torn one is thrown away."""
    part = names.part(item.pk, item.fence)
    if _held(desk.library, part) != item.sha256:
        fsops.discard(desk.library, part)
        return False
    try:
        fsops.publish(desk.library, part, item.destination.encode())
    except FileEffectError:
        fsops.discard(desk.library, part)
        return False
    return True


def _adopt(desk: Desk, item: ImportItem, actor: Actor) -> None:
    """The right bytes are at the destination: finish what the worker began."""
    fsops.sync(desk.library)
    if Media.objects.filter(sha256=item.sha256).exclude(path=item.destination).exists():
        held = b"quarantine/%d-%d" % (item.pk, item.fence)
        fsops.quarantine(desk.library, item.destination.encode(), held)
        _move(item, Step("release", "Its bytes are in the library under another name."), actor)
    else:
        settle(desk, [work_of_placed(desk, item)], actor, 0.0, from_state=item.state)


def work_of_placed(desk: Desk, item: ImportItem) -> Work:
    """The item as the worker knew it, read again from the library's file."""
    path = bytes(item.path)
    work = Work(item.pk, item.fence, path, item.size_bytes, sha256=item.sha256)
    with fsops.open_source(desk.library, item.destination.encode()) as file:
        work.size_bytes = file.size
        work.inspection = formats.inspect(file)
        name = os.path.basename(path).decode("utf-8", "replace")
        mtime_ns, now = file.fingerprint.mtime_ns, datetime.now(UTC)
        exif = work.inspection.exif
        work.capture = capture_time.decide(exif, name, mtime_ns, desk.zone, now)
    work.destination = item.destination
    work.planned = work.placed = work.adopted = True
    work.disposition = _disposition(desk, path)
    return work


def _disposition(desk: Desk, path: bytes) -> SourceDisposition:
    if not desk.moves:
        return SourceDisposition.KEPT
    return SourceDisposition.RELEASE_DUE if desk.source.exists(path) else SourceDisposition.MOVED


def _fail(desk: Desk, item: ImportItem, error: Exception, actor: Actor) -> None:
    verdict = failed(desk, Work(item.pk, item.fence, bytes(item.path)), error)
    _move(item, Step("fail", verdict.reason, verdict.values), actor)


def _lose(desk: Desk, item: ImportItem, actor: Actor) -> None:
    work = Work(item.pk, item.fence, bytes(item.path))
    verdict = lost(desk, work, FileNotFoundError(2, "No such file or directory"))
    _move(item, Step("lose", verdict.reason, verdict.values), actor)


def _move(item: ImportItem, step: Step, actor: Actor) -> None:
    door.move(ImportItem, item.pk, step, actor=actor)
