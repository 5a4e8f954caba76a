"""What makes two failures the same incident: their code, their place, and where needed their wording.

The fingerprint begins with the version of this rule: a better rule makes new incidents, and never
changes what an old one stands for. Pure; looks at nothing but the recorded failure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..errors import Category, ErrorCode

VERSION = "v1"
LONGEST_PLACE = 1000  # characters
# Facts of the evidence that name the place themselves: a disk, a directory that is not there, or
# the part of the path that refuses.
_PLACES = ("mount", "missing", "obstacle")
# One database and one network serve every session: there is no place to tell them apart by.
_EVERYWHERE = frozenset({Category.DATABASE, Category.NETWORK})
# Codes that stand for many causes: the wording tells them apart.
_WORDED = frozenset({ErrorCode.UNKNOWN, ErrorCode.BAD_VALUE, ErrorCode.DATABASE_CONSTRAINT})
_VARYING = re.compile(r"'[^']*'|\"[^\"]*\"|/\S+|0x[0-9a-f]+|\d+")


def fingerprint(failure: Mapping[str, Any], place: str) -> str:
    """Equal for failures with the same cause in the same place."""
    code = str(failure.get("code", ErrorCode.UNKNOWN))
    key = "\0".join((code, place, _wording(code, failure)))
    return f"{VERSION}:{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}"


def place_of(failure: Mapping[str, Any], *, session_id: int, of_session: bool) -> str:
    """Where it happened: a mount, a directory, a session, or nowhere in particular (empty)."""
    if failure.get("category") in _EVERYWHERE:
        return ""
    evidence = _evidence(failure)
    path = str(evidence.get("path") or "")
    place = next((str(evidence[name]) for name in _PLACES if evidence.get(name)), path)
    if place == path and not of_session:
        place = path.rpartition("/")[0]
    return place[:LONGEST_PLACE] or f"session {session_id}"


def _evidence(failure: Mapping[str, Any]) -> Mapping[str, Any]:
    evidence = failure.get("evidence")
    return evidence if isinstance(evidence, Mapping) else {}


def _wording(code: str, failure: Mapping[str, Any]) -> str:
    """The detail without what varies from file to file: names, paths and numbers."""
    if code not in _WORDED:
        return ""
    return _VARYING.sub("…", str(_evidence(failure).get("detail", "")))[:LONGEST_PLACE]
