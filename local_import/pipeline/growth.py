"""Growth: a file whose beginning was imported before, as the same file of the same source.

A program that pauses for longer than the quiet time looks finished. What it wrote until then is a
photo of its own in the library when its whole comes: a person decides which of them stays.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from .. import door, fsops, names, setwise
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import FileEffectError
from ..models import ImportItem, Media
from ..models.audit_log import AuditCategory
from ..sayings import say
from ..states import Growth, ItemState
from .analyse import failed, full_path
from .desk import Desk
from .restore import offer_duplicates_again
from .work import Work

_audit = AuditLogger()


@dataclass(frozen=True, slots=True)
class Beginning:
    """A smaller file that was imported from the same place."""

    media_id: int
    path: str
    sha256: str
    size_bytes: int
    imported_at: datetime


def judge(desk: Desk, batch: Sequence[Work]) -> None:
    """Give each file that begins with what was imported before its verdict; one query for all."""
    asked = {names.digest(w.path): w for w in batch if w.growth != Growth.KEEP_BOTH}
    if not desk.earlier or not asked:
        return
    found = ImportItem.objects.filter(session__in=desk.earlier, path_digest__in=list(asked))
    columns = ("id", "path", "sha256", "size_bytes", "imported_at")
    rows = found.filter(state=ItemState.IMPORTED).order_by("-media__size_bytes")
    for key, *row in rows.values_list("path_digest", *(f"media__{name}" for name in columns)):
        work, beginning = asked[key], Beginning(*row)
        is_free = work.verdict is None and work.replaces is None
        if is_free and beginning.size_bytes < work.size_bytes:
            _judge(desk, work, beginning)


def _judge(desk: Desk, work: Work, beginning: Beginning) -> None:
    try:
        same = fsops.digest_of_first(desk.source, work.path, beginning.size_bytes)
        if same != beginning.sha256:
            return
        if work.growth != Growth.REPLACE:
            raise _problem(desk, work, beginning)
    except (OSError, FileEffectError, ImportProblem) as error:
        work.verdict = failed(desk, work, error)
        return
    work.replaces = beginning.media_id


def _problem(desk: Desk, work: Work, beginning: Beginning) -> ImportProblem:
    detail = say(
        "grew",
        size=beginning.size_bytes,
        whole=work.size_bytes,
        path=beginning.path,
        day=beginning.imported_at.date().isoformat(),
    )
    return ImportProblem(ErrorCode.SOURCE_GREW, path=full_path(desk, work), detail=detail)


def note(works: Sequence[Work]) -> None:
    """Write down which media give way, with the intent: whoever settles the file must know."""
    columns, rows = ("id", "fence", "replaces"), [(w.item_id, w.fence, w.replaces) for w in works]
    setwise.update(ImportItem, {}, columns, rows, match=("id", "fence"), where={})


def give_way(works: Sequence[Work], owner: Actor) -> None:
    """The rows of what is replaced go, once the whole is durable in the library and listed there.

    What something else rests on stays. The files follow after the commit (`set_aside`).
    """
    for work in works:
        work.set_aside, work.changed_sessions = "", ()  # of an attempt that was rolled back
        media = Media.objects.select_for_update().filter(pk=work.replaces or 0).first()
        rests = ImportItem.objects.filter(media=media, state__in=_RESTING)
        if media is None or rests.exists():
            continue
        reason = f"Its whole was imported as {work.destination}."
        brought = ImportItem.objects.filter(media=media, state=ItemState.IMPORTED).order_by("pk")
        sessions = offer_duplicates_again(
            [media.pk], "What it is a duplicate of is replaced.", owner
        )
        for item in list(brought):
            door.move(ImportItem, item.pk, Step("give_way", reason), actor=owner)
            sessions[item.session_id] = 1
        Media.objects.filter(pk=media.pk).delete()
        _audit.record(_entry(media, work, owner))
        work.set_aside, work.changed_sessions = media.path, tuple(sessions)


_RESTING = tuple(
    state for state in ItemState if state not in (ItemState.IMPORTED, ItemState.SKIPPED)
)


def _entry(media: Media, work: Work, owner: Actor) -> Entry:
    return Entry(
        AuditCategory.FILE_OPERATION,
        "The beginning of the file gave way to its whole.",
        action="file.replace",
        item_id=work.item_id,
        actor=owner,
        details={
            "beginning": {"path": media.path, "sha256": media.sha256, "bytes": media.size_bytes},
            "whole": {"path": work.destination, "sha256": work.sha256, "bytes": work.size_bytes},
        },
    )


def set_aside(desk: Desk, works: Sequence[Work]) -> None:
    """The files whose rows gave way go to the quarantine; one that stays is told of as unlisted."""
    for work in works:
        name = b"replaced-%d-%d-" % (work.item_id, work.fence)
        path = work.set_aside.encode()
        with suppress(OSError, FileEffectError):
            fsops.quarantine(desk.library, path, fsops.QUARANTINE + name + os.path.basename(path))
