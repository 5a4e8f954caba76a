"""The tags of a TIFF directory, bounded and forgiving: a bad tag is an absent one.

Source: TIFF 6.0, section 2; EXIF 2.32, section 4.6.
"""

from __future__ import annotations

import struct

from .model import MAX_TEXT, NO_EXIF, ORIENTATIONS, Exif, printable

MAX_ENTRIES = 512
_EXIF_IFD = 0x8769
_ASCII, _SHORT, _LONG, _IFD = 2, 3, 4, 13
_NAMES = {
    0x010F: "make",
    0x0110: "model",
    0x0132: "modify_date",
    0x9003: "date_time_original",
    0x9004: "create_date",
    0x9010: "offset_time",
    0x9011: "offset_time_original",
    0x9012: "offset_time_digitized",
    0x9290: "sub_sec_time",
    0x9291: "sub_sec_time_original",
    0x9292: "sub_sec_time_digitized",
}
_ORIENTATION = 0x0112
_WANTED = frozenset({*_NAMES, _ORIENTATION, _EXIF_IFD})


def parse(block: bytes) -> Exif:
    """The fields of an EXIF block (a small TIFF file); empty ones where it is unreadable."""
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return NO_EXIF
    try:
        return _parse(block, order)
    except (struct.error, IndexError, TypeError):
        return NO_EXIF


def _parse(block: bytes, order: str) -> Exif:
    found: dict[str, str] = {}
    (first,) = struct.unpack_from(order + "I", block, 4)
    orientation, below = _directory(block, order, first, found)
    if below:
        _directory(block, order, below, found)
    return Exif(**found, orientation=orientation)


def _directory(block: bytes, order: str, at: int, found: dict[str, str]) -> tuple[int | None, int]:
    """Collect the wanted texts; returns the orientation and where the EXIF directory is."""
    orientation, below = None, 0
    if at + 2 > len(block):
        return orientation, below
    (number,) = struct.unpack_from(order + "H", block, at)
    number = min(number, MAX_ENTRIES, (len(block) - at - 2) // 12)
    entries = struct.iter_unpack(order + "HHII", block[at + 2 : at + 2 + 12 * number])
    for index, (tag, kind, count, value) in enumerate(entries):
        if tag not in _WANTED:
            continue
        if tag == _EXIF_IFD:
            below = value if kind in (_LONG, _IFD) else 0
        elif tag == _ORIENTATION:
            (short,) = struct.unpack_from(order + "H", block, at + 10 + 12 * index)
            orientation = short if kind == _SHORT and short in ORIENTATIONS else None
        elif kind == _ASCII:
            start = value if count > 4 else at + 10 + 12 * index
            found[_NAMES[tag]] = text(block[start : start + min(count, 4 * MAX_TEXT)])
    return orientation, below


def text(raw: bytes) -> str:
    """EXIF text: up to the first NUL, without control characters, at most MAX_TEXT long."""
    raw = raw.partition(b"\0")[0].strip()
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        value = raw.decode("latin-1")
    return printable(value)
