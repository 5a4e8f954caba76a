"""The items of an AVIF or HEIC: where its EXIF block is. Source: ISO/IEC 14496-12, 8.11."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from . import exif
from .model import NO_EXIF, Bytes, Exif

MAX_ITEMS = 10_000
MAX_EXIF_BYTES = 1024 * 1024
_IN_FILE = 0  # construction method: the offset counts from the start of the file


def read_exif(data: Bytes, meta: bytes) -> Exif:
    """The fields of the EXIF item; empty ones where there is none or it cannot be understood."""
    try:
        boxes = dict(_children(meta[4:]))
        wanted = _exif_item(boxes.get(b"iinf", b""))
        place = _location(boxes.get(b"iloc", b""), wanted) if wanted else None
    except (struct.error, IndexError):
        return NO_EXIF
    if place is None or place[1] > MAX_EXIF_BYTES or sum(place) > data.size:
        return NO_EXIF
    block = data.read_at(*place)
    # The item begins with the distance from there to the TIFF header.
    if len(block) < 4:
        return NO_EXIF
    return exif.parse(block[4 + int.from_bytes(block[:4], "big") :])


def _children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of each box in a box."""
    at = 0
    for _ in range(MAX_ITEMS):
        if at + 8 > len(body):
            return
        length, name = struct.unpack_from(">I4s", body, at)
        if length < 8:
            return
        yield name, body[at + 8 : at + length]
        at += length


def _exif_item(iinf: bytes) -> int:
    """The number of the EXIF item among the item infos; 0 when there is none."""
    if not iinf:
        return 0
    for name, body in _children(iinf[6 if iinf[0] == 0 else 8 :]):
        if name != b"infe" or body[0] < 2:
            continue
        number_format, at = (">H", 6) if body[0] == 2 else (">I", 8)
        if body[at + 2 : at + 6] == b"Exif":
            (number,) = struct.unpack_from(number_format, body, 4)
            return int(number)
    return 0


def _location(iloc: bytes, wanted: int) -> tuple[int, int] | None:
    """Offset and length of an item that lies in the file in one piece."""
    version, sizes, base_sizes = iloc[0], iloc[4], iloc[5]
    offset_size, length_size = sizes >> 4, sizes & 15
    base_size, index_size = base_sizes >> 4, base_sizes & 15 if version in (1, 2) else 0
    number_size = 4 if version == 2 else 2
    reader = _Reader(iloc, 6)
    for _ in range(min(reader.number(number_size), MAX_ITEMS)):
        item = reader.number(number_size)
        method = reader.number(2) & 15 if version in (1, 2) else _IN_FILE
        reader.number(2)  # which file: this one
        base = reader.number(base_size)
        extents = reader.number(2)
        if item == wanted:
            if method != _IN_FILE or extents != 1:
                return None
            reader.skip(index_size)
            return base + reader.number(offset_size), reader.number(length_size)
        # At once: thousands of items of thousands of extents of no width take no bytes, but hours.
        reader.skip(extents * (index_size + offset_size + length_size))
    return None


class _Reader:
    """Numbers of given widths, one after the other. Raises IndexError past the end."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body, self._at = body, at

    def skip(self, length: int) -> None:
        self._at += length

    def number(self, width: int) -> int:
        start, self._at = self._at, self._at + width
        if self._at > len(self._body):
            raise IndexError(self._at)
        return int.from_bytes(self._body[start : self._at], "big")
