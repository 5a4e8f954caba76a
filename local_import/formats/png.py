"""PNG. Source: W3C PNG specification, third edition, sections 5 and 11."""

from __future__ import annotations

import struct

from ..sayings import say
from . import exif
from .model import Bytes, Damaged, Inspection

MAX_CHUNKS = 1_000_000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEFLATE_LIMIT = 1032  # deflate cannot expand more. Source: zlib, technical details


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    if head[12:16] != b"IHDR" or len(head) < 33:
        raise Damaged(say("png_header"))
    width, height, depth, colour = struct.unpack_from(">IIBB", head, 16)
    position, pixels = 8, 0
    for _ in range(MAX_CHUNKS):
        chunk = data.read_at(position, 8)
        if len(chunk) < 8:
            break
        length, name = struct.unpack(">I4s", chunk)
        end = position + 12 + length
        if end > data.size:
            break
        if name == b"IDAT":
            pixels += length
        elif name == b"eXIf" and length < 1 << 20:
            base = base._replace(exif=exif.parse(data.read_at(position + 8, length)))
        elif name == b"IEND":
            _require_data(width, height, depth * _CHANNELS.get(colour, 1), pixels)
            return base._replace(width=width or None, height=height or None)
        position = end
    raise Damaged(say("png_ends", size=data.size))


def _require_data(width: int, height: int, bits: int, pixels: int) -> None:
    needed = height * ((width * bits + 7) // 8)
    if needed > pixels * _DEFLATE_LIMIT + 1024:
        claimed = {"width": width, "height": height, "size": pixels}
        raise Damaged(say("pixels_claimed", kind="PNG", **claimed))
