"""What is known of a file as a photo: from the catalogue, or else read from the file itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext

from .. import capture_time, formats
from ..bounded import within
from ..capture_time import CaptureTime
from ..formats import Inspection
from ..fsops import Source
from ..models import ImportItem, Media
from ..states import ItemState
from .pictures import LOOK_S, Unreachable, picture_of_item


@dataclass(frozen=True, slots=True)
class Facts:
    """Empty where nothing is known."""

    kind: str = ""
    width: int | None = None
    height: int | None = None
    wall: datetime | None = None  # what the clock on the wall showed at capture, without a zone
    offset_minutes: int | None = None
    time_source: str = ""
    confidence: str = ""
    camera: str = ""
    size_bytes: int | None = None  # of the file as it stands now; None when it cannot be looked at
    is_recorded: bool = False  # in the catalogue
    trouble: str = ""  # an error code: why the file cannot be looked at

    @property
    def offset(self) -> str:
        """As in +09:00."""
        if self.offset_minutes is None:
            return ""
        sign = "-" if self.offset_minutes < 0 else "+"
        return "{}{:02}:{:02}".format(sign, *divmod(abs(self.offset_minutes), 60))

    @property
    def megapixels(self) -> float:
        return (self.width or 0) * (self.height or 0) / 1e6


def facts_of(item: ImportItem) -> Facts:
    """With its session and media loaded. Waits for a disk no longer than a moment."""
    if item.state == ItemState.IMPORTED and item.media is not None:
        return recorded(item.media)
    try:
        with picture_of_item(item).opened() as source:
            return within(LOOK_S, lambda: _seen(item, source))
    except Unreachable as problem:
        return Facts(trouble=problem.code)
    except (OSError, TimeoutError):
        return Facts(trouble="io_error")


def recorded(media: Media) -> Facts:
    return Facts(
        media.kind,
        media.width,
        media.height,
        media.captured_wall,
        media.captured_offset_minutes,
        media.captured_source,
        media.captured_confidence,
        f"{media.camera_make} {media.camera_model}".strip(),
        media.size_bytes,
        is_recorded=True,
    )


def _seen(item: ImportItem, source: Source) -> Facts:
    """By the rules of an import; nothing is decoded."""
    found = formats.inspect(source)
    if not found.supported:
        return Facts(gettext(found.description), size_bytes=source.size)
    taken = _taken(item, source, found)
    return Facts(
        found.kind,
        found.width,
        found.height,
        taken.wall,
        taken.offset_minutes,
        taken.source,
        taken.confidence,
        f"{found.exif.make} {found.exif.model}".strip(),
        source.size,
    )


def _taken(item: ImportItem, source: Source, found: Inspection) -> CaptureTime:
    name = os.path.basename(bytes(item.path)).decode("utf-8", "replace")
    zone = ZoneInfo(settings.TIME_ZONE)
    mtime_ns = source.fingerprint.mtime_ns
    return capture_time.decide(found.exif, name, mtime_ns, zone, datetime.now(UTC))
