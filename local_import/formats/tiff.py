"""TIFF, and the RAW formats built on it. Source: TIFF 6.0; BigTIFF; DNG 1.7."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..sayings import Seen, say
from . import exif
from .model import Bytes, Damaged, Inspection

MAX_DIRECTORIES = 64
MAX_ENTRIES = 4096
MAX_VALUES = 1_000_000
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_RAW_PHOTOMETRIC = frozenset({32803, 34892})  # CFA, LinearRaw
_RAW_COMPRESSION = frozenset({34713, 32767, 65535, 34892, 262, 65000})
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 277, 273, 279, 324, 325
_SUB_IFDS, _DNG_VERSION, _CFA_PATTERN = 330, 50706, 33422
_WANTED = frozenset(
    {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _STRIPS, _STRIP_BYTES}
    | {_TILES, _TILE_BYTES, _SUB_IFDS, _DNG_VERSION, _CFA_PATTERN}
)
Tags = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class _Layout:
    order: str
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    layout = _Layout("<" if head[:2] == b"II" else ">", b"+" in head[:4])
    if head[8:10] == b"CR":
        return _raw("Canon CR2")
    (first,) = struct.unpack_from(layout.offset, head, 8 if layout.big else 4)
    fields = exif.parse(data.read_at(0, 1 << 18)) if not layout.big else base.exif
    main: Tags | None = None
    damage: Seen | None = None
    for tags in _directories(data, layout, first):
        if _is_raw(tags):
            return _raw(fields.make or "DNG")
        main = main or tags
        damage = damage or _missing(data, tags)
    if main is None:
        raise Damaged(say("tiff_no_directory", at=first, size=data.size))
    if damage:
        raise Damaged(damage)
    return base._replace(width=_one(main, _WIDTH), height=_one(main, _HEIGHT), exif=fields)


def _raw(name: str) -> Inspection:
    return Inspection("raw", f"a RAW picture ({name})")


def _is_raw(tags: Tags) -> bool:
    return (
        _DNG_VERSION in tags
        or _CFA_PATTERN in tags
        or _one(tags, _PHOTOMETRIC) in _RAW_PHOTOMETRIC
        or _one(tags, _COMPRESSION) in _RAW_COMPRESSION
    )


def _one(tags: Tags, tag: int) -> int | None:
    values = tags.get(tag)
    return values[0] or None if values else None


def _directories(data: Bytes, layout: _Layout, first: int) -> list[Tags]:
    """The chain of directories with their sub-directories, each once."""
    found: list[Tags] = []
    waiting, seen = [first], {0}
    while waiting and len(found) < MAX_DIRECTORIES:
        at = waiting.pop(0)
        if at in seen:
            continue
        seen.add(at)
        if at >= data.size:
            raise Damaged(say("tiff_names", end=at, size=data.size))
        tags, following = _directory(data, layout, at)
        found.append(tags)
        waiting += [*tags.get(_SUB_IFDS, ())[:MAX_DIRECTORIES], following]
    return found


def _directory(data: Bytes, layout: _Layout, at: int) -> tuple[Tags, int]:
    counter, entry = ("Q", 20) if layout.big else ("H", 12)
    (number,) = struct.unpack(layout.order + counter, data.read_at(at, struct.calcsize(counter)))
    number = min(number, MAX_ENTRIES)
    start = at + struct.calcsize(counter)
    block = data.read_at(start, number * entry + struct.calcsize(layout.offset))
    tags: Tags = {}
    for position in range(0, number * entry, entry):
        tag, kind, count = struct.unpack_from(
            layout.order + ("HHQ" if layout.big else "HHI"), block, position
        )
        if tag in _WANTED:
            inline = start + position + (12 if layout.big else 8)
            tags[tag] = _values(data, layout, kind, count, inline)
    (following,) = struct.unpack_from(layout.offset, block, number * entry)
    return tags, following


def _values(data: Bytes, layout: _Layout, kind: int, count: int, inline: int) -> tuple[int, ...]:
    code = _CODES.get(kind)
    if code is None or count > MAX_VALUES:
        return ()
    length = count * _SIZES[kind]
    if length > (8 if layout.big else 4):
        width = struct.calcsize(layout.offset)
        (inline,) = struct.unpack(layout.offset, data.read_at(inline, width))
        if inline + length > data.size:
            raise Damaged(say("tiff_names", end=inline + length, size=data.size))
    return struct.unpack(f"{layout.order}{count}{code}", data.read_at(inline, length))


def _missing(data: Bytes, tags: Tags) -> Seen | None:
    """A sentence when strips or tiles lie outside the file, or are too few bytes for the pixels."""
    for starts, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        pairs = zip(tags.get(starts, ()), tags.get(lengths, ()), strict=False)
        end = max((start + length for start, length in pairs), default=0)
        if end > data.size:
            return say("tiff_pixels_end", end=end, size=data.size)
    return _lie(tags)


def _lie(tags: Tags) -> Seen | None:
    held = sum(tags.get(_STRIP_BYTES, ()))
    if _one(tags, _COMPRESSION) != 1 or not held:
        return None
    width, height = _one(tags, _WIDTH) or 0, _one(tags, _HEIGHT) or 0
    bits = (_one(tags, _BITS) or 1) * (_one(tags, _SAMPLES) or 1)
    if height * ((width * bits + 7) // 8) > held and _one(tags, _PHOTOMETRIC) != 6:
        return say("pixels_claimed", kind="TIFF", width=width, height=height, size=held)
    return None
