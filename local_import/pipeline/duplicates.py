"""Duplicates: what is said of a file because the library lists its bytes."""

from __future__ import annotations

import os
from datetime import timedelta

from .. import fsops
from ..errors import ErrorCode, ImportProblem
from ..fsops import Answer, Comparison
from ..models import ImportItem
from ..sayings import Seen, say
from ..states import SkipReason
from ..transactions import database_now
from .analyse import failed, full_path
from .desk import Desk, unreadable
from .work import Original, Work

TWIN_WAIT = timedelta(seconds=0.2)


def judge(desk: Desk, work: Work, original: Original) -> None:
    """Compare with the library's file."""
    file = original.path.encode()
    found = fsops.compare(desk.library, file, work.sha256)
    if found.is_equal:
        text = f"The same bytes are in the library as {original.path}."
        work.skip(SkipReason.DUPLICATE, text, original.media_id)
    elif found.is_unreadable:
        problem = unreadable(desk.library, file, found, full_path(desk, work))
        work.verdict = failed(desk, work, problem)
    elif _is_being_undone(original.media_id):
        due = database_now() + TWIN_WAIT
        text = "The same bytes are on their way out of the library, by an undo."
        work.release(text, next_attempt_at=due)
    else:
        work.verdict = failed(desk, work, _wrong(desk, work, original, found))


def _is_being_undone(media_id: int) -> bool:
    undone = ImportItem.objects.filter(session__undo_requested_at__isnull=False)
    return undone.filter(media_id=media_id).exists()


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
