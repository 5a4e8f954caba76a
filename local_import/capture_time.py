"""When a photo was taken, where that is known from, and how sure it is.

The rule: the first believable of EXIF DateTimeOriginal, DateTimeDigitized and DateTime, then a time
in the file's name, then the file's modification time. A time is taken as the clock on the wall
showed it; an offset that stands with it places it on the earth, otherwise the operator's time zone
does. The wall-clock time forms the path in the library, so a photo taken at half past eleven in the
evening lies under that day wherever it was taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from .formats import Exif

EARLIEST_YEAR = 1826  # the oldest photograph there is
LATEST_YEAR = MAXYEAR - 1  # later, an offset leads out of what a datetime takes
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXIF = re.compile(r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)[ T](\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)$", re.ASCII)
_NAME = re.compile(
    r"(?<!\d)(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)[-_ T.]{1,3}(\d\d)[-_.:]?(\d\d)[-_.:]?(\d\d)(?:\d{3})?(?!\d)",
    re.ASCII,
)
_DATE = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)", re.ASCII)


class CaptureTime(NamedTuple):
    at: datetime  # UTC
    offset_minutes: int  # of the wall clock at capture: wall = at + offset
    source: str  # exif_original, exif_digitized, exif_modified, file_name or file_time
    confidence: str  # certain, likely or guess

    @property
    def wall(self) -> datetime:
        """The time that the clock on the wall showed, without a zone."""
        return (self.at + timedelta(minutes=self.offset_minutes)).replace(tzinfo=None)


def decide(exif: Exif, file_name: str, mtime_ns: int, zone: tzinfo, now: datetime) -> CaptureTime:
    """`file_name` without directories; `zone` is assumed where nothing else is known."""
    latest = now + timedelta(days=1)
    for found in _candidates(exif, file_name, zone):
        if found.at <= latest:
            return found
    return _from_file_time(mtime_ns, zone)


def _candidates(exif: Exif, file_name: str, zone: tzinfo) -> Iterator[CaptureTime]:
    for text, offset, fraction, source in (
        (
            exif.date_time_original,
            exif.offset_time_original,
            exif.sub_sec_time_original,
            "exif_original",
        ),
        (
            exif.create_date,
            exif.offset_time_digitized,
            exif.sub_sec_time_digitized,
            "exif_digitized",
        ),
        (exif.modify_date, exif.offset_time, exif.sub_sec_time, "exif_modified"),
    ):
        wall = _wall(_EXIF.match(text)) if text else None
        if wall is not None:
            yield _placed(_with_fraction(wall, fraction), offset, zone, source)
    yield from _from_name(file_name, zone)


def _wall(found: re.Match[str] | None) -> datetime | None:
    return _moment(*map(int, found.groups())) if found else None


def _moment(year: int, *more: int) -> datetime | None:
    """None where there is no such moment, or no photo can be of it."""
    if not EARLIEST_YEAR <= year <= LATEST_YEAR:
        return None
    try:
        return datetime(year, *more)  # type: ignore[arg-type]
    except ValueError:
        return None


def _with_fraction(wall: datetime, fraction: str) -> datetime:
    digits = fraction[:6]
    if not (digits.isascii() and digits.isdigit()):
        return wall
    return wall.replace(microsecond=int(digits.ljust(6, "0")))


def _placed(wall: datetime, offset: str, zone: tzinfo, source: str) -> CaptureTime:
    """With its own offset a time is certain; otherwise the zone is assumed."""
    minutes = _minutes(offset)
    if minutes is not None:
        at = (wall.replace(tzinfo=UTC)) - timedelta(minutes=minutes)
        return CaptureTime(at, minutes, source, "certain")
    return _assumed(wall, zone, source, "likely")


def _minutes(offset: str) -> int | None:
    found = _OFFSET.match(offset.strip())
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    if minutes > 14 * 60 or int(found[3]) > 59:
        return None
    return -minutes if found[1] == "-" else minutes


def _assumed(wall: datetime, zone: tzinfo, source: str, confidence: str) -> CaptureTime:
    offset = wall.replace(tzinfo=zone).utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    at = wall.replace(tzinfo=UTC) - timedelta(minutes=minutes)
    return CaptureTime(at, minutes, source, confidence)


def _from_name(file_name: str, zone: tzinfo) -> Iterator[CaptureTime]:
    wall = _wall(_NAME.search(file_name))
    if wall is not None and file_name.startswith("PXL_"):
        # Pixel phones name their files in UTC.
        local = wall.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        yield _assumed(local, zone, "file_name", "likely")
    elif wall is not None:
        yield _assumed(wall, zone, "file_name", "likely")
    found = _DATE.search(file_name)
    noon = _moment(*map(int, found.groups()), 12) if found else None
    if noon is not None:
        yield _assumed(noon, zone, "file_name", "guess")


def _from_file_time(mtime_ns: int, zone: tzinfo) -> CaptureTime:
    """Of a time that no datetime takes, in this zone, the beginning of Unix time."""
    try:
        at = _EPOCH + timedelta(microseconds=mtime_ns // 1000)
        return _assumed(at.astimezone(zone).replace(tzinfo=None), zone, "file_time", "guess")
    except OverflowError:
        return _from_file_time(0, zone)
