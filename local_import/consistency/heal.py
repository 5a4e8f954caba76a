"""Heal: the right bytes go back to their place in the library, from wherever they still are.

Where they are nowhere, the items that claim them are called missing or failed: the states must not
lie. Nothing is overwritten; what stands in the way goes to the quarantine first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from django.conf import settings

from .. import door, fsops
from ..audit_logger import Actor
from ..door import Step
from ..errors import ErrorCode, ImportProblem
from ..fsops import FileEffectError, NotRegularFile, SourceChanged, Tree
from ..models import ImportItem, Media
from ..pipeline.returned import recover_missing
from ..pipeline.source import open_source_tree
from ..sayings import say
from ..state_synchronizer import StateSynchronizer
from ..states import ItemState
from ..troubleshooting import TroubleshootingEngine
from . import quarantine, spares
from .rule import CannotRepair, Look, Suspect, compared

# What stands there, if anything, is not the file with these bytes.
_NO_COPY = (FileNotFoundError, NotADirectoryError, NotRegularFile, SourceChanged)
_GONE = ("media_missing", "media_lost")
_NO_SOURCE = frozenset(
    {ErrorCode.SOURCE_MISSING, ErrorCode.SOURCE_NOT_DIRECTORY, ErrorCode.SOURCE_REPLACED}
    | {ErrorCode.LIBRARY_OVERLAPS_SOURCE}
)


def restore_media(look: Look, suspect: Suspect, actor: Actor) -> None:
    """Raises CannotRepair when its file cannot be read, or when the bytes are nowhere and no item
    claims them either."""
    assert look.library
    media = Media.objects.get(pk=int(suspect.key))
    if compared(look.library, os.fsencode(media.path), media.sha256).is_equal:
        _correct_size(look.library, media)
        return
    if _bring(look, media):
        Media.objects.filter(pk=media.pk).update(lost_at=None)
        recover_missing([media.pk], actor)
    else:
        _admit(look, media, suspect, actor)


def _correct_size(library: Tree, media: Media) -> None:
    size = library.stat(os.fsencode(media.path)).st_size
    Media.objects.filter(pk=media.pk).update(size_bytes=size)


def _bring(look: Look, media: Media) -> bool:
    """Whether the bytes were found somewhere and are at their place now.

    Raises CannotRepair when a copy that may be right could not be read or brought.
    """
    assert look.library
    part = b".incoming/repair-%d.part" % media.pk
    if _move_back(look, media):
        return True
    failed: Exception | None = None
    for opened, path in _copies(look, media):
        try:
            with opened() as tree:
                fingerprint = fsops.Fingerprint.of(tree.stat(path))
                fsops.copy(tree, path, fingerprint, media.sha256, look.library, part)
            fsops.sync(look.library)
        except _NO_COPY:
            continue
        except (OSError, FileEffectError, ImportProblem) as error:
            if getattr(error, "code", "") not in _NO_SOURCE:
                failed = error
            continue
        _publish(look, part, os.fsencode(media.path))
        return True
    if failed is not None:
        raise CannotRepair(f"A copy of its bytes could not be brought: {failed}.") from failed
    return False


def _publish(look: Look, part: bytes, path: bytes) -> None:
    assert look.library
    if look.library.exists(path):
        quarantine.set_aside(look.library, path, "It held other bytes than its media.", look.now)
    fsops.publish(look.library, part, path)
    fsops.sync(look.library)
    if fsops.out_of_reach(look.library, [path]):
        raise CannotRepair("Its directory in the library was moved meanwhile.")


def _move_back(look: Look, media: Media) -> bool:
    """Whether an unlisted file of the library had the bytes, and stands at the media's place now.

    Raises CannotRepair when one that may have them could not be read.
    """
    assert look.library
    place = os.fsencode(media.path)
    for path in spares.unlisted(look).get(media.size_bytes, ()):
        if compared(look.library, path, media.sha256).is_equal and not look.library.exists(place):
            fsops.publish(look.library, path, place)
            fsops.sync(look.library)
            return True
    return False


def _copies(look: Look, media: Media) -> Iterator[tuple[Callable[[], Tree], bytes]]:
    """Files that may have the bytes, and what opens the tree that they are in: of the same size in the
    quarantine, then at the sources."""
    assert look.library
    for path in spares.quarantined(look).get(media.size_bytes, ()):
        yield partial(Tree, look.library.root, follow_links=True), path
    for item in ImportItem.objects.filter(sha256=media.sha256).select_related("session"):
        source, origins = bytes(item.session.source_path), item.session.source_origins
        yield partial(open_source_tree, source, origins), bytes(item.path)


def _admit(look: Look, media: Media, suspect: Suspect, actor: Actor) -> None:
    items = ImportItem.objects.filter(media=media, state=ItemState.IMPORTED)
    found = list(items.select_related("session").order_by("pk"))
    if not found and suspect.rule != "media_missing":
        raise CannotRepair(
            "The bytes are neither in the library or its quarantine nor at a source."
        )
    for item in found:
        door.move(ImportItem, item.pk, _step(item, media, suspect), actor=actor)
        StateSynchronizer().sync_session_with_items(item.session_id, actor=actor)
    if suspect.rule == "media_missing":
        Media.objects.filter(pk=media.pk).update(lost_at=look.now)


def _step(item: ImportItem, media: Media, suspect: Suspect) -> Step:
    detail = say("not_as_imported", path=media.path)
    file = os.path.join(os.fsencode(settings.PHOTONEST_LIBRARY), media.path.encode())
    stands = {} if suspect.rule in _GONE else {"stands": "yes"}
    problem = ImportProblem(
        ErrorCode.LIBRARY_FILE_WRONG,
        path=item.absolute_path,
        detail=detail,
        library_file=file,
        **stands,
    )
    context = {"session": item.session_id, "item": item.pk}
    found = TroubleshootingEngine().diagnose(problem, context)
    if suspect.rule in _GONE:
        return Step("lose", "Its file is gone from the library.", {"failure": found.as_failure()})
    values = {"error_code": found.code.value, "failure": found.as_failure()}
    return Step("fail", "Its file in the library holds other bytes.", values)
