"""Release: in mode move across filesystems, the source goes once its copy is safe and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from .. import fsops, names
from ..audit_logger import Actor, AuditLogger, Entry
from ..fsops import Displaced, FileEffectError, Fingerprint, StillOpenForWriting
from ..models import ImportItem
from ..models.audit_log import AuditCategory, AuditLevel
from ..states import ItemState, SourceDisposition
from ..transactions import in_transaction
from .desk import Desk
from .work import Work

CHUNK = 500
_audit = AuditLogger()


@dataclass(frozen=True, slots=True)
class Due:
    item_id: int
    path: bytes
    sha256: str
    destination: str
    # None where it is not known (after a restart) or tells too little: then bytes are compared.
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a source, and why."""

    disposition: SourceDisposition
    text: str


Told = tuple[Due, Fate]


def release_batch(desk: Desk, batch: Iterable[Work], owner: Actor) -> None:
    """Let the sources of a settled batch go."""
    due = [
        _due(work)
        for work in batch
        if work.placed and work.disposition == SourceDisposition.RELEASE_DUE
    ]
    if due:
        told = _let_all_go(desk, due)
        in_transaction(lambda: _record(desk, told, owner))


def _due(work: Work) -> Due:
    fingerprint = None if work.is_racy else work.fingerprint
    return Due(work.item_id, work.path, work.sha256, work.destination, fingerprint)


def release_left(desk: Desk, owner: Actor) -> int:
    """Let those go that an earlier process left behind; returns how many came to their end.

    What still cannot be let go is not told of again.
    """
    left = ImportItem.objects.in_session(desk.session_id).filter(
        state=ItemState.IMPORTED, source_disposition=SourceDisposition.RELEASE_DUE
    )
    number = last = 0
    while items := list(left.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        last = items[-1].pk
        due = [Due(item.pk, bytes(item.path), item.sha256, item.destination) for item in items]
        told = [
            (one, fate)
            for one, fate in _let_all_go(desk, due)
            if fate.disposition != SourceDisposition.RELEASE_DUE
        ]
        in_transaction(partial(_record, desk, told, owner))
        number += len(told)
    return number


def _let_all_go(desk: Desk, due: Iterable[Due]) -> list[Told]:
    """What has gone is told of once the disk of the source has confirmed it."""
    told = [(one, _let_go(desk, one)) for one in due]
    if not any(_has_gone(fate) for _, fate in told):
        return told
    try:
        fsops.sync(desk.source)
    except OSError as error:
        unsure = _kept(f"Removed, which the disk could not confirm: {error.strerror}.")
        return [(one, unsure if _has_gone(fate) else fate) for one, fate in told]
    return told


def _has_gone(fate: Fate) -> bool:
    return fate.disposition == SourceDisposition.RELEASED


def _let_go(desk: Desk, due: Due) -> Fate:
    """Remove one source, unless the library's copy or the source itself is not what it must be."""
    place = due.destination.encode()
    desk.library.forget()
    desk.source.forget()
    copy = fsops.compare(desk.library, place, due.sha256)
    if copy.is_unreadable:
        return _kept(f"Kept for now: the copy in the library could not be read: {copy.why}.")
    if not copy.is_equal:
        return _kept("Kept: the copy in the library is not right.")
    try:
        fsops.require_in_place(desk.source)
        if fsops.out_of_reach(desk.library, [place]):
            return _kept("Kept for now: the copy in the library was moved.")
        fsops.release(desk.source, due.path, due.fingerprint, due.sha256, desk.library, place)
    except Displaced as error:
        return _kept(f"Kept for now: {names.shown(error.filename)} is not where it was.")
    except FileNotFoundError:
        if desk.source.exists(due.path):
            return _kept("Kept: the copy in the library is gone.")
        return Fate(SourceDisposition.RELEASED, "The source had gone already.")
    except StillOpenForWriting as error:
        return _kept(f"Kept for now: {error}")
    except FileEffectError as error:
        return Fate(SourceDisposition.CHANGED, f"Kept: {error}")
    except OSError as error:
        return _kept(f"Kept for now: {error.strerror}.")
    return Fate(SourceDisposition.RELEASED, "Removed: its copy in the library was verified.")


def _kept(text: str) -> Fate:
    return Fate(SourceDisposition.RELEASE_DUE, text)


def _record(desk: Desk, told: Iterable[Told], owner: Actor) -> None:
    """Sources of one fate go together."""
    by_fate: dict[Fate, list[int]] = {}
    for due, fate in told:
        by_fate.setdefault(fate, []).append(due.item_id)
    for fate, ids in by_fate.items():
        items = ImportItem.objects.filter(pk__in=ids, state=ItemState.IMPORTED)
        items = items.filter(source_disposition=SourceDisposition.RELEASE_DUE)  # or another did it
        items.update(source_disposition=fate.disposition)
        entry = Entry(
            AuditCategory.FILE_OPERATION,
            fate.text,
            level=AuditLevel.INFO if _has_gone(fate) else AuditLevel.WARNING,
            action="file.release",
            session_id=desk.session_id,
            actor=owner,
            details={"disposition": fate.disposition.value},
        )
        _audit.record_many(entry, ["item_id"], [(pk,) for pk in ids])
