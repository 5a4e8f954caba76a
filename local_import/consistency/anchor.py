"""What to do where a state and the audit log tell different things: the disk, or the items, decide.

A state that they confirm stays, and so does one of which only the last row is gone; the log then
says that it was confirmed. Any other was written past the door, and what the log tells is put back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from os import fsencode
from typing import Any

from .. import door
from ..audit_logger import Actor, AuditLogger, Entry
from ..errors import ErrorCode
from ..models import AuditLog, ImportItem, ImportSession, Media
from ..models.audit_log import AuditCategory, AuditLevel
from ..state_synchronizer import StateSynchronizer, derive, flags_of
from ..states import (
    ITEM_IN_WORK,
    ITEM_STOPPED,
    SESSION_AT_REST,
    ItemState,
    SessionState,
    SkipReason,
)
from ..transactions import in_transaction
from .rule import CannotRepair, Look, Suspect

_audit = AuditLogger()


def settle_item(look: Look, suspect: Suspect, actor: Actor) -> None:
    """The disk is asked without a lock; then the row must still be the one it was asked about.

    Raises CannotRepair when it is not, or when the state that the log tells cannot be put back.
    """
    told = str(suspect.evidence["should_be"])
    item = ImportItem.objects.select_related("media").get(pk=int(suspect.key))
    asked = ItemState.IMPORTED in (item.state, told)
    in_library = asked and _is_in_library(look, item)
    in_transaction(partial(_settle_item, look, suspect, actor, _facts(item), in_library))


def _settle_item(
    look: Look, suspect: Suspect, actor: Actor, asked: Sequence[Any], in_library: bool
) -> None:
    told = str(suspect.evidence["should_be"])
    item = ImportItem.objects.select_for_update().get(pk=int(suspect.key))
    if _facts(item) != asked:
        raise CannotRepair("It changed while the disk was asked.")
    if _stays(item, told, in_library):
        _anchor(suspect, told, actor)
    else:
        door.put_back(item, told, _columns(look, item, told), actor=actor)


def _facts(item: ImportItem) -> Sequence[Any]:
    """What the answer of the disk was about. Whatever comes through the door changes the time."""
    media = item.media and (item.media.path, item.media.sha256, item.media.size_bytes)
    return item.state, item.state_changed_at, item.sha256, item.media_id, media


def _stays(item: ImportItem, told: str, in_library: bool) -> bool:
    if item.state == ItemState.IMPORTED:
        return in_library
    if told == ItemState.IMPORTED:
        return not in_library
    return told == "" or (told in ITEM_IN_WORK and item.state not in ITEM_IN_WORK)


def _is_in_library(look: Look, item: ImportItem) -> bool:
    if look.library is None:
        raise CannotRepair("The library cannot be reached.")
    media = item.media
    if media is None or media.sha256 != item.sha256:
        return False
    try:
        return look.library.stat(fsencode(media.path)).st_size == media.size_bytes
    except (OSError, ValueError):
        return False


def _anchor(suspect: Suspect, told: str, actor: Actor) -> None:
    entry = Entry(
        AuditCategory.STATE_TRANSITION,
        "Nothing tells how it came to this state; a consistency check confirmed it.",
        level=AuditLevel.WARNING,
        action="state.anchor",
        session_id=suspect.session_id,
        item_id=suspect.item_id,
        actor=actor,
        from_state=told,
        to_state=str(suspect.evidence["is"]),
    )
    _audit.record(entry)


def _columns(look: Look, item: ImportItem, told: str) -> dict[str, Any]:
    """The columns that the database demands of an item in that state."""
    media = item.media or Media.objects.filter(sha256=item.sha256).first()
    if told == ItemState.IMPORTED and media is None:
        raise CannotRepair("No media has the bytes of this item.")
    if told in (ItemState.MOVING, ItemState.UPDATING) and not (item.destination and item.sha256):
        raise CannotRepair("Its place in the library is not known.")
    failed, skipped = told == ItemState.FAILED, told == ItemState.SKIPPED
    return {
        "stopped_in": _left(item, told) if told in ITEM_STOPPED else "",
        "owner": "nobody" if told in ITEM_IN_WORK else "",
        "lease_until": look.now - timedelta(seconds=1) if told in ITEM_IN_WORK else None,
        "fence": item.fence + 1,
        "media_id": media.pk if media and told == ItemState.IMPORTED else item.media_id,
        "error_code": (item.error_code or ErrorCode.UNKNOWN) if failed else "",
        "skip_reason": (item.skip_reason or SkipReason.DISMISSED) if skipped else "",
    }


def _left(item: ImportItem, told: str) -> str:
    """The state that it left for the one that the audit log tells of."""
    steps = AuditLog.objects.of_item(item.pk).transitions().filter(to_state=told)
    return steps.order_by("-pk").values_list("from_state", flat=True).first() or ItemState.PENDING


def settle_session(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Its items decide; where they call for another state still, that is the next rule's."""
    session = ImportSession.objects.get(pk=int(suspect.key))
    told = str(suspect.evidence["should_be"])
    counts = StateSynchronizer().get_session_snapshot(session.pk).counts
    if not told or derive(flags_of(session, counts), counts) == session.state:
        _anchor(suspect, told or SessionState.PENDING, actor)
        return
    code = session.error_code  # also of one that broke off and waits for the files in work
    if told == SessionState.ERROR:
        code = code or ErrorCode.UNKNOWN
    elif told in SESSION_AT_REST:
        code = ""
    door.put_back(session, told, {"error_code": code}, actor=actor)
