"""Rebuild: the media rows once more, from the originals in the library, when the database was lost.

Files are read and never touched, and rows are only added. What is listed already is left as it is, so
that a rebuild may be interrupted, or repeated, at any time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings

from .. import fsops, names
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import StaleRows
from ..fsops import Tree
from ..models import Media
from ..models.audit_log import AuditCategory
from ..pipeline.analyse import analyse
from ..pipeline.desk import Desk
from ..pipeline.settle import record_media
from ..pipeline.work import Work
from ..transactions import in_transaction
from .strays import unknown

CHUNK = 200
LONGEST = 255  # characters of a path that a media row can name
_PUT_THERE = "To put it there: python manage.py repair_consistency --apply"
_audit = AuditLogger()


@dataclass(slots=True)
class Rebuilt:
    """How many files were listed, or would be; and which were not, each with the reason."""

    listed: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


def rebuild(library: Tree, *, apply: bool, actor: Actor) -> Rebuilt:
    """List every photo of the library that no media names; without `apply` only count them."""
    done = Rebuilt()
    desk = Desk(0, library, library, moves=False, zone=ZoneInfo(settings.TIME_ZONE))
    seen: set[str] = set()
    for works in _chunks(library):
        fit = [work for work in works if _is_fit(desk, work, seen, done)]
        fit = _in_place(library, fit, done)
        if apply and fit:
            in_transaction(partial(_record, fit, actor))
        done.listed += len(fit)
    return done


def _chunks(library: Tree) -> Iterator[list[Work]]:
    files = (e for e in fsops.walk(library) if e.kind == "file" and names.is_media_place(e.path))
    while entries := list(islice(files, CHUNK)):
        missing = unknown(entries)
        last_try = settings.PHOTONEST_RETRIES  # nobody tries again by himself
        found = [e.path for e in entries if e.path in missing]
        yield [Work(0, 0, path, accept_damage=True, retries=last_try) for path in found]


def _is_fit(desk: Desk, work: Work, seen: set[str], done: Rebuilt) -> bool:
    analyse(desk, work)
    reason = _why_not(desk.library, work, seen)
    if reason:
        done.left_out.append((names.shown(work.path), reason))
        return False
    seen.add(work.sha256)
    work.destination = os.fsdecode(work.path)
    return True


def _in_place(library: Tree, works: list[Work], done: Rebuilt) -> list[Work]:
    """Raises Displaced where the library is not at its path any more."""
    moved = fsops.out_of_reach(library, [work.path for work in works])
    library.forget()
    reason = "Its directory was moved while it was read."
    done.left_out += [(names.shown(work.path), reason) for work in works if work.path in moved]
    return [work for work in works if work.path not in moved]


def _why_not(library: Tree, work: Work, seen: Iterable[str]) -> str:
    if work.verdict is not None:
        return work.verdict.reason
    path = os.fsdecode(work.path)
    if len(path) > LONGEST or not path.isprintable():
        return "Its name cannot be listed; give it a shorter or plainer one."
    media = Media.objects.filter(sha256=work.sha256).first()
    if media is not None and not library.exists(os.fsencode(media.path)):
        return f"It is listed as {media.path}, where no file stands. {_PUT_THERE}"
    if work.sha256 in seen or media is not None:
        return "Another file of the library has the same bytes."
    return ""


def _record(works: list[Work], actor: Actor) -> None:
    """Raises StaleRows when an import has listed one of them meanwhile; nothing is written then."""
    record_media(works)
    entry = Entry(
        AuditCategory.CONSISTENCY,
        "Listed again, from the originals in the library.",
        action="library.rebuild",
        actor=actor,
        details={"paths": [work.destination for work in works]},
    )
    _audit.record(entry)


__all__ = ["Rebuilt", "StaleRows", "rebuild"]
