"""Rules between an item and the media that it says its bytes are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from os import fsencode

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from .. import door
from ..audit_logger import Actor
from ..door import Step
from ..errors import Severity
from ..fsops import Tree
from ..models import ImportItem, ImportSession, Media
from ..models.import_item import ImportItemQuerySet
from ..pipeline import takers
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState, SkipReason
from ..transactions import in_transaction
from . import scope
from .rule import CannotRepair, Depth, Keys, Look, Rule, Suspect, compared

_OTHER_BYTES = ~Q(media__sha256=F("sha256"))
_OTHER_PLACE = Q(state=ItemState.IMPORTED) & ~Q(media__path=F("destination"))


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    items = scope.items(look, keys).filter(media__isnull=False).select_related("media")
    claims = Q(state=ItemState.IMPORTED) | Q(skip_reason=SkipReason.DUPLICATE)
    for item in items.filter(claims).filter(_OTHER_BYTES | _OTHER_PLACE).order_by("pk").iterator():
        yield _told("item_media_differ", item)


def find_back(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Items whose file was gone from the library and stands there again."""
    if look.library is None:
        return
    missing = scope.items(look, keys).filter(state=ItemState.MISSING, media__isnull=False)
    for item in missing.select_related("media").order_by("pk").iterator():
        assert item.media
        if item.media.sha256 == item.sha256 and _stands(look.library, item.media):
            yield _told("missing_is_back", item)


def _stands(library: Tree, media: Media) -> bool:
    try:
        return library.stat(fsencode(media.path)).st_size == media.size_bytes
    except (OSError, ValueError):
        return False


