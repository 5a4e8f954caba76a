"""The breaker: when the library is not there, or many of its files are gone, hold other bytes or
cannot be read, all at once, nothing is judged.

An unmounted disk looks like the loss of everything on it, and one that fails like damage to all of
it. So nothing is called missing or wrong then, no state changes, and one critical finding names the
place.
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
    "files_gone_at_once": ("media_missing", "media_size", "media_unreadable"),
    "contents_wrong_at_once": ("media_content", "content_unreadable"),
}
MOST = 1000  # files; so many always trip it. No more than crowd.SAMPLE: of more none is told


@contextmanager
def library_to_look_at() -> Iterator[Tree | None]:
    """The library, or None when it cannot be reached or is not the one the database knows."""
    try:
        tree = Tree(_place(), follow_links=True)
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


def find(look: Look, keys: Keys | None) -> Iterator[Suspect]:
    if look.library is None and Media.objects.exists():
        yield Suspect("library_away", key_of(_place()), {"path": names.shown(_place())})


def tripped(suspects: Sequence[Suspect], files: int) -> list[Suspect]:
    """What is said where so many of `files` are suspect that the disk is suspected instead of them."""
    most = min(max(FEWEST, SHARE * files), MOST)
    found = []
    for freezing, rules in _CAUSES.items():
        some = [suspect for suspect in suspects if suspect.rule in rules]
        if len(some) >= most:
            found.append(_told(freezing, some))
    return found


def _told(rule: str, suspects: Sequence[Suspect]) -> Suspect:
    facts = {
        "path": names.shown(_place()),
        "number": len(suspects),
        "unreadable": sum(one.rule in UNREADABLE for one in suspects),
        "examples": [suspect.evidence["path"] for suspect in suspects[:5]],
    }
    return Suspect(rule, key_of(_place()), facts)


def _place() -> bytes:
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
        code="files_gone_at_once",
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
