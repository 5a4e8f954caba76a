"""One claimed file on its way through a batch, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ..capture_time import CaptureTime
from ..errors import ErrorCode
from ..formats import Inspection
from ..fsops import Fingerprint
from ..states import SkipReason, SourceDisposition


@dataclass(frozen=True, slots=True)
class Verdict:
    """A way out of the happy path: the transition, its values and its reason."""

    transition: str  # skip, fail, lose or release
    reason: str
    values: dict[str, Any] = field(default_factory=dict)
    read: str = "Read and hashed."  # how its SHA-256 is known, where it is
    # Values that no other file shares.
    own: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def failure(self) -> dict[str, Any]:
        found: dict[str, Any] = self.values.get("failure") or {}
        return found


class Original(NamedTuple):
    """A row of the library that a verdict rests on, as it was read."""

    media_id: int
    path: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a file when it was left alone, because it had changed a moment ago."""

    as_text: str = ""  # its fingerprint
    at: datetime | None = None  # since when it has been seen so
    first: datetime | None = None  # when it was left alone for the first time


@dataclass(slots=True)
class Work:
    """A row that this worker holds: it alone may write it, as long as the fence is the same."""

    item_id: int
    fence: int
    path: bytes
    size_bytes: int = 0
    accept_damage: bool = False
    attempts: int = 1
    retries: int = 0  # how often it was tried again by itself
    waited_ms: float = 0.0  # for a worker, since it was due
    read_ms: float = 0.0  # time spent on reading it, so far
    place_ms: float = 0.0  # and on placing it
    claimed_at: datetime | None = None  # by the database's clock
    growth: str = ""  # what was decided of it, where its beginning was imported before
    replaces: int | None = None  # the id of the media that gives way to it
    set_aside: str = ""  # the path of that media, once its row is gone
    changed_sessions: tuple[int, ...] = ()  # whose items changed with it
    walked_bytes: int | None = None  # its size by the row
    seen: Seen = field(default_factory=Seen)
    wait_s: float = 0.0  # for so long it is to be left alone now

    fingerprint: Fingerprint | None = None
    is_racy: bool = False  # the fingerprint may not tell of a change since the file was read
    sha256: str = ""
    inspection: Inspection | None = None
    capture: CaptureTime | None = None
    destination: str = ""
    disposition: str = SourceDisposition.KEPT
    planned: bool = False  # its intent is written: the item is in `moving`
    placed: bool = False  # its bytes are at the destination
    adopted: bool = False  # they were there before
    twin_of: Work | None = None  # the same bytes in this batch
    stale: bool = False  # somebody else has it by now: nothing of it is written here
    gives_back: bool = False  # a media has these bytes, and its file is gone: it goes to its place
    media_id: int | None = None
    verdict: Verdict | None = None
    original: Original | None = None  # the verdict holds as long as this row stands

    @property
    def spent_ms(self) -> float:
        return self.read_ms + self.place_ms

    @property
    def format(self) -> str:
        """What its content is; empty where it was not recognised, or never read."""
        return self.inspection.kind if self.inspection else ""

    def skip(self, reason: SkipReason, text: str, media_id: int | None = None) -> None:
        self.verdict = Verdict("skip", text, {"skip_reason": reason, "media_id": media_id})

    def release(self, text: str, **values: Any) -> None:
        self.verdict = Verdict("release", text, values)


def state_after(verdict: Verdict | None) -> str:
    """The state that an item gets by a verdict; none is the happy path."""
    if verdict is None:
        return "imported"
    return {"skip": "skipped", "fail": "failed", "lose": "missing", "release": "pending"}[
        verdict.transition
    ]


def code_of(verdict: Verdict | None) -> str:
    """The code that an item gets by a verdict."""
    if verdict is None:
        return ""
    if verdict.transition == "lose":
        return ErrorCode.SOURCE_MISSING.value
    return str(verdict.values.get("skip_reason") or verdict.values.get("error_code") or "")
