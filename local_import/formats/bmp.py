"""BMP. Source: Microsoft, Bitmap Storage; only the headers of Windows, and the one of OS/2."""

from __future__ import annotations

import struct

from ..sayings import say
from .model import Bytes, Damaged, Inspection

_DEPTHS = frozenset({1, 2, 4, 8, 16, 24, 32})
_NOT_A_PICTURE = Inspection("unknown", "unknown data")


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    """Two letters are a weak magic number: without a believable header it is no BMP."""
    if len(head) < 26:
        return _NOT_A_PICTURE
    offset, size = struct.unpack_from("<II", head, 10)
    if size == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", head, 18)
        compression = 0
    elif 16 <= size <= 256 and len(head) >= 34:
        width, height, _, depth, compression = struct.unpack_from("<iiHHI", head, 18)
    else:
        return _NOT_A_PICTURE
    if depth not in _DEPTHS and compression < 4:
        return _NOT_A_PICTURE
    height = abs(height)
    needed = (abs(width) * depth + 31) // 32 * 4 * height if compression in (0, 3, 6) else 1
    if offset + needed > data.size:
        raise Damaged(say("bmp_announces", end=offset + needed, size=data.size))
    return base._replace(width=abs(width) or None, height=height or None)
