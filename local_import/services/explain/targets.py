"""What a target names: a number, a hash, a path or a name, looked up by indexes only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from ... import names
from ...audit_log_repository import row_id
from ...bounded import within
from ...models import ImportItem, ImportSession, Incident, Media
from ...states import ItemState

SHORTEST_HASH = 8  # hexadecimal digits of a SHA-256
MOST_CANDIDATES = 20
LOOK_S = 0.05  # how long a disk may take to answer
NEWEST_SESSIONS = 5_000  # of which files are looked up by their name
_HASH = re.compile(rf"[0-9a-f]{{{SHORTEST_HASH},64}}")
_PLACED = re.compile(r"(\d{4})(\d{2})(\d{2})_\d{6}_local_[0-9a-f]+\.\w+")


class Candidate(NamedTuple):
    """One thing that a target may mean."""

    kind: str  # item, session, incident, media or file
    pk: int  # of a file: the session below whose source it lies
    label: str  # for people
    path: bytes = b""  # of a file: below the source

    @property
    def target(self) -> str:
        return f"{self.kind}:{self.pk}"


@dataclass(slots=True)
class Search:
    """A target, what was found for it, and where was looked."""

    text: str
    candidates: list[Candidate] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    alike: int = 0  # how many of the candidates are one file or have the same bytes

    @property
    def is_one(self) -> bool:
        """Whether the first candidate can speak for all of them."""
        return len(self.candidates) == max(self.alike, 1)


def find(text: str) -> Search:
    """Everything that the text may mean, the most telling first."""
    search = Search(text)
    kind, colon, rest = text.partition(":")
    if colon and kind in _KINDS:
        _KINDS[kind](search, rest)
        return search
    for look in _UNNAMED:
        look(search, text)
    return search


def _add(search: Search, candidates: Iterable[Candidate]) -> None:
    known = {candidate.target for candidate in search.candidates}
    search.candidates += [one for one in candidates if one.target not in known or one.path]


def _session(search: Search, text: str) -> None:
    number = row_id(text)
    if number is not None:
        search.looked.append(_("the numbers of the sessions"))
        found = ImportSession.objects.filter(pk=number)
        _add(search, (Candidate("session", s.pk, names.legible(str(s))) for s in found))


def _incident(search: Search, text: str) -> None:
    number = row_id(text)
    if number is not None:
        search.looked.append(_("the numbers of the incidents"))
        found = Incident.objects.filter(pk=number)
        _add(search, (Candidate("incident", i.pk, i.title) for i in found))


def _item(search: Search, text: str) -> None:
    search.looked.append(_("the numbers of the items, and the ids that other importers gave them"))
    number = row_id(text)
    found = list(ImportItem.objects.filter(external_id=text)) if _is_storable(text) else []
    if number is not None:
        found += ImportItem.objects.filter(pk=number)
    _add(search, map(_of_item, found))


def _is_storable(text: str) -> bool:
    """Whether a database could hold the text: no bytes that are not UTF-8, no NUL."""
    return text.isprintable() and bool(text)


def _media(search: Search, text: str) -> None:
    number = row_id(text)
    if number is not None:
        search.looked.append(_("the numbers of the media"))
        _add(search, map(_of_media, Media.objects.filter(pk=number)))


def _hash(search: Search, text: str) -> None:
    """Any bytes that were ever hashed: in the library, on their way, or at rest without a media."""
    digits = text.lower()
    if not _HASH.fullmatch(digits):
        return
    search.looked.append(_("the SHA-256 of the library and of all files that were read"))
    between = Q(sha256__gte=digits, sha256__lt=f"{digits}g")  # g comes after every digit
    library = list(Media.objects.filter(between).order_by("sha256")[:MOST_CANDIDATES])
    placed = [item for media in library for item in _items_of(media)]
    others = ImportItem.objects.select_related("session").filter(between)
    unplaced = [
        *others.hashed_without_media()[:MOST_CANDIDATES],
        *others.in_motion()[:MOST_CANDIDATES],
    ]
    bare = [media for media in library if not any(item.media_id == media.pk for item in placed)]
    found = [*map(_of_item, placed), *map(_of_media, bare), *map(_of_item, unplaced)]
    _add(search, found)
    hashes = {media.sha256 for media in library} | {item.sha256 for item in unplaced}
    search.alike = len(found) if len(hashes) == 1 else 0


def _items_of(media: Media) -> list[ImportItem]:
    """The item that brought it, and then its duplicates."""
    found = list(media.items.select_related("session").order_by("pk")[:MOST_CANDIDATES])
    return sorted(found, key=lambda item: item.state != ItemState.IMPORTED)


def _path(search: Search, text: str) -> None:
    """A path in the file system, below a source, or in the library; or the name of a file."""
    for path in _spellings(text):
        if path.startswith(b"/"):
            _absolute(search, path)
        else:
            _relative(search, path)
        if search.candidates:
            return


def _spellings(text: str) -> Iterator[bytes]:
    """The path as it is, as the screen shows it, and without the links that lead to its directory."""
    written = dict.fromkeys((os.fsencode(text), names.unshown(text)))
    paths = [os.path.normpath(path) for path in written if path]
    yield from paths
    for path in paths:
        if path.startswith(b"/"):
            directory, name = os.path.split(path)
            with suppress(OSError, ValueError):  # out of reach, too slow to answer, or no path
                found = within(LOOK_S, partial(os.path.realpath, directory))
                yield os.path.join(found, name)


def _absolute(search: Search, path: bytes) -> None:
    search.looked.append(_("the sources of all sessions, and the library"))
    below = _sessions_above(path)
    wanted = {pk: names.digest(rest) for pk, rest in below.items()}
    items = ImportItem.objects.select_related("session").filter(
        session__in=wanted, path_digest__in=set(wanted.values())
    )
    found = [item for item in items if bytes(item.path) == below[item.session_id]]
    _add(search, map(_of_item, sorted(found, key=lambda item: -item.pk)))
    library = os.path.join(os.fsencode(settings.PHOTONEST_LIBRARY), b"")
    if path.startswith(library):
        _in_library(search, path[len(library) :])
    search.alike = len(search.candidates)  # one path; the newest item tells of it
    if not search.candidates and below:
        newest = max(below)
        _add(search, [Candidate("file", newest, names.shown(path), below[newest])])


def _sessions_above(path: bytes) -> dict[int, bytes]:
    """The sessions whose source holds the path, with what is left of the path below it."""
    above = [path[:end] for end, byte in enumerate(path) if byte == ord("/") and end] + [b"/"]
    sessions = ImportSession.objects.filter(source_path__in=above)
    found = sessions.values_list("pk", "source_path")
    return {pk: path[len(bytes(source)) :].lstrip(b"/") for pk, source in found}


def _relative(search: Search, path: bytes) -> None:
    sessions = ImportSession.objects.order_by("-pk").values_list("pk", flat=True)
    newest = list(sessions[:NEWEST_SESSIONS])
    items = ImportItem.objects.select_related("session").filter(session__in=newest)
    if b"/" in path:
        search.looked.append(_("the paths below the sources of the newest sessions"))
        found = items.filter(path_digest=names.digest(path))
        chosen = [item for item in found[:MOST_CANDIDATES] if bytes(item.path) == path]
    else:
        search.looked.append(_("the names of the files of the newest sessions"))
        key = names.name_key(path)
        found = items.filter(path_digest__gte=key, path_digest__lt=f"{key}g")
        chosen = [i for i in found[:MOST_CANDIDATES] if os.path.basename(bytes(i.path)) == path]
    _add(search, map(_of_item, sorted(chosen, key=lambda item: -item.pk)))
    places = {item.absolute_path for item in chosen}
    if len(places) == 1:
        search.alike = len(chosen)
    _in_library(search, path)


def _in_library(search: Search, path: bytes) -> None:
    """A file of the library by its path there, or by its name, which begins with its directory."""
    text = path.decode("utf-8", "replace").replace("\0", "\ufffd")
    search.looked.append(_("the library"))
    if placed := _PLACED.fullmatch(text):
        text = "/".join((*placed.groups(), text))
    for media in Media.objects.filter(path=text):
        items = _items_of(media)[:1]
        _add(search, map(_of_item, items) if items else [_of_media(media)])


def _of_item(item: ImportItem) -> Candidate:
    return Candidate("item", item.pk, f"{item.shown_absolute_path} ({item.state})")


def _of_media(media: Media) -> Candidate:
    return Candidate("media", media.pk, media.path)


_KINDS: dict[str, Callable[[Search, str], None]] = {
    "session": _session,
    "item": _item,
    "incident": _incident,
    "media": _media,
    "sha256": _hash,
    "path": _path,
}
_UNNAMED = (_session, _item, _hash, _path)
