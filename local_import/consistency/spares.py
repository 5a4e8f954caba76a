"""Files of the library that no media names, by their size: where bytes that a media misses may be.

Each is listed once for all repairs of a run. What has moved on since is found out when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from .. import fsops, names
from ..fsops import Tree
from . import quarantine
from .rule import Look
from .strays import unknown

CHUNK = 500
BySize = Mapping[int, list[bytes]]


def unlisted(look: Look) -> BySize:
    assert look.library
    if "unlisted" not in look.spares:
        look.spares["unlisted"] = _by_size(_unlisted(look.library))
    return look.spares["unlisted"]


def quarantined(look: Look) -> BySize:
    assert look.library
    if "quarantine" not in look.spares:
        held = quarantine.held(look.library)
        look.spares["quarantine"] = _by_size((one.path, one.size_bytes) for one in held)
    return look.spares["quarantine"]


def _unlisted(library: Tree) -> Iterator[tuple[bytes, int]]:
    files = (e for e in fsops.walk(library) if e.kind == "file" and names.is_media_place(e.path))
    while entries := list(islice(files, CHUNK)):
        nobodys = unknown(entries)
        yield from ((e.path, e.size_bytes) for e in entries if e.path in nobodys)


def _by_size(files: Iterable[tuple[bytes, int]]) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for path, size_bytes in files:
        found.setdefault(size_bytes, []).append(path)
    return found
