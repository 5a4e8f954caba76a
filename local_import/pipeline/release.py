"""Release: in mode move across filesystems, the source goes once its copy is safe and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from .. import fsops
from ..audit_logger import Actor, AuditLogger, Entry
from ..fsops import FileEffectError, Fingerprint
from ..models import ImportItem
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import ItemState, SourceDisposition
from ..transactions import in_transaction
from .desk import Desk, held
from .work import Work

_audit = AuditLogger()


@dataclass(frozen=True, slots=True)
class Due:
    item_id: int
    path: bytes
    sha256: str
    destination: str
    fingerprint: Fingerprint | None = None  # unknown after a restart: then bytes are compared


def release_batch(desk: Desk, batch: Iterable[Work], owner: Actor) -> None:
    """Let the sources of a settled batch go."""
    due = [
        Due(work.item_id, work.path, work.sha256, work.destination, work.fingerprint)
        for work in batch
        if work.placed and work.disposition == SourceDisposition.RELEASE_DUE
    ]
    _release(desk, due, owner)


def release_left(desk: Desk, owner: Actor) -> int:
    """Let those go that an earlier process left behind; returns how many came to their end.

    What still cannot be let go is not told of again.
    """
    left = ImportItem.objects.in_session(desk.session_id).filter(
        state=ItemState.IMPORTED, source_disposition=SourceDisposition.RELEASE_DUE
    )
    number = 0
    for item in left.order_by("pk").iterator():
        due = Due(item.pk, bytes(item.path), item.sha256, item.destination)
        disposition, text = _let_go(desk, due)
        if disposition != SourceDisposition.RELEASE_DUE:
            in_transaction(partial(_record, desk, due, disposition, text, owner))
            number += 1
    return number


def _release(desk: Desk, due: list[Due], owner: Actor) -> None:
    for one in due:
        disposition, text = _let_go(desk, one)
        in_transaction(partial(_record, desk, one, disposition, text, owner))


def _let_go(desk: Desk, due: Due) -> tuple[SourceDisposition, str]:
    """Remove one source, unless the library's copy or the source itself is not what it must be."""
    if held(desk.library, due.destination.encode()) != due.sha256:
        return SourceDisposition.RELEASE_DUE, "Kept: the copy in the library is not right."
    try:
        fsops.release(desk.source, due.path, due.fingerprint, due.sha256)
    except FileNotFoundError:
        return SourceDisposition.RELEASED, "The source had gone already."
    except FileEffectError as error:
        return SourceDisposition.CHANGED, f"Kept: {error}"
    except OSError as error:
        return SourceDisposition.RELEASE_DUE, f"Kept for now: {error.strerror}."
    return SourceDisposition.RELEASED, "Removed: its copy in the library was verified."


def _record(desk: Desk, due: Due, disposition: SourceDisposition, text: str, owner: Actor) -> None:
    ImportItem.objects.filter(pk=due.item_id).update(source_disposition=disposition)
    done = disposition == SourceDisposition.RELEASED
    entry = Entry(
        AuditCategory.FILE_OPERATION,
        text,
        level=AuditLevel.INFO if done else AuditLevel.WARNING,
        action="file.release",
        session_id=desk.session_id,
        item_id=due.item_id,
        actor=owner,
        details={"disposition": disposition.value},
    )
    _audit.record(entry)
