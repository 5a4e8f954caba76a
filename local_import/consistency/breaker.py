"""The breaker: when the library is not there, or so much is wrong with its files at once that a disk or
a backup is to blame, nothing is judged.

An unmounted disk looks like the loss of everything on it, one that fails like damage to all of it, and
a database of yesterday like a library full of strays. So nothing is called missing or wrong then,
nothing is set aside, no state changes, and one critical finding names the place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from .. import fsops, names
from ..errors import Severity
from ..fsops import Tree
from ..models import Media
from ..pipeline.source import MARK
from .rule import Depth, Keys, Look, Rule, Suspect, key_of

FEWEST = 20  # files; fewer never trip it
SHARE = 0.01  # of all files of the library
UNREADABLE = ("media_unreadable", "content_unreadable")
# A finding of the breaker is over when a look as deep as the rules that it counts finds fewer.
_CAUSES = {
    "files_wrong_at_once": ("media_missing", "media_size", "media_unreadable"),
    "contents_wrong_at_once": ("media_content", "content_unreadable"),
}
MOST = 1000  # files; so many always trip it. No more than crowd.SAMPLE: of more none is told


@contextmanager
def library_to_look_at() -> Iterator[Tree | None]:
    """The library, or None when it cannot be reached or is not the one the database knows."""
    try:
        tree = Tree(place(), follow_links=True)
    except OSError:
        yield None
        return
    with tree:
        yield tree if _is_marked(tree) else None


def _is_marked(tree: Tree) -> bool:
    try:
        return tree.exists(MARK)
    except OSError:  # a disk that fails, or a network that is away
        return False


def is_in_place(library: Tree) -> bool:
    """Whether it still is what stands at its path; as far as that can be told."""
    try:
        fsops.require_in_place(library)
    except OSError:
        return False
    return True


def set_back(number: int, unlisted: Sequence[Suspect]) -> Suspect:
    """What stands for so many originals that no media lists."""
    examples = [suspect.evidence["path"] for suspect in unlisted[:5]]
    facts = {"path": names.shown(place()), "number": number, "examples": ", ".join(examples)}
    return Suspect("database_set_back", key_of(place()), facts)


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.library is None and Media.objects.exists():
        yield Suspect("library_away", key_of(place()), {"path": names.shown(place())})


def most(files: int) -> float:
    """How many of so many files may be wrong in one way before disk or backup is suspected instead."""
    return min(max(FEWEST, SHARE * files), MOST)


def tripped(suspects: Sequence[Suspect], files: int) -> list[Suspect]:
    """What is said where so many of `files` are suspect that the disk is suspected instead of them."""
    found = []
    for freezing, rules in _CAUSES.items():
        some = [suspect for suspect in suspects if suspect.rule in rules]
        if len(some) >= most(files):
            found.append(_told(freezing, some))
    return found


def _told(rule: str, suspects: Sequence[Suspect]) -> Suspect:
    facts = {
        "path": names.shown(place()),
        "number": len(suspects),
        "unreadable": sum(one.rule in UNREADABLE for one in suspects),
        "examples": [suspect.evidence["path"] for suspect in suspects[:5]],
    }
    return Suspect(rule, key_of(place()), facts)


def place() -> bytes:
    return os.fsencode(settings.PHOTONEST_LIBRARY)


RULES = (
    Rule(
        code="library_away",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.ROWS,
        sentence=_(
            "The library {path} is not mounted: its mark, .photonest-library, is not there."
        ),
        advice=_("Mount the disk of {path}, then check again. While it is away nothing is judged."),
        find=find,
    ),
    Rule(
        code="files_wrong_at_once",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.FILES,
        sentence=_(
            "{number} files of the library {path} are gone, have other sizes or cannot be looked at, "
            "all at once ({unreadable} of them cannot be looked at), {examples} among them."
        ),
        advice=_(
            "Look whether a disk or a part of {path} is not mounted. Until they are back no file is "
            "judged, and nothing is repaired. If they are really gone, restore them from a backup."
        ),
        find=lambda look, keys: (),  # judged by look, over the files that the other rules miss
    ),
    Rule(
        code="database_set_back",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.FILES,
        sentence=_(
            "{number} originals stand in the library {path}, {examples} among them, and no media lists "
            "them: the database seems to have been set back to an older day."
        ),
        advice=_(
            "Until they are listed nothing is repaired, and none is set aside. List them again first; "
            "no file is touched: python manage.py rebuild_library --apply"
        ),
        find=lambda look, keys: (),  # judged by look, over what the other rules find
    ),
    Rule(
        code="contents_wrong_at_once",
        severity=Severity.CRITICAL,
        about="library",
        depth=Depth.CONTENTS,
        sentence=_(
            "{number} files of the library {path} hold other bytes or cannot be read, all at once "
            "({unreadable} of them cannot be read), {examples} among them."
        ),
        advice=_(
            "Look for errors of the disk of {path}: dmesg | tail -n 30. Until so many files are read as "
            "they were imported no file is judged, and nothing is repaired. If the disk is sound, "
            "restore them from a backup."
        ),
        find=lambda look, keys: (),  # judged by look, over what the other rules find
    ),
)
