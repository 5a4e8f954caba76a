"""Place: bring the bytes to their destination and make them durable. No transaction is open."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .. import fsops, names
from ..errors import ErrorCode, ImportProblem
from ..fsops import CannotRename, DestinationTaken, Displaced, FileEffectError, SourceChanged
from ..sayings import say
from ..states import SourceDisposition
from ..troubleshooting import code_of
from .analyse import failed, full_path, lost
from .desk import Desk, holds, of_library, refuse_library_file
from .taken import give_back_taken
from .work import Work

RESERVE_BYTES = 1024 * 1024  # stays free on the library's disk
# What stands in the way of every file, not of this one: the session cannot go on.
_SESSION_WIDE = frozenset(
    {ErrorCode.DISK_FULL, ErrorCode.QUOTA_EXCEEDED, ErrorCode.LIBRARY_NOT_WRITABLE}
)
# The same where the library's disk has died. One that lives may have a bad directory, or the source's
# disk is what fails.
_OF_DISKS = frozenset({ErrorCode.IO_ERROR, ErrorCode.STALE_HANDLE, ErrorCode.NO_ANSWER})


def place(
    desk: Desk, batch: Sequence[Work], should_stop: Callable[[], bool] = lambda: False
) -> ImportProblem | None:
    """Place every file that has a written intent; returns what keeps the session from going on.

    Files that were not placed then have the verdict `release`. When the final sync fails nothing of
    this batch is believed: each file is taken back. So is what cannot be reached by its path then.
    """
    planned = [work for work in batch if work.planned]
    desk.library.forget()
    problem = None
    for work in planned:
        if problem is not None:
            work.release("The session stopped before this file was placed.")
        elif should_stop():
            work.release("The worker was told to stop before this file was placed.")
        else:
            began = time.perf_counter()
            problem = _place_one(desk, work)
            work.place_ms += (time.perf_counter() - began) * 1000
    give_back_taken(desk, planned)
    not_durable = _make_durable(desk, [work for work in planned if work.placed])
    return problem or not_durable


def _place_one(desk: Desk, work: Work) -> ImportProblem | None:
    try:
        _try_to_place(desk, work)
    except (OSError, FileEffectError, ImportProblem) as error:
        if _stops_all(desk, error):
            work.release("The session stopped before this file was placed.")
            return of_library(desk.library, error)
        work.verdict = failed(desk, work, error)
    return None


def _stops_all(desk: Desk, error: Exception) -> bool:
    code = code_of(error)
    return code in _SESSION_WIDE or (code in _OF_DISKS and not fsops.is_alive(desk.library))


def _try_to_place(desk: Desk, work: Work) -> None:
    try:
        _bring(desk, work)
        work.placed = True
    except DestinationTaken:
        _adopt_or_release(desk, work)
    except FileNotFoundError as error:
        if not fsops.is_alive(desk.library):
            raise of_library(desk.library, error) from error
        if desk.source.exists(work.path):  # it was away for a moment
            raise SourceChanged(full_path(desk, work)) from error
        if not _is_placed_already(desk, work):
            work.verdict = lost(desk, work, error)


def _bring(desk: Desk, work: Work) -> None:
    assert work.fingerprint is not None
    target = work.destination.encode()
    if desk.renames:
        try:
            fsops.move(desk.source, work.path, work.fingerprint, desk.library, target)
        except CannotRename:
            pass
        else:
            work.disposition = SourceDisposition.MOVED
            _verify_racy(desk, work, target)
            return
    _copy(desk, work, target)
    if desk.moves:
        work.disposition = SourceDisposition.RELEASE_DUE


def _copy(desk: Desk, work: Work, target: bytes) -> None:
    assert work.fingerprint is not None
    require_room(desk, work.size_bytes)
    part = names.part(work.item_id, work.fence)
    fsops.copy(desk.source, work.path, work.fingerprint, work.sha256, desk.library, part)
    try:
        fsops.publish(desk.library, part, target)
    except BaseException:
        fsops.discard(desk.library, part)
        raise


def require_room(desk: Desk, size_bytes: int) -> None:
    """Raises ImportProblem when the library's disk cannot take so many bytes more."""
    free = fsops.free_bytes(desk.library)
    if free < size_bytes + RESERVE_BYTES:
        detail = say("bytes_needed", size=size_bytes, free=free)
        raise ImportProblem(ErrorCode.DISK_FULL, path=desk.library.root, detail=detail)


