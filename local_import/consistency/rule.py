"""What a rule is: a name, a question to the database or the disk, and what to do about the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, TypeAlias
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .. import fsops, names
from ..audit_logger import Actor
from ..errors import Severity, Text
from ..fsops import Comparison, Tree

# A session follows its items within a sweep; what changed more lately than this is not judged.
GRACE = timedelta(minutes=2)


class Depth(IntEnum):
    """How far a look goes; a deeper one includes the others."""

    ROWS = 1  # the database alone: seconds
    FILES = 2  # which files stand where, and their sizes: a minute for a million
    CONTENTS = 3  # every byte: as long as the disk needs to read it


@dataclass(slots=True)
class Look:
    """The circumstances of one look: when, at what, and through which tree."""

    now: datetime  # by the database's clock
    library: Tree | None = None  # None: it cannot be reached, and nothing is said of its files
    session_id: int | None = None  # only what belongs to this session
    left_out: Counter[str] = field(
        default_factory=Counter
    )  # of which nothing can be said, by reason
    spares: dict[str, Mapping[int, list[bytes]]] = field(default_factory=dict)  # see spares

    @property
    def quiet_since(self) -> datetime:
        return self.now - GRACE


@dataclass(frozen=True, slots=True)
class Suspect:
    """An object that breaks a rule, with the facts that the rule's sentences name."""

    rule: str  # its code
    key: str  # an id, or a path as `key_of` writes it
    evidence: Mapping[str, Any] = field(default_factory=dict)
    session_id: int | None = None
    item_id: int | None = None


Keys: TypeAlias = Sequence[str]
Find: TypeAlias = Callable[[Look, Keys | None], Iterable[Suspect]]
Repair: TypeAlias = Callable[[Look, Suspect, Actor], None]


class CannotRepair(Exception):
    """What stands in the way, as a sentence; nothing was changed."""


class CannotLook(CannotRepair):
    """The library is away: nobody can tell whether an object breaks the rule."""


def compared(library: Tree, path: bytes, sha256: str) -> Comparison:
    """What a file of the library holds. Raises CannotRepair when it cannot be read."""
    found = fsops.compare(library, path, sha256)
    if found.is_unreadable:
        raise CannotRepair(f"{names.shown(path)} could not be read: {found.why}.")
    return found


@dataclass(frozen=True, slots=True)
class Rule:
    """`find` tells of every object that breaks the rule or, with keys, of those among the named.

    Rules that one pass can answer share their `find`. The texts may name the facts of the evidence.
    `repair` is called for an object that `find` has just confirmed; when it is interrupted, whatever
    is left is found again.
    """

    code: str
    severity: Severity
    about: str  # session, item, media, file, schedule or library
    depth: Depth
    sentence: Text
    find: Find
    repair: Repair | None = None
    proposal: Text = ""  # what the repair will do
    risk: Text = ""  # of the repair
    automatic: bool = False  # safe without being asked: it can always be undone
    unlocked: bool = False  # the repair touches files, or takes transactions of its own
    advice: Text = ""  # what a person does where there is no repair, or where it does not help
    # Rules of the same `find` that tell of an object that could not be asked about this one.
    unknown: tuple[str, ...] = ()

    @property
    def is_repairable(self) -> bool:
        return self.repair is not None

    @property
    def in_general(self) -> str:
        """The sentence without an object: the names of the facts stand for them, in capitals."""
        return str(self.sentence).format_map(_Names())

    def tell(self, suspect: Suspect) -> str:
        return _filled(self.sentence, suspect)

    def propose(self, suspect: Suspect) -> str:
        return _filled(self.proposal if self.repair else self.advice, suspect)

    def advise(self, suspect: Suspect) -> str:
        return _filled(self.advice, suspect)


def _filled(text: Text, suspect: Suspect) -> str:
    return str(text).format_map(_Facts(suspect.evidence))


class _Facts(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"


class _Names(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return name.upper()


def key_of(path: bytes) -> str:
    """A path as text from which `path_of` makes it again, whatever its bytes."""
    return quote_from_bytes(path, safe="/ ")


def path_of(key: str) -> bytes:
    return unquote_to_bytes(key)
