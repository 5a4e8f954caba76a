"""What people write behind a command: a number, a sentence, a span of time. Each says what is wrong.

None may be empty: that is what a shell leaves of a variable that is not set, and nobody who writes one
means "everything", "this directory" or "no reason".
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import timedelta

from .. import names
from ..audit_log_repository import row_id

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3650)


def row_number(text: str) -> int:
    """The number of a row. Raises argparse.ArgumentTypeError for what no row can have."""
    found = row_id(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{names.legible(text[:40])!r} is no number of a row")
    return found


def up_to(most: int) -> Callable[[str], int]:
    """A number from 1 to `most`. Raises argparse.ArgumentTypeError for any other."""

    def read(text: str) -> int:
        found = row_id(text) or 0
        if not 1 <= found <= most:
            raise argparse.ArgumentTypeError(f"write a number from 1 to {most}")
        return found

    return read


def filled(text: str) -> str:
    """Raises argparse.ArgumentTypeError for an empty text."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; is a variable of the shell not set?")
    return text


def sentence(text: str) -> str:
    """A text that a database holds and a screen shows, whatever bytes the shell sent.

    Raises argparse.ArgumentTypeError for an empty one.
    """
    return names.legible(filled(text))


def add_reason(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--reason", type=sentence, default=default, help="why, for the audit log (a sentence)"
    )


def span(text: str) -> timedelta:
    """A span such as 90s, 15m, 24h or 7d.

    Raises argparse.ArgumentTypeError for what is none, or longer than ten years.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,7})([smhd])", text.strip())
    whole = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if whole is None or whole > LONGEST:
        raise argparse.ArgumentTypeError("write a number and a unit, as 90s, 15m, 24h or 7d")
    return whole
