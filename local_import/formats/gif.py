"""GIF. Source: GIF89a specification, sections 15 to 27."""

from __future__ import annotations

import struct

from ..sayings import say
from .model import Bytes, Damaged, Inspection

WINDOW_BYTES = 1024 * 1024


def read(data: Bytes, head: bytes, base: Inspection) -> Inspection:
    width, height, flags = struct.unpack_from("<HHB", head, 6)
    blocks = _Blocks(data, 13 + _table(flags))
    while (kind := blocks.take()) != 0x3B:
        if kind == 0x21:
            blocks.skip(1)
        elif kind == 0x2C:
            blocks.skip(8)
            blocks.skip(_table(blocks.take()) + 1)
        else:
            raise Damaged(say("gif_broken", at=blocks.position - 1))
        while length := blocks.take():
            blocks.skip(length)
    return base._replace(width=width or None, height=height or None)


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 * (2 << (flags & 7)) if flags & 0x80 else 0


class _Blocks:
    """Steps through the file by a window, so that a million blocks are a million additions."""

    def __init__(self, data: Bytes, position: int) -> None:
        self._data, self.position = data, position
        self._window, self._start = b"", position

    def skip(self, length: int) -> None:
        self.position += length

    def take(self) -> int:
        at = self.position - self._start
        if at >= len(self._window):
            self._window, self._start = (
                self._data.read_at(self.position, WINDOW_BYTES),
                self.position,
            )
            at = 0
        if not self._window:
            raise Damaged(say("gif_ends", size=self._data.size))
        self.position += 1
        return self._window[at]
