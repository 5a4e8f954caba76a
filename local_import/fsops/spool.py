"""A list on the disk: a million rows of it need no room in memory."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TextIO


class Spool:
    """Rows of JSON in a temporary file that has no name: all are added, then they are read, as often
    as wanted but by one reader at a time.

    The file is gone when nobody holds it any more. Adding raises OSError when its disk is full.
    """

    def __init__(self) -> None:
        # Line by line, so that a full disk is met by the row that it has no room for.
        self._file = tempfile.TemporaryFile("w+", 1, encoding="utf-8")  # noqa: SIM115 - outlives this
        weakref.finalize(self, _close, self._file)
        self._length = 0

    def add(self, row: dict[str, Any]) -> None:
        try:
            self._file.write(f"{json.dumps(row)}\n")
        except OSError as error:  # which has no name to tell of
            error.filename = tempfile.gettempdir()
            raise
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        yield from map(json.loads, self._file)


def _close(file: TextIO) -> None:
    with suppress(OSError):  # of a full disk was told when a row was added
        file.close()
