"""A thumbnail from the cache, or made now where a decoder is free."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from threading import BoundedSemaphore

from django.conf import settings

from .. import fsops
from ..errors import ErrorCode
from .decoder import decode
from .pictures import Picture, Unreachable, key_of

CACHE_BYTES = 1 << 30
DECODERS = 2  # at once in one process, so that pages have threads left
# Of what a busy machine may be the cause, and not the file.
_HOUR_S = timedelta(hours=1).total_seconds()
_BELIEVED_S: dict[str, float] = {ErrorCode.TIME_LIMIT: _HOUR_S, ErrorCode.POISON: _HOUR_S}
_free = BoundedSemaphore(DECODERS)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The outcome of decoding: a picture (WebP, 640 pixels at most), or why there is none, or both."""

    key: str  # changes when the bytes do; empty when they could not be reached
    picture: bytes = b""
    code: str = ""  # an error code; with a picture, it is what can be seen of a damaged one
    detail: str = ""  # the decoder's own words


def thumbnail(picture: Picture) -> Thumbnail | None:
    """None while all decoders are busy: ask again in a moment. Waits for a decoder's limits at most."""
    if found := _kept(key_of(picture)):
        return found
    try:
        with picture.opened() as source:
            key = key_of(picture, source)
            return _kept(key) or _made(key, source.fd, source.size)
    except Unreachable as problem:
        return Thumbnail("", b"", problem.code, problem.detail)


def _made(key: str, fd: int, size_bytes: int) -> Thumbnail | None:
    if size_bytes == 0:
        return Thumbnail(key, b"", ErrorCode.EMPTY)
    if not _free.acquire(blocking=False):
        return None
    try:
        content = decode(fd)
    finally:
        _free.release()
    try:
        fsops.keep(_cache(), key.encode(), content, most_bytes=CACHE_BYTES)
    except OSError:
        pass  # a full disk costs the cache and not the picture
    return _read(key, content)


def _kept(key: str) -> Thumbnail | None:
    found = fsops.kept(_cache(), key.encode()) if key else None
    if found is None:
        return None
    content, age_s = found
    made = _read(key, content)
    return made if age_s < _BELIEVED_S.get(made.code, age_s + 1) else None


def _read(key: str, content: bytes) -> Thumbnail:
    head, _newline, picture = content.partition(b"\n")
    try:
        told = json.loads(head)
        return Thumbnail(key, picture, str(told["code"]), str(told["detail"]))
    except (ValueError, TypeError, KeyError):  # a decoder that was led astray says what it likes
        return Thumbnail(key, b"", ErrorCode.POISON, "The decoder gave no answer.")


def _cache() -> bytes:
    return os.path.join(os.fsencode(settings.PHOTONEST_HOME), b"thumbnails")
