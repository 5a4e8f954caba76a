"""What a look adds to a code: a closer code, facts for its texts, and sentences of what was seen.

A cause is looked at once for all that fail by it at one place within a few seconds.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..errors import ErrorCode
from ..sayings import Seen, say
from ..wording.facts import about_path, shown
from .probe import LIMIT_S, NoAnswer

logger = logging.getLogger(__name__)

# Causes that lie in a place: what was seen of one file there explains the others.
SHARED = frozenset(
    {
        ErrorCode.SOURCE_MISSING,
        ErrorCode.SOURCE_BUSY,
        ErrorCode.SOURCE_CHANGED,
        ErrorCode.PERMISSION_DENIED,
        ErrorCode.LIBRARY_NOT_WRITABLE,
        ErrorCode.LIBRARY_UNMOUNTED,
        ErrorCode.LIBRARY_SPLIT,
        ErrorCode.DISK_FULL,
        ErrorCode.QUOTA_EXCEEDED,
        ErrorCode.IO_ERROR,
        ErrorCode.STALE_HANDLE,
        ErrorCode.NO_ANSWER,
        ErrorCode.TOO_MANY_OPEN_FILES,
        ErrorCode.MEMORY_EXHAUSTED,
    }
)
KEPT_S = 5.0  # how long what was seen at a place is believed of its neighbours
KEPT_PLACES = 256
Known = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evidence:
    code: ErrorCode
    facts: dict[str, Any] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    seen_at: str = ""


Look = Callable[[ErrorCode, BaseException, Known], Evidence]
_kept: dict[tuple[str, bytes], tuple[float, bytes, Evidence]] = {}


def examine(
    looks: Mapping[ErrorCode, Look], code: ErrorCode, error: BaseException, known: Known
) -> Evidence:
    """Look, where there is something to see for the code; never raises, and never takes long."""
    look = looks.get(code)
    if look is None:
        return Evidence(code)
    if code not in SHARED:
        return _looked(look, code, error, known)
    path = known.get("raw_path", b"")
    place = (code.value, os.path.dirname(known.get("raw_failing", path) or path))
    until, about, kept = _kept.get(place, (0.0, b"", None))
    if kept is not None and until > time.monotonic():
        return kept if about == path else _of_neighbour(kept, about, path)
    found = _looked(look, code, error, known)
    if len(_kept) >= KEPT_PLACES:
        _kept.clear()
    _kept[place] = (time.monotonic() + KEPT_S, path, found)
    return found


def forget() -> None:
    """Believe nothing that was seen before: somebody has acted meanwhile."""
    _kept.clear()


def _looked(look: Look, code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    return replace(_look(look, code, error, known), seen_at=datetime.now(UTC).isoformat())


def _look(look: Look, code: ErrorCode, error: BaseException, known: Known) -> Evidence:
    try:
        return look(code, error, known)
    except KeyError:  # no path is known: there is nothing to look at
        return Evidence(code)
    except NoAnswer as silent:
        place = about_path(silent.place, "mount")
        seen = say("no_answer", mount=place["mount"], limit=LIMIT_S)
        return Evidence(code, place | {"limit": LIMIT_S}, [seen])
    except Exception:
        # A diagnosis without evidence is worth more than none.
        logger.exception("the cause of a failure could not be looked at")
        return Evidence(code)


def _of_neighbour(kept: Evidence, about: bytes, path: bytes) -> Evidence:
    """The same cause at another file of the directory: what was true of the one is said of it."""
    moved: dict[str, Any] = {}
    for name, value in kept.facts.items():
        if name.startswith("raw_") and value == about:
            moved |= about_path(path, name.removeprefix("raw_"))
    there = say("neighbour", path=shown(about))
    return replace(kept, facts=kept.facts | moved, seen=[there, *kept.seen])
