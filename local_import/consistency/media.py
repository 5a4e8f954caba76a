"""Rules of the library's media: each row has its file, with the size and the bytes of the row."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from .. import fsops, names
from ..audit_logger import Actor
from ..errors import Severity
from ..fsops import Answer, Comparison
from ..models import ImportItem, ImportSession, Media
from ..pipeline.returned import recover_missing
from .heal import restore_media
from .rule import CannotRepair, Depth, Keys, Look, Rule, Suspect, compared

CHUNK = 1000
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
Row = tuple[int, str, int, str, datetime | None]  # id, path, size in bytes, SHA-256, lost since


def find_by_size(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Every row's file is looked for; none is opened."""
    for row in _rows(look, keys):
        if suspect := _judged(look, row):
            yield suspect


def find_by_content(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Every file that is there with its size is read to its end; of the others that is told."""
    for row in _rows(look, keys):
        if suspect := _judged(look, row) or _read(look, row):
            yield suspect


def find_back(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Media that are noted as lost, and whose file stands at its place."""
    if look.library is None:
        return
    lost = chosen(look, keys).filter(lost_at__isnull=False).order_by("pk")
    for row in lost.values_list("id", "path", "size_bytes", "sha256", "lost_at").iterator():
        if _judged(look, row) is None:
            yield _told("lost_is_back", row)


def forget_loss(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Raises CannotRepair when a file of the same size stands there, with other bytes."""
    assert look.library
    media = Media.objects.get(pk=int(suspect.key))
    if not compared(look.library, os.fsencode(media.path), media.sha256).is_equal:
        raise CannotRepair("What stands there holds other bytes.")
    Media.objects.filter(pk=media.pk).update(lost_at=None)
    recover_missing([media.pk], actor)


def chosen(look: Look, keys: Keys | None) -> QuerySet[Media]:
    """The media to look at. What an undo is taking out of the library is on its way, and left out."""
    media = Media.objects.all()
    undoing = list(ImportSession.objects.filter(undo_requested_at__isnull=False).values_list("pk"))
    if undoing:  # seldom, and then the condition costs a look-up for every row
        leaving = ImportItem.objects.filter(session__in=[pk for (pk,) in undoing])
        media = media.exclude(pk__in=leaving.filter(media__isnull=False).values("media"))
    if look.session_id is not None:
        media = media.filter(items__session=look.session_id).distinct()
    return media if keys is None else media.filter(pk__in=map(int, keys))


def _rows(look: Look, keys: Keys | None) -> Iterator[Row]:
    """By path, so that neighbours on the disk come one after the other; a chunk at a time."""
    if look.library is None:
        return
    last = ""
    while True:
        rows = chosen(look, keys).filter(path__gt=last).order_by("path")[:CHUNK]
        found: Sequence[Row] = list(
            rows.values_list("id", "path", "size_bytes", "sha256", "lost_at")
        )
        look.library.forget()
        yield from found
        if len(found) < CHUNK:
            return
        last = found[-1][1]


def _judged(look: Look, row: Row) -> Suspect | None:
    assert look.library
    path = os.fsencode(row[1])
    if not names.is_media_place(path):
        return _told("media_outside", row)
    try:
        found = look.library.stat(path)
    except OSError as error:
        if error.errno not in _ABSENT:
            return _told("media_unreadable", row, {"detail": error.strerror})
        return _missing(row)
    if not modes.S_ISREG(found.st_mode):
        return _missing(row, {"is": "no regular file"})
    if found.st_size != row[2]:
        return _told("media_size", row, {"is": found.st_size, "should_be": row[2]})
    return None


def _missing(row: Row, more: dict[str, object] | None = None) -> Suspect:
    if row[4] is None:
        return _told("media_missing", row, more)
    return _told("media_lost", row, {"since": f"{row[4]:%Y-%m-%d}"} | (more or {}))


def _read(look: Look, row: Row) -> Suspect | None:
    """Read twice before anybody is alarmed."""
    assert look.library
    path = os.fsencode(row[1])
    for _again in range(2):
        found = fsops.compare(look.library, path, row[3])
        if found.is_equal:
            return None
    if found.answer is Answer.ABSENT:
        return _missing(row)
    if found.is_unreadable:
        return _told("content_unreadable", row, {"detail": _why(found)})
    return _told("media_content", row, {"is": found.sha256, "should_be": row[3]})


def _why(found: Comparison) -> str:
    """What the system said, with its number: people look for that."""
    name = errno.errorcode.get(getattr(found.error, "errno", None) or 0, "")
    why = names.shown(found.why.encode("utf-8", "replace"))[:200]
    return f"{why} ({name})" if name else why


def _told(rule: str, row: Row, more: dict[str, object] | None = None) -> Suspect:
    facts: dict[str, object] = {"media": row[0], "path": names.shown(os.fsencode(row[1]))}
    return Suspect(rule, str(row[0]), facts | (more or {}))


_FROM_BACKUP = _(
    "Put the file back from a backup as {path} in the library, then run: "
    "python manage.py repair_consistency --apply"
)
_FROM_BACKUP_OR_ACCEPT = _(
    "Put the file back from a backup as {path} in the library, then run: "
    "python manage.py repair_consistency --apply. Or, if a program wrote its end after it was imported, "
    "run that first: the failure of the file then says how to accept the bytes that stand there."
)
_RESTORE = _(
    "Look for the same bytes elsewhere in the library, in the quarantine and at the source, and put "
    "them back; where they are nowhere, call the items that were imported with them missing or failed."
)
_BRING_BACK = _(
    "An import of the same bytes puts them back. Or put the file back from a backup as {path} in the "
    "library, then run: python manage.py repair_consistency --apply"
)
_RISK = _("Low: a file that is in the way goes to the quarantine, and nothing is overwritten.")

RULES = (
    Rule(
        code="media_outside",
        severity=Severity.CRITICAL,
        about="media",
        depth=Depth.FILES,
        sentence=_("Media {media} names {path}, which is no place inside the library."),
        advice=_(
            "Nothing was read there. Find out who changed the row of media {media}, and put its "
            "path back from a backup of the database."
        ),
        find=find_by_size,
    ),
    Rule(
        code="media_unreadable",
        severity=Severity.HIGH,
        about="media",
        depth=Depth.FILES,
        sentence=_("{path} of media {media} cannot be looked at: {detail}."),
        advice=_("Look at the disk and at the permissions of the directories that lead there."),
        find=find_by_size,
    ),
    Rule(
        code="media_missing",
        severity=Severity.HIGH,
        about="media",
        depth=Depth.FILES,
        unknown=("media_unreadable",),
        sentence=_("Media {media} names {path}, but no file stands there."),
        find=find_by_size,
        repair=restore_media,
        unlocked=True,
        proposal=_RESTORE,
        risk=_RISK,
        automatic=True,
        advice=_BRING_BACK,
    ),
    Rule(
        code="media_lost",
        severity=Severity.MEDIUM,
        about="media",
        depth=Depth.FILES,
        sentence=_("The file {path} of media {media} is lost; that is known since {since}."),
        find=find_by_size,
        repair=restore_media,
        unlocked=True,
        proposal=_BRING_BACK,
        risk=_RISK,
        advice=_BRING_BACK,
    ),
    Rule(
        code="lost_is_back",
        severity=Severity.LOW,
        about="media",
        depth=Depth.FILES,
        sentence=_("Media {media} is noted as lost, but its file {path} is in the library again."),
        find=find_back,
        repair=forget_loss,
        unlocked=True,
        proposal=_("Forget the loss: its bytes were verified."),
        risk=_("None."),
        automatic=True,
        advice=_("What stands there has its size, and other bytes. Put it back from a backup."),
    ),
    Rule(
        code="media_size",
        severity=Severity.HIGH,
        about="media",
        depth=Depth.FILES,
        unknown=("media_unreadable",),
        sentence=_("{path} of media {media} has {is} bytes instead of {should_be}."),
        find=find_by_size,
        repair=restore_media,
        unlocked=True,
        proposal=_RESTORE,
        risk=_RISK,
        advice=_FROM_BACKUP_OR_ACCEPT,
    ),
    Rule(
        code="content_unreadable",
        severity=Severity.HIGH,
        about="media",
        depth=Depth.CONTENTS,
        sentence=_("{path} of media {media} could not be read: {detail}."),
        advice=_(
            "Whether it holds the right bytes is not known, and nothing was changed. Look for errors of "
            "the disk (dmesg | tail -n 30) and let the user of the workers read the file; then read it "
            "again: python manage.py check_consistency --deep"
        ),
        find=find_by_content,
        unknown=("media_unreadable",),
    ),
    Rule(
        code="media_content",
        severity=Severity.HIGH,
        about="media",
        depth=Depth.CONTENTS,
        unknown=("media_unreadable", "content_unreadable"),
        sentence=_("{path} of media {media} holds other bytes than those that were imported."),
        find=find_by_content,
        repair=restore_media,
        unlocked=True,
        proposal=_RESTORE,
        risk=_RISK,
        advice=_FROM_BACKUP_OR_ACCEPT,
    ),
)
