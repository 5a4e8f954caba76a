"""The box format of AVIF, HEIC, MP4 and QuickTime. Source: ISO/IEC 14496-12; 23008-12 (HEIF)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from django.utils.translation import gettext_noop as _

from ..sayings import say
from .heif_items import read_exif
from .model import Bytes, Damaged, Inspection

MAX_BOXES = 10_000
MAX_META_BYTES = 16 * 1024 * 1024
_AVIF = Inspection("avif", _("an AVIF picture"), "avif")
_HEIC = Inspection("heic", _("a HEIC picture"))
_VIDEO = Inspection("video", _("a video (MP4 or QuickTime)"))
_RAW = Inspection("raw", _("a RAW picture (Canon CR3)"))
_BRANDS = {b"avif": _AVIF, b"avis": _AVIF, b"crx ": _RAW} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC
)


def identify(head: bytes) -> Inspection:
    """By the major brand; a general one (mif1) by what else the file says it is compatible with."""
    brand = head[8:12]
    (length,) = struct.unpack_from(">I", head, 0)
    others = [head[at : at + 4] for at in range(16, min(length, len(head)), 4)]
    if brand in (b"mif1", b"msf1") and b"avif" in others:
        return _AVIF
    return _BRANDS.get(brand, _VIDEO)


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    names = {}
    for name, start, end in _boxes(data):
        names[name] = (start, end)
    if b"meta" not in names or b"mdat" not in names:
        raise Damaged(say("avif_ends", size=data.size))
    start, end = names[b"meta"]
    if end - start > MAX_META_BYTES:
        raise Damaged(say("avif_header_large"))
    meta = data.read_at(start, end - start)
    width, height = _size(meta)
    found = read_exif(data, meta)
    return base._replace(width=width or None, height=height or None, exif=found)


def _boxes(data: Bytes) -> Iterator[tuple[bytes, int, int]]:
    position = 0
    for _box in range(MAX_BOXES):
        box = data.read_at(position, 16)
        if not box:
            return
        length, name = struct.unpack_from(">I4s", box, 0)
        inner = position + 8
        if length == 1:
            (length,), inner = struct.unpack_from(">Q", box, 8), position + 16
        elif length == 0:
            length = data.size - position
        if length < 8 or position + length > data.size:
            raise Damaged(say("avif_announces", end=position + length, size=data.size))
        yield name, inner, position + length
        position += length


def _size(meta: bytes) -> tuple[int, int]:
    """The largest of the image's spatial extents (`ispe`): the picture, not its thumbnail."""
    sizes, at = [(0, 0)], meta.find(b"ispe")
    while at >= 0 and len(sizes) < 1000:
        if at + 16 <= len(meta):
            sizes.append(struct.unpack_from(">II", meta, at + 8))
        at = meta.find(b"ispe", at + 4)
    return max(sizes, key=lambda size: size[0] * size[1])
