"""A JSON object piece by piece, so that a list of a million entries needs no room."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..fsops import Spool


def pieces(report: Mapping[str, Any]) -> Iterator[str]:
    """The object with its keys as text. Values that are iterators or spools become its last lists, one entry
    to a line, of which one is held at a time."""
    lists = {name: value for name, value in report.items() if isinstance(value, Iterator | Spool)}
    head = json.dumps({k: v for k, v in report.items() if k not in lists}, indent=2)
    yield head.removesuffix("\n}")
    for name, rows in lists.items():
        yield f",\n  {json.dumps(name)}: ["
        yield from _listed(rows)
        yield "]"
    yield "\n}\n"


def _listed(rows: Iterable[Any]) -> Iterator[str]:
    comma = ""
    for row in rows:
        yield f"{comma}\n    {json.dumps(row)}"
        comma = ","
    if comma:
        yield "\n  "
