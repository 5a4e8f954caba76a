"""The words of a filter: what their values may be, and what they stand for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from .. import names
from ..audit_log_repository import row_id

LONGEST = 500  # characters of a value
SHOWN = 40  # characters of a wrong one that are repeated
_AGO = re.compile(r"(\d{1,5})(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class WrongFilter(ValueError):
    """Says in a sentence what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class Word:
    """`read` makes of a value what a query compares with; it raises WrongFilter."""

    read: Callable[[str], Any]
    example: str
    values: tuple[str, ...] = ()  # all that there are, where that can be said


def choice(values: Iterable[str]) -> Word:
    known = tuple(values)

    def read(text: str) -> str:
        if text not in known:
            told = {"value": shortened(text), "known": ", ".join(known)}
            raise WrongFilter(_("There is no “%(value)s” here. Known: %(known)s.") % told)
        return text

    return Word(read, known[0], known)


def number(example: str = "42") -> Word:
    def read(text: str) -> int:
        found = row_id(text)
        if found is None:
            raise WrongFilter(_("“%(value)s” is no number.") % {"value": shortened(text)})
        return found

    return Word(read, example)


def exact(example: str) -> Word:
    return Word(_fitting, example)


def prefix(example: str) -> Word:
    """How a text begins; a * at its end says the same."""
    return Word(lambda text: _fitting(text.removesuffix("*")), example)


def json_value(example: str) -> Word:
    """A value inside JSON. 5 may be the number or the text, so both are looked for."""
    return Word(_alternatives, example)


def _alternatives(text: str) -> tuple[str | float | bool | None, ...]:
    fitting = _fitting(text)
    try:
        found = json.loads(fitting)
        is_plain = found is None or (isinstance(found, int | float) and math.isfinite(found))
    except (ValueError, OverflowError, RecursionError):
        return (fitting,)
    return (fitting, found) if is_plain else (fitting,)


def _fitting(text: str) -> str:
    if not text or len(text) > LONGEST or "\0" in text:
        told = {"longest": LONGEST}
        raise WrongFilter(_("A value has from 1 to %(longest)d characters.") % told)
    return text


def moment(example: str = "3h") -> Word:
    """So long ago (30m, 3h, 2d, 1w), or a time as in 2026-11-25T04:00, in the viewer's zone."""
    return Word(_read_moment, example)


def _read_moment(text: str) -> datetime:
    if ago := _AGO.fullmatch(text):
        return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = parse_datetime(text if "T" in text else f"{text}T00:00")
        if found is not None:
            return timezone.make_aware(found) if timezone.is_naive(found) else found
    except (ValueError, OverflowError):
        pass
    told = {"value": shortened(text)}
    raise WrongFilter(
        _("“%(value)s” is no time. Write 30m, 3h, 2d, 1w or 2026-11-25T04:00.") % told
    )


def shortened(text: str) -> str:
    """What somebody wrote, safe and short enough to be repeated."""
    return names.legible(text[:SHOWN]) + ("…" if len(text) > SHOWN else "")
