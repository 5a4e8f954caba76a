"""JPEG. Source: ITU T.81, annex B; EXIF 2.32, section 4.5."""

from __future__ import annotations

from ..sayings import say
from . import exif
from .model import NO_EXIF, Bytes, Damaged, Exif, Inspection

TAIL_BYTES = 4096
BLOCK_BYTES = 1024 * 1024
WINDOW_BYTES = 4096  # of segments looked at together; what stands between them is not read
REACH_BYTES = 64  # of a segment that are looked at, at most
MAX_SEGMENTS = 4096
_EOI = b"\xff\xd9"
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ARITHMETIC = frozenset({0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    """Walk the segments to the first scan, then look for the end behind it."""
    window, start, position = data.read_at(0, WINDOW_BYTES), 0, 2
    found, frame, sizes = NO_EXIF, 0, (0, 0)
    for _ in range(MAX_SEGMENTS):
        if position - start + REACH_BYTES > len(window):
            window, start = data.read_at(position, WINDOW_BYTES), position
        at = position - start
        if len(window) < at + 4:
            raise Damaged(say("jpeg_header_ends", size=data.size))
        if window[at] != 0xFF:
            raise Damaged(say("jpeg_header_broken", at=position))
        marker = window[at + 1]
        if marker == 0xFF or marker in _ALONE:
            position += 1 if marker == 0xFF else 2
            continue
        length = window[at + 2] << 8 | window[at + 3]
        if marker == 0xDA:
            return _finished(data, position, base, found, frame, sizes)
        if length < 2 or marker == 0xD9:
            raise Damaged(say("jpeg_no_data", at=position))
        if marker in _SOF:
            frame, sizes = (
                marker,
                (
                    window[at + 7] << 8 | window[at + 8],
                    window[at + 5] << 8 | window[at + 6],
                ),
            )
        elif marker == 0xE1 and found is NO_EXIF and window[at + 4 : at + 10] == b"Exif\0\0":
            found = exif.parse(data.read_at(position + 10, max(length - 8, 0)))
        position += 2 + length
    raise Damaged(say("jpeg_segments"))


def _finished(
    data: Bytes, scan: int, base: Inspection, found: Exif, frame: int, sizes: tuple[int, int]
) -> Inspection:
    width, height = sizes
    base = base._replace(exif=found, width=width or None, height=height or None)
    if not _ends(data, scan):
        return base._replace(damage=say("jpeg_never_ends", at=scan, size=data.size))
    # The DC coefficient of every block of 8x8 samples takes one bit at least.
    if frame not in _ARITHMETIC and width * height // 64 // 8 > data.size:
        claimed = {"width": width, "height": height, "size": data.size}
        raise Damaged(say("pixels_claimed", kind="JPEG", **claimed))
    return base


def _ends(data: Bytes, scan: int) -> bool:
    """Whether an end marker stands behind the first scan. Inside coded data it cannot occur."""
    tail = max(scan, data.size - TAIL_BYTES)
    if data.read_at(tail, TAIL_BYTES).rfind(_EOI) >= 0:  # mostly it is the last that is there
        return True
    position = tail
    while position > scan:
        start = max(scan, position - BLOCK_BYTES)
        if _EOI in data.read_at(start, position - start + 1):
            return True
        position = start
    return False
