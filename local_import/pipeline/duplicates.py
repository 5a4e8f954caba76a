"""Duplicates: what is said of a file because the library lists its bytes.

The library's file is read without a lock. So a verdict holds only as long as the row that names the
file, and that is asked again under lock, in the transaction that records it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from datetime import timedelta

from .. import fsops, names
from ..errors import ErrorCode, ImportProblem
from ..fsops import Answer, Comparison
from ..models import ImportItem, Media
from ..sayings import Seen, say
from ..states import ItemState, SkipReason
from ..transactions import database_now
from .analyse import failed, full_path
from .desk import Desk, unreadable
from .work import Original, Work

TWIN_WAIT = timedelta(seconds=0.2)
LONGEST_WAIT = timedelta(seconds=30)


def judge(desk: Desk, work: Work, original: Original) -> None:
    """Compare with the library's file. The verdict rests on its row: see confirm."""
    file = original.path.encode()
    found = fsops.compare(desk.library, file, work.sha256)
    work.original = original
    if found.is_equal:
        text = f"The same bytes are in the library as {original.path}."
        work.skip(SkipReason.DUPLICATE, text, original.media_id)
    elif found.is_unreadable:
        problem = unreadable(desk.library, file, found, full_path(desk, work))
        work.verdict = failed(desk, work, problem)
    else:
        work.verdict = failed(desk, work, _wrong(desk, work, original, found))


def is_lacking(desk: Desk, original: Original) -> bool:
    """Whether the library's file is gone, so that the bytes of another may take its place.

    What cannot be looked at is not gone.
    """
    path = original.path.encode()
    try:
        return names.is_media_place(path) and not desk.library.exists(path)
    except OSError:
        return False


def _wrong(desk: Desk, work: Work, original: Original, found: Comparison) -> ImportProblem:
    return ImportProblem(
        ErrorCode.LIBRARY_FILE_WRONG,
        path=full_path(desk, work),
        detail=_told(original, found),
        library_file=os.path.join(desk.library.root, original.path.encode()),
    )


def _told(original: Original, found: Comparison) -> Seen:
    if found.answer is Answer.ABSENT:
        return say("listed_and_gone", path=original.path)
    if not found.sha256:
        return say("listed_and_no_file", path=original.path)
    return say("listed_otherwise", path=original.path, held=found.sha256)


def confirm(works: Iterable[Work]) -> None:
    """Give back those whose verdict rests on a row that is gone, was changed, or is leaving.

    Call it in the transaction that records the verdicts. The rows stay until it ends: who takes one
    out of the library waits, and then finds what was recorded.
    """
    resting = [(work, work.original) for work in works if work.original is not None]
    if not resting:
        return
    ids = {original.media_id for _, original in resting}
    rows = Media.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    standing = dict(rows.values_list("pk", "path"))
    leaving = _leaving({o.media_id for work, o in resting if not _is_skipped(work)})
    changed = [
        work for work, original in resting if standing.get(original.media_id) != original.path
    ]
    give_back(changed, "The library changed while it was compared.")
    going = [work for work, original in resting if original.media_id in leaving]
    give_back(going, "The same bytes are on their way out of the library, by an undo.")


def _is_skipped(work: Work) -> bool:
    return work.verdict is not None and work.verdict.transition == "skip"


def _leaving(media: Collection[int]) -> set[int]:
    """Those that an undo has moved away, or is about to: its request stands until the row is gone."""
    if not media:
        return set()
    undone = ImportItem.objects.filter(session__undo_requested_at__isnull=False)
    undone = undone.filter(state=ItemState.IMPORTED, media_id__in=media)
    return set(undone.values_list("media_id", flat=True))


def give_back(works: Collection[Work], text: str) -> None:
    """The more often one was taken already, the later it is looked at again."""
    if not works:
        return
    now = database_now()
    for work in works:
        wait = min(TWIN_WAIT * 2 ** min(work.attempts - 1, 10), LONGEST_WAIT)
        work.original = None
        work.release(text, next_attempt_at=now + wait)
