"""Restore: an imported file goes back to where it came from, and its Media goes away.

Nothing is overwritten and nothing deleted: what leaves the library goes back to its source by a
rename, or stays in the library's quarantine when the source has the bytes. It may be interrupted
anywhere and begun again; what is done already is only recorded.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .. import door, fsops, names
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import (
    Answer,
    CannotRename,
    Comparison,
    DestinationTaken,
    Displaced,
    FileEffectError,
    Tree,
)
from ..models import ImportItem, Media
from ..models.audit_log import AuditCategory
from ..sayings import say
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState
from ..transactions import in_transaction
from ..troubleshooting import TroubleshootingEngine
from .desk import Desk, is_library_file, of_library, refuse_library_file, unreadable
from .source import open_source_tree

BATCH = 100
_MOVED = "Its directory was moved while it was brought back"
_audit = AuditLogger()
_engine = TroubleshootingEngine()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that stays in the library, with the reason."""

    item: ImportItem
    failure: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a batch."""

    last: int  # the id of its last item; 0 where there was none
    number: int  # files that went back
    refused: list[Refusal]
    # Session → files of it that are imported after all, and were skipped as duplicates.
    handed_over: dict[int, int]


def restore_batch(
    desk: Desk, after: int, actor: Actor, reason: str, beat: Callable[[], object]
) -> Restored:
    """Take the next imported items back, those behind the id `after`; `beat` is called for each.

    The rows change in one transaction, after the disk is in order. Raises ImportProblem when a disk
    cannot confirm it; then no row has changed.
    """
    waiting = ImportItem.objects.in_session(desk.session_id).filter(state=ItemState.IMPORTED)
    items = list(waiting.filter(pk__gt=after).select_related("media").order_by("pk")[:BATCH])
    desk.source.forget()
    desk.library.forget()
    refused, back = [], []
    for item in items:
        beat()
        if failure := _restore_one(desk, item):
            refused.append(failure)
        else:
            back.append(item)
    handed_over: dict[int, int] = {}
    if back:
        refused += _make_durable(desk, back)
        back = [item for item in back if item not in {one.item for one in refused}]
        handed_over = in_transaction(partial(_record, desk, back, actor, reason))
    for session_id in handed_over:
        StateSynchronizer().sync_session_with_items(session_id, actor=actor)
    return Restored(items[-1].pk if items else 0, len(back), refused, handed_over)


def _make_durable(desk: Desk, back: Sequence[ImportItem]) -> list[Refusal]:
    """Returns the files whose directory at the source was moved meanwhile: they are taken in again."""
    try:
        moved = _confirmed(desk.source, back)
        fsops.sync(desk.library)
    except Displaced as error:
        if error.filename == desk.library.root:
            raise of_library(desk.library, error) from error
        _take_in_again(desk, back)
        raise ImportProblem(ErrorCode.SOURCE_MISSING, path=error.filename) from error
    except OSError as error:
        path = fsops.path_of(error)
        raise ImportProblem(ErrorCode.IO_ERROR, path=path, detail=error.strerror) from error
    _take_in_again(desk, moved)
    return [_refusal(desk, item, FileNotFoundError(errno.ENOENT, _MOVED)) for item in moved]


def _confirmed(source: Tree, back: Sequence[ImportItem]) -> list[ImportItem]:
    """Returns those that are not found by their path: their directory was moved, or a worker that came
    late let the source go."""
    fsops.sync(source)
    moved = fsops.out_of_reach(source, [bytes(item.path) for item in back])
    return [
        item for item in back if bytes(item.path) in moved or not source.exists(bytes(item.path))
    ]


def _take_in_again(desk: Desk, items: Sequence[ImportItem]) -> None:
    """What was brought to where nobody looks for it stands in the library again, as it is listed."""
    for item in items:
        with suppress(OSError, FileEffectError):  # gone altogether, as the next check will say
            _take_one_in_again(desk, item)
    if items:
        fsops.sync(desk.library)


def _take_one_in_again(desk: Desk, item: ImportItem) -> None:
    if desk.library.exists(_aside(item)):
        fsops.publish(desk.library, _aside(item), _place(item))
        return
    path = bytes(item.path)
    found = fsops.Fingerprint.of(desk.source.stat(path))
    fsops.move(desk.source, path, found, desk.library, _place(item))


def _restore_one(desk: Desk, item: ImportItem) -> Refusal | None:
    try:
        _refuse_while_needed(desk, item)
        _bring_back(desk, item)
    except (OSError, FileEffectError, ImportProblem) as error:
        return _refusal(desk, item, error)
    return None


def _refusal(desk: Desk, item: ImportItem, error: Exception) -> Refusal:
    path = os.path.join(desk.source.root, bytes(item.path))
    context = {"file_path": path, "session": item.session_id, "item": item.pk}
    return Refusal(item, _engine.diagnose(error, context).as_failure())


def _refuse_while_needed(desk: Desk, item: ImportItem) -> None:
    """A duplicate of it, skipped in another session, may have no other copy by now."""
    assert item.media_id  # the database holds it of what is imported
    others = ImportItem.objects.filter(media_id=item.media_id).exclude(session=item.session_id)
    for other in others.select_related("session").order_by("pk"):
        if other.absolute_path == item.absolute_path:
            continue  # the undo brings it just there
        found = _its_own(desk, item, other)
        if not found.is_equal:
            about = {"session": other.session_id, "path": other.shown_path}
            detail = say("only_copy_of", **about)
            if found.is_unreadable:
                detail = say("perhaps_only_copy_of", error=found.why, **about)
            facts = {"other_session": other.session_id, "other_item": other.pk}
            raise ImportProblem(ErrorCode.STILL_NEEDED, detail=detail, **facts)


def _its_own(desk: Desk, item: ImportItem, other: ImportItem) -> Comparison:
    """Whether a duplicate still holds the bytes, so that it can be imported instead."""
    path, session = bytes(other.path), other.session
    try:
        with open_source_tree(bytes(session.source_path), session.source_origins) as source:
            if is_library_file(source, path, desk.library, item.destination):
                return Comparison(Answer.ABSENT)
            return fsops.compare(source, path, other.sha256)
    except ImportProblem as problem:
        if problem.code in (ErrorCode.SOURCE_MISSING, ErrorCode.SOURCE_NOT_DIRECTORY):
            return Comparison(Answer.ABSENT)
        error = problem.__cause__
        return Comparison(Answer.UNREADABLE, error=error if isinstance(error, OSError) else None)


def _bring_back(desk: Desk, item: ImportItem) -> None:
    """The four cases of (library right?, source right?), and what stands in the way.

    Raises ImportProblem, too, when one of them cannot be read.
    """
    path = bytes(item.path)
    held = fsops.compare(desk.library, _place(item), item.sha256)
    there = fsops.compare(desk.source, path, item.sha256)
    for tree, name, found in ((desk.library, _place(item), held), (desk.source, path, there)):
        if found.is_unreadable:
            raise unreadable(tree, name, found)
    refuse_library_file(desk, path, item.destination)
    if there.answer is Answer.DIFFERENT:
        raise ImportProblem(ErrorCode.SOURCE_OCCUPIED)
    is_absent = there.answer is Answer.ABSENT
    if is_absent and not held.is_equal:
        detail = say("not_as_imported", path=item.destination)
        file = desk.library.full(_place(item))
        stands = {"stands": "yes"} if held.answer is Answer.DIFFERENT else {}
        raise ImportProblem(
            ErrorCode.LIBRARY_FILE_WRONG, detail=detail, library_file=file, **stands
        )
    if is_absent and _renamed_back(desk, item):
        return
    if is_absent:
        _copy_back(desk, item)
    if held.answer is not Answer.ABSENT:
        _set_aside(desk, item)


def _renamed_back(desk: Desk, item: ImportItem) -> bool:
    """Raises DestinationTaken as SOURCE_OCCUPIED; False when the bytes must be copied."""
    fingerprint = fsops.Fingerprint.of(desk.library.stat(_place(item)))
    try:
        fsops.move(desk.library, _place(item), fingerprint, desk.source, bytes(item.path))
    except CannotRename:
        return False
    except DestinationTaken as error:
        raise ImportProblem(ErrorCode.SOURCE_OCCUPIED) from error
    return True


def _copy_back(desk: Desk, item: ImportItem) -> None:
    part = names.part(item.pk, item.fence)
    fingerprint = fsops.Fingerprint.of(desk.library.stat(_place(item)))
    try:
        fsops.copy(desk.library, _place(item), fingerprint, item.sha256, desk.source, part)
        fsops.sync(desk.source)
        fsops.publish(desk.source, part, bytes(item.path))
    except DestinationTaken as error:
        raise ImportProblem(ErrorCode.SOURCE_OCCUPIED) from error
    finally:
        fsops.discard(desk.source, part)
    fsops.sync(desk.source)


def _set_aside(desk: Desk, item: ImportItem) -> None:
    fsops.quarantine(desk.library, _place(item), _aside(item))


def _aside(item: ImportItem) -> bytes:
    name = b"undone-%d-%d-" % (item.pk, item.fence) + os.path.basename(_place(item))
    return b"quarantine/" + name


def _place(item: ImportItem) -> bytes:
    return item.destination.encode()


def _record(desk: Desk, back: Sequence[ImportItem], actor: Actor, reason: str) -> dict[int, int]:
    """Returns the other sessions that changed with it, with the number of their files."""
    ids = [item.pk for item in back]
    media = [item.media_id for item in back if item.media_id]
    # Who skips a duplicate of one of these from now on waits, finds it gone, and looks again.
    list(Media.objects.select_for_update().filter(pk__in=media).order_by("pk"))
    gone = "The file it is a duplicate of was taken out of the library."
    changed = offer_duplicates_again(media, gone, actor, desk.session_id)
    alike = ImportItem.objects.in_session(desk.session_id).filter(media_id__in=media)
    alike.filter(state=ItemState.SKIPPED).update(media=None)  # duplicates of what goes away
    door.move_many(
        [Step("restore_source", reason)],
        ids,
        from_state=ItemState.IMPORTED,
        session_id=desk.session_id,
        actor=actor,
    )
    Media.objects.filter(pk__in=media).delete()
    entry = Entry(AuditCategory.FILE_OPERATION, "Back at its source.", action="file.restore")
    rows = [(item.pk, {"from": item.destination, "to": item.shown_path}) for item in back]
    entry = replace(entry, session_id=desk.session_id, actor=actor)
    _audit.record_many(entry, ["item_id", "details"], rows)
    return changed


def offer_duplicates_again(
    media: Sequence[int], reason: str, actor: Actor, but_of: int | None = None
) -> dict[int, int]:
    """What was skipped as duplicates is to be imported after all, but that of one session.

    Returns how many files, by session.
    """
    others = ImportItem.objects.filter(media_id__in=media, state=ItemState.SKIPPED)
    others = others.exclude(session=but_of)
    by_session: dict[int, list[int]] = {}
    for pk, session_id in others.order_by("pk").values_list("pk", "session_id"):
        by_session.setdefault(session_id, []).append(pk)
    step = Step("requeue", reason)
    for session_id, ids in by_session.items():
        door.move_many(
            [step], ids, from_state=ItemState.SKIPPED, session_id=session_id, actor=actor
        )
    return {session_id: len(ids) for session_id, ids in by_session.items()}
