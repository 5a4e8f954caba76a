"""Scan: walk the source and record what is there, while workers already take the first files.

Walking again is harmless: a path that the session knows is left as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from django.db import transaction
from django.utils import timezone

from .. import fsops, names, setwise
from ..audit_logger import Actor, AuditLogger, Entry
from ..errors import ErrorCode, ImportProblem
from ..fsops import Found, LibraryFound
from ..models import ImportItem, ImportSession
from ..models.audit_log import AuditCategory
from ..states import ItemState
from ..transactions import in_transaction
from .desk import Desk, displaced_source
from .source import overlap

FIRST_CHUNK, CHUNK = 64, 512  # files recorded at once: few at first, so that workers can begin
UNREADABLE = "unreadable"  # left out: the entries of a directory that could not be read
_audit = AuditLogger()
_COLUMNS = ("path", "path_digest", "shown_path", "size_bytes")


def scan(desk: Desk, actor: Actor, should_stop: Callable[[], bool]) -> bool:
    """Record every file below the source; returns False when it was stopped before the end."""
    left_out: Counter[str] = Counter()
    for chunk in _chunks(files_in_source(desk, left_out)):
        in_transaction(partial(_record, desk.session_id, _rows(chunk), actor))
        if should_stop():  # asked with the first files recorded: workers wait for these
            return False
    if problem := displaced_source(desk.source):  # what was found is not where it is recorded
        raise problem
    in_transaction(lambda: _close(desk.session_id, left_out, actor))
    return True


def found_in_source(desk: Desk) -> Iterator[Found]:
    """Raises ImportProblem when the source itself cannot be listed, or a library stands in it."""
    try:
        yield from fsops.walk(desk.source)
    except LibraryFound as found:
        raise overlap(desk.source.root, found) from found
    except OSError as error:
        detail = error.strerror
        problem = ImportProblem(ErrorCode.PERMISSION_DENIED, path=desk.source.root, detail=detail)
        raise problem from error


def files_in_source(desk: Desk, left_out: Counter[str]) -> Iterator[Found]:
    """What becomes an item each; the rest is counted in `left_out` by its reason."""
    for entry in found_in_source(desk):
        if entry.kind == "left_out":
            left_out[entry.reason] += 1
            continue
        if entry.kind == "unreadable_directory":
            left_out[UNREADABLE] += 1  # it is an item itself; what it holds is not
        yield entry


def _chunks(entries: Iterator[Found]) -> Iterator[list[Found]]:
    size = FIRST_CHUNK
    while chunk := list(islice(entries, size)):
        yield chunk
        size = min(2 * size, CHUNK)


def _rows(chunk: Iterable[Found]) -> list[setwise.Row]:
    """Made before the transaction, for which others wait."""
    return [
        (entry.path, names.digest(entry.path), names.shown(entry.path), entry.size_bytes)
        for entry in chunk
    ]


def _record(session_id: int, rows: Sequence[setwise.Row], actor: Actor) -> None:
    alike = _defaults() | {"session_id": session_id, "state_changed_at": timezone.now()}
    with transaction.atomic(savepoint=False):
        ids = setwise.insert(
            ImportItem, alike, _COLUMNS, rows, ignore_conflicts=True, returning=("id",)
        )
        found = Entry(
            AuditCategory.STATE_TRANSITION,
            "Found in the source.",
            action="item.find",
            session_id=session_id,
            actor=actor,
            to_state=ItemState.PENDING,
        )
        _audit.record_many(found, ["item_id"], ids)


def _defaults() -> dict[str, object]:
    """The columns of a new item that are alike for all of them."""
    item = ImportItem()
    return {
        field.attname: getattr(item, field.attname)
        for field in ImportItem._meta.concrete_fields
        if field.attname not in (*_COLUMNS, "id", "session_id", "state_changed_at")
    }


def _close(session_id: int, left_out: Counter[str], actor: Actor) -> None:
    ImportSession.objects.filter(pk=session_id).update(
        walked_at=timezone.now(), left_out=dict(left_out)
    )
    _audit.record(
        Entry(
            AuditCategory.FILE_OPERATION,
            "The source was walked to its end.",
            action="session.walk",
            session_id=session_id,
            actor=actor,
            details={"left_out": dict(left_out)},
        )
    )
