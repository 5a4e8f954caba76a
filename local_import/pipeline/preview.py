"""The dry run: the decisions of a real run, and nothing written anywhere."""

from __future__ import annotations

import errno
import math
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

from django.conf import settings

from .. import fsops
from ..errors import ImportProblem
from ..states import SkipReason
from . import quiet
from .analyse import analyse, failed, free_place
from .check import compare
from .claim import BATCH_ITEMS
from .desk import Desk, refuse_library_file
from .scan import files_in_source
from .work import Work


def preview(
    desk: Desk,
    left_out: Counter[str],
    *,
    batch_items: int = BATCH_ITEMS,
    most_bytes: float = math.inf,
) -> Iterator[Work]:
    """Every file with its verdict; `left_out` is counted up by reason meanwhile.

    It ends before more than `most_bytes` are read. It waits for no file that may still be written, but
    each tells how long the real run would.
    """
    at_once = replace(desk, quiet_s=0.0)
    works = _within(_works(desk, left_out), most_bytes)
    with closing(_Seen()) as seen:
        while batch := list(islice(works, batch_items)):
            for work in batch:
                analyse(at_once, work)
                work.wait_s = quiet.left_s(work, desk.quiet_s) if work.fingerprint else 0.0
                _avoid_taken_place(desk, work)
            compare(desk, batch)
            for work in batch:
                _judge_twin(work, seen)
                yield work


def _within(works: Iterator[Work], most_bytes: float) -> Iterator[Work]:
    for work in works:
        most_bytes -= work.size_bytes
        if most_bytes < 0:
            return
        yield work


def _works(desk: Desk, left_out: Counter[str]) -> Iterator[Work]:
    for found in files_in_source(desk, left_out):
        last_try = settings.PHOTONEST_RETRIES
        yield Work(0, 0, found.path, found.size_bytes, retries=last_try)


def _avoid_taken_place(desk: Desk, work: Work) -> None:
    """The real run learns it from its rename, which a dry run does not try."""
    if work.verdict is not None:
        return
    try:
        work.destination = free_place(desk.library, work)
        refuse_library_file(desk, work.path, work.destination)
    except (OSError, fsops.FileEffectError, ImportProblem) as error:
        work.verdict = failed(desk, work, error)


def _judge_twin(work: Work, seen: _Seen) -> None:
    if work.verdict is not None:
        return
    first = seen.first(work.sha256, work.destination)
    if first is not None:
        work.skip(SkipReason.DUPLICATE, f"The same bytes would be imported as {first}.")


class _Seen:
    """Where each content would go first, in a database of its own that has no name and ends with it.

    SQLite keeps it on the disk when it grows: there may be a million. Raises OSError when that is full.
    Any thread may close it: a preview that an error broke off is closed by the one that collects garbage.
    """

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute("PRAGMA journal_mode=OFF")
        self._rows.execute("CREATE TABLE seen (sha256 BLOB PRIMARY KEY, place TEXT) WITHOUT ROWID")

    def close(self) -> None:
        self._rows.close()

    def first(self, sha256: str, place: str) -> str | None:
        """The place of the file that had these bytes before; else None, and this one is the first."""
        key = bytes.fromhex(sha256)
        try:
            added = self._rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, place))
        except sqlite3.OperationalError as error:
            raise _of_the_system(error) from error
        if added.rowcount:
            return None
        found = self._rows.execute("SELECT place FROM seen WHERE sha256 = ?", (key,))
        return str(found.fetchone()[0])


def _of_the_system(error: sqlite3.OperationalError) -> OSError:
    """The same, told as by any other temporary file; for its place see sqlite.org/tempfiles.html, 5."""
    full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
    number = errno.ENOSPC if full else errno.EIO
    place = os.environ.get("SQLITE_TMPDIR") or os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108
    return OSError(number, os.strerror(number), place)
