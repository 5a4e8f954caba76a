"""A span of time as people write it: 90s, 15m, 24h, 7d."""

from __future__ import annotations

import argparse
import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=3650)


def span(text: str) -> timedelta:
    """Raises argparse.ArgumentTypeError for what is no span, or longer than ten years."""
    found = re.fullmatch(r"([1-9][0-9]{0,7})([smhd])", text.strip())
    whole = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if whole is None or whole > LONGEST:
        raise argparse.ArgumentTypeError("write a number and a unit, as 90s, 15m, 24h or 7d")
    return whole