def find_taken(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Items whose source is gone because another session moved it into the library."""
    missing = scope.items(look, keys).filter(state=ItemState.MISSING, media__isnull=True)
    sessions = ImportSession.objects.filter(pk__in=missing.values("session")).order_by("pk")
    for session in sessions:
        items = missing.filter(session=session).select_related("session").order_by("pk")
        yield from _taken(session, items)


def _taken(session: ImportSession, items: ImportItemQuerySet) -> Iterator[Suspect]:
    rows = items.iterator(chunk_size=takers.CHUNK)
    while some := list(islice(rows, takers.CHUNK)):
        found = takers.takers(session, [item.absolute_path for item in some])
        for item in some:
            taker = found.get(item.absolute_path)
            if taker is not None and taker.original is not None:
                facts = {
                    "item": item.pk,
                    "path": item.shown_path,
                    "library_path": taker.original.path,
                    "other_session": taker.session_id,
                }
                yield Suspect("missing_is_taken", str(item.pk), facts, item.session_id, item.pk)


def call_duplicate(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Raises CannotRepair when the library's file does not hold the bytes, or cannot be read."""
    item = ImportItem.objects.select_related("session").get(pk=int(suspect.key))
    path = item.absolute_path
    taker = takers.takers(item.session, [path]).get(path)
    if taker is None or taker.original is None:
        raise CannotRepair("It went away meanwhile.")
    if not _holds(look, taker.original.path, taker.sha256):
        raise CannotRepair("The file of the library holds other bytes.")
    values = {
        "skip_reason": SkipReason.DUPLICATE,
        "media_id": taker.original.media_id,
        "sha256": taker.sha256,
    }
    door.move(ImportItem, item.pk, Step("dismiss", taker.told(path), values), actor=actor)
    StateSynchronizer().sync_session_with_items(item.session_id, actor=actor)


def _told(rule: str, item: ImportItem) -> Suspect:
    assert item.media
    facts = {
        "item": item.pk,
        "path": item.shown_path,
        "media": item.media_id,
        "is": [item.media.sha256, item.media.path],
        "should_be": [item.sha256, item.destination],
    }
    return Suspect(rule, str(item.pk), facts, item.session_id, item.pk)


def recover(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Raises CannotRepair when a file of the same size stands there, with other bytes, or unread."""
    item = ImportItem.objects.select_related("media").get(pk=int(suspect.key))
    if not (item.media and _holds(look, item.media.path, item.sha256)):
        raise CannotRepair("What stands there holds other bytes.")
    values = {"media_id": item.media_id}
    text = "The library's file is back, and its bytes are right."
    door.move(ImportItem, item.pk, Step("recover", text, values), actor=actor)
    StateSynchronizer().sync_session_with_items(item.session_id, actor=actor)


def reconcile(look: Look, suspect: Suspect, actor: Actor) -> None:
    """The library's files tell which of the two rows is right. Raises CannotRepair if none does."""
    item = ImportItem.objects.select_related("media").get(pk=int(suspect.key))
    assert item.media
    right = Media.objects.filter(sha256=item.sha256).first() or item.media
    if found := _place(look, item, right):
        in_transaction(partial(_agree, look, suspect, right, *found))
    elif _holds(look, item.media.path, item.media.sha256):
        in_transaction(partial(_correct, look, suspect, item.media))
    else:
        raise CannotRepair("No file of the library has the bytes that either of them names.")


def _place(look: Look, item: ImportItem, right: Media) -> tuple[str, int] | None:
    """Where in the library the bytes of the item are, and how many."""
    assert look.library
    for path in (item.destination, right.path):
        if _holds(look, path, item.sha256):
            return path, look.library.stat(fsencode(path)).st_size
    return None


def _holds(look: Look, path: str, sha256: str) -> bool:
    """Raises CannotRepair when the file cannot be read."""
    assert look.library
    return bool(path) and compared(look.library, fsencode(path), sha256).is_equal


def _agree(look: Look, suspect: Suspect, right: Media, place: str, size: int) -> None:
    """Let the media and the item name the bytes of the item, at the place that holds them."""
    item = _unchanged(look, suspect, right)
    _free(place, right)
    Media.objects.filter(pk=right.pk).update(sha256=item.sha256, path=place, size_bytes=size)
    ImportItem.objects.filter(pk=item.pk).update(media=right)
    if item.state == ItemState.IMPORTED:
        ImportItem.objects.filter(pk=item.pk).update(destination=place)


def _correct(look: Look, suspect: Suspect, media: Media) -> None:
    item = _unchanged(look, suspect, media)
    ImportItem.objects.filter(pk=item.pk).update(sha256=media.sha256, destination=media.path)


def _unchanged(look: Look, suspect: Suspect, media: Media) -> ImportItem:
    """The item, locked. Raises CannotRepair when the rows are not those the files were asked about."""
    item = ImportItem.objects.select_for_update().get(pk=int(suspect.key))
    now = Media.objects.select_for_update().get(pk=media.pk)
    same = (now.sha256, now.path) == (media.sha256, media.path)
    if not same or list(find(look, [suspect.key])) != [suspect]:
        raise CannotRepair("It changed while the files were read.")
    return item


def _free(place: str, right: Media) -> None:
    """Another media that names the place gets the one that is given up: they were exchanged."""
    other = Media.objects.filter(path=place).exclude(pk=right.pk).first()
    if other is not None:
        Media.objects.filter(pk=right.pk).update(path=f"exchanged-{right.pk}")
        Media.objects.filter(pk=other.pk).update(path=right.path)


RULES = (
    Rule(
        code="item_media_differ",
        severity=Severity.HIGH,
        about="item",
        depth=Depth.ROWS,
        sentence=_("Item {item} ({path}) and its media {media} name different bytes or places."),
        find=find,
        repair=reconcile,
        unlocked=True,
        proposal=_("Correct the one of the two rows that the files of the library contradict."),
        risk=_("Low: no file is touched."),
        advice=_("Compare both rows with the audit log: python manage.py audit_log --item {item}"),
    ),
    Rule(
        code="missing_is_back",
        severity=Severity.LOW,
        about="item",
        depth=Depth.FILES,
        sentence=_("Item {item} ({path}) is missing, but its file is in the library again."),
        find=find_back,
        repair=recover,
        unlocked=True,
        proposal=_("Call it imported again: its bytes were verified."),
        risk=_("None."),
        automatic=True,
    ),
    Rule(
        code="missing_is_taken",
        severity=Severity.LOW,
        about="item",
        depth=Depth.FILES,
        sentence=_(
            "Item {item} ({path}) is missing, but session {other_session} moved it into the library as "
            "{library_path}."
        ),
        find=find_taken,
        repair=call_duplicate,
        unlocked=True,
        proposal=_("Call it a duplicate of {library_path}, once that was read and is right."),
        risk=_("None: no file is touched."),
        automatic=True,
    ),
)
