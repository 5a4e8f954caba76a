"""Accept: the bytes that stand in the library in place of an imported file become the file's own.

A program that held a file open when it was renamed into the library may have written its end there.
Nothing on the disk is changed: the row is made true by what is read.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from django.utils import timezone
from django.utils.translation import gettext as _

from .. import door, fsops
from ..audit_logger import Actor, AuditLogger, Entry
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import FileEffectError, Tree
from ..models import ImportItem, Media
from ..models.audit_log import AuditCategory
from ..pipeline import quiet
from ..pipeline.desk import open_for_recovery
from ..pipeline.recover import work_of_placed
from ..pipeline.restore import offer_duplicates_again
from ..pipeline.settle import media_values
from ..pipeline.work import Work
from ..sayings import say
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState
from ..transactions import in_transaction
from ..troubleshooting import TroubleshootingEngine
from . import background, possible

_audit = AuditLogger()


def why_not(item: ImportItem) -> str:
    """A full sentence; empty when its bytes can be accepted. Reads the library's file."""
    try:
        _read(item)
    except ImportProblem as problem:
        return TroubleshootingEngine().diagnose(problem).summary
    return ""


def accept(item_id: int, *, actor: Actor, reason: str) -> None:
    """The item is imported then, with the bytes that stand there.

    Raises ImportProblem where they cannot be read, are no whole photo, are still written, or are those
    of another file of the library; then nothing has changed.
    """
    item = get(item_id)
    work = _read(item)
    duplicates = in_transaction(partial(_record, item, work, actor, reason))
    for session_id in {item.session_id, *duplicates}:
        StateSynchronizer().sync_session_with_items(session_id, actor=actor)
        background.call_for_work(session_id)


def get(item_id: int) -> ImportItem:
    found = ImportItem.objects.select_related("session", "media").filter(pk=item_id).first()
    if found is None:
        raise ImportProblem(ErrorCode.ITEM_UNKNOWN, item=item_id)
    return found


def _read(item: ImportItem) -> Work:
    """The file as it is now; nothing but a whole photo that nobody writes will do."""
    if item.media is None or item.state != ItemState.IMPORTED:
        _refuse(possible.accept_bytes(item.state, item.error_code, item.session))
    if item.media is None or item.media.path != item.destination:
        _refuse(_("The library lists no file of it."))
    with open_for_recovery(item.session) as desk:
        path = os.path.join(desk.library.root, item.destination.encode())
        try:
            work = replace(work_of_placed(desk, item), sha256="")
            work.fingerprint, work.sha256 = _whole(desk.library, item.destination.encode())
        except (OSError, FileEffectError) as error:
            code = TroubleshootingEngine().diagnose(error).code
            raise ImportProblem(code, path=path, detail=str(error)) from error
        _refuse_unless_whole(work, path)
        if quiet.left_s(work, desk.quiet_s):
            raise ImportProblem(ErrorCode.SOURCE_BUSY, path=path)
    _refuse_what_is_known(item, work)
    return work


def _whole(library: Tree, path: bytes) -> tuple[fsops.Fingerprint, str]:
    with fsops.open_source(library, path, afresh=True) as file:
        return file.fingerprint, file.sha256()


def _refuse_unless_whole(work: Work, path: bytes) -> None:
    assert work.inspection
    if not work.inspection.supported or work.inspection.damage:
        detail = work.inspection.damage or work.inspection.description
        raise ImportProblem(ErrorCode.DAMAGED, path=path, detail=detail)


def _refuse_what_is_known(item: ImportItem, work: Work) -> None:
    assert item.media
    other = Media.objects.filter(sha256=work.sha256).exclude(pk=item.media.pk).first()
    if other is not None:
        _refuse(_("The library has these bytes already, as {path}.").format(path=other.path))
    if item.state == ItemState.IMPORTED and item.media.sha256 == work.sha256:
        _refuse(_("The library's file holds the very bytes that were imported."))


def _refuse(why: str) -> None:
    if why:
        raise ImportProblem(ErrorCode.NOT_ALLOWED, detail=why)


def _record(item: ImportItem, work: Work, actor: Actor, reason: str) -> dict[int, int]:
    """Returns the sessions of which files are imported after all, as in an undo."""
    assert item.media
    media = Media.objects.select_for_update().get(pk=item.media.pk)
    if media.sha256 != item.media.sha256:
        raise ImportProblem(ErrorCode.STATE_CHANGED, detail=say("not_as_imported", path=media.path))
    other = "The file it is a duplicate of holds other bytes."
    offered = offer_duplicates_again([media.pk], other, actor)
    Media.objects.filter(pk=media.pk).update(**media_values(work), verified_at=timezone.now())
    if item.state == ItemState.IMPORTED:
        text = "Its file in the library holds other bytes."
        wrong = {"error_code": ErrorCode.LIBRARY_FILE_WRONG}
        door.move(ImportItem, item.pk, Step("fail", text, wrong), actor=actor)
    right = {"media_id": media.pk, "sha256": work.sha256}
    door.move(ImportItem, item.pk, Step("recover", reason, right), actor=actor)
    ImportItem.objects.filter(pk=item.pk).update(size_bytes=work.size_bytes)
    _audit.record(_entry(item, media, work, actor))
    return offered


def _entry(item: ImportItem, media: Media, work: Work, actor: Actor) -> Entry:
    return Entry(
        AuditCategory.FILE_OPERATION,
        "The bytes that stand in the library were accepted.",
        action="file.accept",
        session_id=item.session_id,
        item_id=item.pk,
        actor=actor,
        details={
            "path": media.path,
            "before": {"sha256": media.sha256, "bytes": media.size_bytes},
            "after": {"sha256": work.sha256, "bytes": work.size_bytes},
        },
    )
