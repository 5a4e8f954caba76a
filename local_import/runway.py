"""The runway: how long the disk of the library will last at the pace of the last week."""

from __future__ import annotations

from datetime import datetime, timedelta

from .metrics import Measure, sums

WEEK = timedelta(days=7)


def days_left(free_bytes: int, now: datetime) -> float | None:
    """None when nothing was imported in the last week."""
    lately = sums(Measure.FILE, "code", since=now - WEEK)
    imported = sum(row["size"] for row in lately if row["code"] == "")
    return free_bytes / (imported / WEEK.days) if imported else None
