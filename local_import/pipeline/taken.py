"""Taken: what is said of files that are gone from their source because another session has them.

All files of a batch are asked about at once. Only a file of the library that was read again, and holds
the bytes, makes one a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .. import fsops, setwise
from ..models import ImportItem, ImportSession, Media
from ..states import SkipReason
from .analyse import failed, full_path, lost
from .desk import Desk, unreadable
from .duplicates import give_back
from .takers import Taker, takers
from .work import Original, Verdict, Work

# How the SHA-256 of a file is known that is not there any more.
_BY_THE_OTHER = "Hashed by the session that moved it away."
_BEFORE = "Read and hashed before it was gone."


def resolve(desk: Desk, batch: Iterable[Work]) -> None:
    """Say of those that are gone from their source where they are, where that is known."""
    gone = [work for work in batch if _is_lost(work)]
    if not gone:
        return
    taken = _takers_of(desk, gone)
    rows = ImportItem.objects.filter(pk__in=[work.item_id for work in gone])
    read = {pk: row for pk, *row in rows.values_list("pk", "sha256", "destination")}
    listed = _listed(sha256 for sha256, _ in read.values() if sha256)
    waiting: list[Work] = []
    for work in gone:
        sha256, destination = read.get(work.item_id, ("", ""))
        taker = taken.get(full_path(desk, work))
        if taker is not None and taker.original is None:
            waiting.append(work)
        elif taker is not None and taker.original is not None:
            skip = _skipped(taker.original, taker.told(full_path(desk, work)), _BY_THE_OTHER)
            _judge(desk, work, taker.sha256, taker.original, skip)
        elif sha256 in listed:
            text = f"The same bytes are in the library as {listed[sha256].path}."
            _judge(desk, work, sha256, listed[sha256], _skipped(listed[sha256], text, _BEFORE))
        elif sha256 and destination:
            _look_at_its_place(desk, work, sha256, destination.encode())
    give_back(waiting, "Another session is just moving it into the library.")


def give_back_taken(desk: Desk, batch: Iterable[Work]) -> None:
    """The same for files in motion, which must be taken anew before they can be said to be elsewhere."""
    gone = [work for work in batch if _is_lost(work)]
    taken = _takers_of(desk, gone)
    for work in gone:
        if full_path(desk, work) in taken:
            work.release("Its source was moved away by another session; it is looked for there.")


def _is_lost(work: Work) -> bool:
    return work.verdict is not None and work.verdict.transition == "lose"


def _takers_of(desk: Desk, works: Sequence[Work]) -> dict[bytes, Taker]:
    if not works:
        return {}
    session = ImportSession.objects.get(pk=desk.session_id)
    return takers(session, [full_path(desk, work) for work in works])


def _listed(hashes: Iterable[str]) -> Mapping[str, Original]:
    found = setwise.find(Media, "sha256", hashes, ("sha256", "id", "path"))
    return {sha256: Original(pk, path) for sha256, pk, path in found}


def _skipped(original: Original, text: str, read: str) -> Verdict:
    values = {"skip_reason": SkipReason.DUPLICATE, "media_id": original.media_id}
    return Verdict("skip", text, values, read)


def _judge(desk: Desk, work: Work, sha256: str, original: Original, skip: Verdict) -> None:
    """A duplicate only of a file that holds the bytes; else it stays missing."""
    file = original.path.encode()
    found = fsops.compare(desk.library, file, sha256)
    if found.is_equal:
        work.sha256, work.original, work.verdict = sha256, original, skip
    elif found.is_unreadable:
        _wait_for(desk, work, file, found)


def _look_at_its_place(desk: Desk, work: Work, sha256: str, place: bytes) -> None:
    """An earlier worker may have brought it there; the sweep imports what is missing and right."""
    found = fsops.compare(desk.library, place, sha256)
    if found.is_unreadable:
        _wait_for(desk, work, place, found)


def _wait_for(desk: Desk, work: Work, file: bytes, found: fsops.Comparison) -> None:
    """Nobody can tell yet; when the tries are used up it is missing, with the error that hid it."""
    problem = unreadable(desk.library, file, found, full_path(desk, work))
    work.verdict = failed(desk, work, problem)
    if work.verdict.transition == "fail":
        work.verdict = lost(desk, work, problem)
