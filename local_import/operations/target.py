"""What an operation is about, as a text that an address or a form can hold."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..audit_log_repository import row_id
from ..consistency.look import RULES
from ..errors import ErrorCode
from ..services.item_list import Wanted

MOST_ITEMS = 1_000  # that a target may name one by one
_NUMBERED = ("session", "item", "incident", "finding")
_DIGEST = re.compile("[0-9a-f]{16}")
_WORDS = {"rule": tuple(RULES), "check": ("rows", "files")}


class WrongTarget(ValueError):
    """The text names nothing that an operation could be about."""


@dataclass(frozen=True, slots=True)
class Target:
    """`session:4`, `session:4:damaged` (of its failures those with that code), `item:7`, `items:1,2`,
    `files:4:state=failed&path=below` (those of a session that the filters of its list find),
    `incident:3`, `quarantine:NAME`, `finding:3`, `rule:CODE`, `check:files` (everything, as deep), or
    `missing:40:DIGEST` (so many files of the library, as a finding names them)."""

    kind: str
    ids: tuple[int, ...] = ()
    # An error code, filters, the name of a file in the quarantine, a rule, or a depth.
    word: str = ""

    @property
    def pk(self) -> int:
        return self.ids[0]

    def __str__(self) -> str:
        numbers = ",".join(map(str, self.ids))
        return ":".join(part for part in (self.kind, numbers, self.word) if part)


def parse(text: str) -> Target:
    """Raises WrongTarget, also where the part after a colon is empty: it would mean everything."""
    kind, _colon, rest = text.partition(":")
    if kind == "quarantine" and rest:
        return Target(kind, word=rest)
    if rest in _WORDS.get(kind, ()):
        return Target(kind, word=rest)
    if kind == "items":
        return Target(kind, _numbers(rest, text))
    number, colon, code = rest.partition(":")
    if colon and not code:
        raise WrongTarget(text)
    if kind == "missing" and _DIGEST.fullmatch(code):
        return Target(kind, _numbers(number, text), code)
    if kind == "files":
        return Target(kind, _numbers(number, text), _filters(code, text))
    if kind not in _NUMBERED or (code and (kind != "session" or code not in ErrorCode.values)):
        raise WrongTarget(text)
    return Target(kind, _numbers(number, text), code)


def _filters(query: str, text: str) -> str:
    try:
        return str(Wanted.parse(query))
    except ValueError as error:
        raise WrongTarget(text) from error


def _numbers(rest: str, text: str) -> tuple[int, ...]:
    found = [row_id(part) for part in rest.split(",", MOST_ITEMS)]
    numbers = tuple(dict.fromkeys(number for number in found if number is not None))
    if None in found or len(found) > MOST_ITEMS or (len(numbers) > 1 and text[:6] != "items:"):
        raise WrongTarget(text)
    return numbers