def _verify_racy(desk: Desk, work: Work, target: bytes) -> None:
    """Where times may not tell of a change since it was read, the file is read again."""
    if not work.is_racy:
        return
    found = fsops.compare(desk.library, target, work.sha256, afresh=False)
    if found.is_equal:
        return
    take_back(desk, work)  # a file that nobody lists must not stay in the library
    if isinstance(found.error, OSError):
        found.error.filename = full_path(desk, work)  # there it is again, and cannot be read
        raise found.error
    raise SourceChanged(full_path(desk, work))


def _is_placed_already(desk: Desk, work: Work) -> bool:
    """Whether a worker that was thought to be dead has brought the bytes there: they are adopted.

    Raises ImportProblem when what stands there cannot be read.
    """
    if not _is_there(desk, work):
        return False
    work.placed = work.adopted = True
    work.disposition = SourceDisposition.MOVED
    return True


def _is_there(desk: Desk, work: Work) -> bool:
    return holds(desk.library, work.destination.encode(), work.sha256, full_path(desk, work))


def _adopt_or_release(desk: Desk, work: Work) -> None:
    """Something stands at the destination: the right bytes are taken over, others never touched.

    Raises ImportProblem when it cannot be read.
    """
    if not _is_there(desk, work):
        work.release(f"Other bytes stand at {work.destination}; a longer name is taken next.")
        return
    refuse_library_file(desk, work.path, work.destination)
    work.placed = work.adopted = True
    if desk.moves:
        work.disposition = SourceDisposition.RELEASE_DUE


def _make_durable(
    desk: Desk, placed: Sequence[Work], sync: Callable[[fsops.Tree], None] = fsops.sync
) -> ImportProblem | None:
    if not placed:
        return None
    try:
        sync(desk.library)
        moved = fsops.out_of_reach(desk.library, [work.destination.encode() for work in placed])
    except Displaced as error:
        for work in placed:
            _leave(desk, work)
        return of_library(desk.library, error)
    except OSError as error:
        for work in placed:
            _disbelieve(desk, work, "The disk did not confirm it")
        return of_library(desk.library, error)
    for work in placed:
        if work.destination.encode() in moved:
            _disbelieve(desk, work, "Its directory in the library was moved")
    return None


def _leave(desk: Desk, work: Work) -> None:
    """The library is not at its path: a copy waits in it to be adopted, a moved file goes back."""
    text = "The library is not at its path any more"
    if work.disposition == SourceDisposition.MOVED:
        _disbelieve(desk, work, text)
        return
    work.placed, work.disposition = False, SourceDisposition.KEPT
    work.release(f"{text}; the copy in it stays where it was, {work.destination}.")


def _disbelieve(desk: Desk, work: Work, why: str) -> None:
    """What was not found durable at its place is not imported, also where it is not given back.

    A disk that failed is often read-only from then on. What stays in the library so is adopted by a
    later claim of the file, when the disk is sound, or found by the sweep.
    """
    work.release(f"{why}; the bytes were taken back.")
    try:
        take_back(desk, work)
    except (OSError, FileEffectError):
        work.placed, work.disposition = False, SourceDisposition.KEPT
        work.release(f"{why}, and the bytes could not be taken back.")


def take_back(desk: Desk, work: Work) -> None:
    """Undo a placing: the source has its file again, or an untrusted copy goes to quarantine."""
    target = work.destination.encode()
    if work.disposition == SourceDisposition.MOVED:
        moved = fsops.Fingerprint.of(desk.library.stat(target))
        fsops.move(desk.library, target, moved, desk.source, work.path)
    elif not work.adopted:
        held = b"quarantine/%d-%d-" % (work.item_id, work.fence) + target.replace(b"/", b"_")
        fsops.quarantine(desk.library, target, held)
    work.placed, work.disposition = False, SourceDisposition.KEPT
