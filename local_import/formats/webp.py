"""WebP. Source: WebP Container Specification; RFC 6386, section 9.1 (VP8)."""

from __future__ import annotations

import struct

from ..sayings import say
from . import exif
from .model import Bytes, Damaged, Exif, Inspection

MAX_CHUNKS = 100_000


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    (length,) = struct.unpack_from("<I", head, 4)
    if length + 8 > data.size:
        raise Damaged(say("webp_ends", end=length + 8, size=data.size))
    width, height = _size(head)
    return base._replace(
        width=width or None, height=height or None, exif=_exif(data, length + 8, base)
    )


def _size(head: bytes) -> tuple[int, int]:
    if head[12:16] == b"VP8X":
        return (
            int.from_bytes(head[24:27], "little") + 1,
            int.from_bytes(head[27:30], "little") + 1,
        )
    if head[12:16] == b"VP8L" and head[20:21] == b"\x2f":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if head[12:16] == b"VP8 " and head[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise Damaged(say("webp_no_frame"))


def _exif(data: Bytes, end: int, base: Inspection) -> Exif:
    position = 12
    for _ in range(MAX_CHUNKS):
        chunk = data.read_at(position, 8)
        if len(chunk) < 8 or position >= end:
            break
        name, length = struct.unpack("<4sI", chunk)
        if position + 8 + length > end:
            raise Damaged(say("webp_broken", at=position))
        if name == b"EXIF" and length < 1 << 20:
            return exif.parse(data.read_at(position + 8, length).removeprefix(b"Exif\0\0"))
        position += 8 + length + (length & 1)
    return base.exif
