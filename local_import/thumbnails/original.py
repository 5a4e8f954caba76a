"""The bytes of a picture as they are, from a file that was opened without following a link."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from .. import formats
from .pictures import Picture

BLOCK_BYTES = 1 << 20


class Original:
    """An open file, read block by block; whoever makes one closes it. Raises Unreachable."""

    def __init__(self, picture: Picture) -> None:
        with ExitStack() as stack:
            self._source = stack.enter_context(picture.opened())
            self._open = stack.pop_all()
        self.size_bytes = self._source.size
        self.kind = formats.inspect(self._source).kind

    def close(self) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[bytes]:
        """Never more than the file had when it was opened."""
        for offset in range(0, self.size_bytes, BLOCK_BYTES):
            if block := self._source.read_at(offset, min(BLOCK_BYTES, self.size_bytes - offset)):
                yield block
