"""Rules of files that no row knows: strays in the library, and temporary files that were left over."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from django.utils.translation import gettext_lazy as _

from .. import fsops, names
from ..audit_logger import Actor
from ..errors import Severity
from ..fsops import Found, Tree
from ..models import ImportItem, ImportSession, Media
from . import quarantine
from .originals import Judge, Kind
from .rule import Depth, Keys, Look, Rule, Suspect, key_of, path_of

CHUNK = 500


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.library is None or look.session_id is not None:
        return
    files = _named(look.library, keys) if keys is not None else fsops.walk(look.library)
    inside = (entry for entry in files if names.is_media_place(entry.path))
    judge = Judge(look.library) if keys is None else Judge(look.library, len(keys))
    while chunk := list(islice(inside, CHUNK)):
        for suspect in _strays(look, chunk, judge):
            if isinstance(suspect, Suspect):
                yield suspect
            elif keys is None:  # the second look does not count it again
                look.left_out[suspect] += 1


def _named(library: Tree, keys: Keys) -> Iterator[Found]:
    """What a walk would tell of them, without one through all that stands beside them."""
    for path in map(path_of, keys):
        try:
            found = fsops.find(library, path)
            if found and found.kind == "directory":  # told of only when it cannot be read
                found = next(fsops.walk(library, path), None)
        except OSError:
            continue  # a directory above it cannot be read, of which a finding of its own tells
        if found and found.path == path:
            yield found


def _strays(look: Look, entries: list[Found], judge: Judge) -> Iterator[Suspect | str]:
    """Suspects, and the reason for each file of which nothing can be said."""
    for entry in entries:
        if entry.kind == "unreadable_directory":
            facts = {"path": names.shown(entry.path), "detail": entry.reason}
            yield Suspect("directory_unreadable", key_of(entry.path), facts)
    files = [entry for entry in entries if entry.kind in ("file", "special")]
    nobodys = unknown(files)
    left = [entry for entry in files if entry.path in nobodys]
    for entry, kind in judge.kinds((entry, entry.path) for entry in left):
        told = {"path": names.shown(entry.path), "bytes": entry.size_bytes}
        if kind is Kind.UNREADABLE:
            yield "unreadable"
        elif kind is Kind.ORIGINAL:
            leaving = _may_be_leaving(look, entry.path)
            yield "fresh" if leaving else Suspect("original_unlisted", key_of(entry.path), told)
        elif kind is Kind.OTHER:
            fresh = _is_fresh(look, entry.path)
            yield "fresh" if fresh else Suspect("stray_file", key_of(entry.path), told)


def _may_be_leaving(look: Look, path: bytes) -> bool:
    """Whether an undo may have let go of its row, and not of the file yet."""
    undoing = ImportSession.objects.filter(undo_requested_at__isnull=False)
    return _is_fresh(look, path) and undoing.exists()


def unknown(entries: Iterable[Found]) -> set[bytes]:
    """The paths that no media names and that no item may still bring its bytes to."""
    paths = {os.fsdecode(entry.path): entry.path for entry in entries}
    clean = [path for path in paths if path.isprintable()]  # what no database holds is unknown
    known = set(Media.objects.filter(path__in=clean).values_list("path", flat=True))
    left = [path for path in clean if path not in known]
    items = ImportItem.objects
    for expected in (
        (items.in_motion(), items.left_with_place()) if left else ()
    ):  # by an index each
        found = expected.filter(destination__in=left)
        known.update(found.values_list("destination", flat=True))
    return {raw for path, raw in paths.items() if path not in known}


def _is_fresh(look: Look, path: bytes) -> bool:
    """Whether it came or changed just now: it may belong to work that is under way."""
    assert look.library
    try:
        changed = look.library.stat(path).st_ctime
    except OSError:
        return True
    return datetime.fromtimestamp(changed, UTC) > look.quiet_since


def find_left_over(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    """Temporary files of claims that are over, and others that nobody can have made."""
    if look.library is None or look.session_id is not None:
        return
    parts = fsops.parts(look.library) if keys is None else list(map(path_of, keys))
    claims = {part: names.claim_of(part) for part in parts}
    ids = [claim[0] for claim in claims.values() if claim]
    in_work = set(ImportItem.objects.filter(pk__in=ids).in_work().values_list("pk", flat=True))
    for part, claim in claims.items():
        if (claim is None or claim[0] not in in_work) and not _is_fresh(look, part):
            yield Suspect("incoming_left_over", key_of(part), {"path": names.shown(part)})


def set_aside(look: Look, suspect: Suspect, actor: Actor) -> None:
    assert look.library
    path = path_of(suspect.key)
    held = quarantine.set_aside(look.library, path, f"Rule {suspect.rule}.", look.now)
    if suspect.rule == "stray_file" and not unknown([Found(path, "file")]):
        fsops.publish(look.library, held, path)  # an import has claimed the place meanwhile


RULES = (
    Rule(
        code="directory_unreadable",
        severity=Severity.HIGH,
        about="file",
        depth=Depth.FILES,
        sentence=_("The directory {path} of the library cannot be read: {detail}."),
        advice=_("Give the user of the workers the permissions r and x for {path}."),
        find=find,
    ),
    Rule(
        code="original_unlisted",
        severity=Severity.HIGH,
        about="file",
        depth=Depth.FILES,
        sentence=_(
            "{path} in the library is an original, by its name and its bytes, and no media lists it."
        ),
        advice=_("List it again; no file is touched: python manage.py rebuild_library --apply"),
        find=find,
    ),
    Rule(
        code="stray_file",
        severity=Severity.MEDIUM,
        about="file",
        depth=Depth.FILES,
        sentence=_("{path} in the library ({bytes} bytes) belongs to no media."),
        find=find,
        repair=set_aside,
        unlocked=True,
        proposal=_("Move {path} to the quarantine."),
        risk=_(
            "Low: `python manage.py quarantine restore` puts it back. Where it is a photo to be kept, "
            "let the library list it instead: python manage.py rebuild_library --apply"
        ),
    ),
    Rule(
        code="incoming_left_over",
        severity=Severity.LOW,
        about="file",
        depth=Depth.FILES,
        sentence=_("{path} is a temporary file of a claim that is over."),
        find=find_left_over,
        repair=set_aside,
        unlocked=True,
        proposal=_("Move {path} to the quarantine."),
        risk=_("None: its source, or its copy in the library, was verified or is still waiting."),
        automatic=True,
    ),
)
