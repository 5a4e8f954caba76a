"""The deep check in portions: each night reads whatever was not read for longest.

Where it stopped is written with each media, so that it may end or be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import F, Q, Sum

from ..models import Media
from ..transactions import database_now
from . import breaker
from .media import find_by_content
from .rule import Look, Suspect

PASS = timedelta(days=30)  # every file is read once within
SMALLEST = 10 * 1024**3  # bytes of a night, however small the library is
CHUNK = 100  # files whose reading is written down together


@dataclass(slots=True)
class Reading:
    """What a portion read; which of it holds other bytes than it should, and which nobody could read."""

    files: int
    size_bytes: int
    wrong: list[Suspect]
    unread: list[Suspect]


def read_on(should_stop: Callable[[], bool] = lambda: False, budget: int | None = None) -> Reading:
    """Read up to `budget` bytes of files; by default so many that a pass ends in time."""
    done = Reading(0, 0, [], [])
    left = _portion() if budget is None else budget
    skipped: list[int] = []  # not verified, and so still the next
    with breaker.library_to_look_at() as library:
        look = Look(database_now(), library)
        while library and left > done.size_bytes and len(skipped) < breaker.MOST:
            chunk = _next(look, skipped)
            if not chunk or should_stop():
                break
            skipped += _read(look, chunk, done)
    return done


def _portion() -> int:
    total = Media.objects.aggregate(total=Sum("size_bytes"))["total"] or 0
    return max(total // PASS.days, SMALLEST)


def _next(look: Look, skipped: list[int]) -> dict[int, int]:
    """Ids and sizes of the files that were not read for longest, and not since the look began."""
    unread = Q(verified_at__isnull=True) | Q(verified_at__lt=look.now)
    rows = Media.objects.filter(unread).exclude(pk__in=skipped)
    rows = rows.order_by(F("verified_at").asc(nulls_first=True), "pk")
    return dict(rows.values_list("pk", "size_bytes")[:CHUNK])


def _read(look: Look, chunk: dict[int, int], done: Reading) -> list[int]:
    """Returns the ids of what was not verified."""
    keys = [str(pk) for pk in chunk]
    wrong = list(find_by_content(look, keys))
    judged = {int(suspect.key) for suspect in wrong}
    if look.library is None or not breaker.is_in_place(look.library):
        return sorted(chunk)
    verified = [pk for pk in chunk if pk not in judged]
    Media.objects.filter(pk__in=verified).update(verified_at=database_now())
    done.wrong += [suspect for suspect in wrong if suspect.rule == "media_content"]
    done.unread += [suspect for suspect in wrong if suspect.rule in breaker.UNREADABLE]
    done.files += len(chunk)
    done.size_bytes += sum(chunk.values())
    return sorted(judged)
