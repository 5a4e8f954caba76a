"""What a look at a file's bytes yields."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..sayings import Seen


class Bytes(Protocol):
    """Random access to the bytes of a file that somebody else opened."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Fewer bytes at the end of the file, none past it."""


class Exif(NamedTuple):
    """The EXIF fields the desk uses, as text; empty when absent or unreadable."""

    make: str = ""
    model: str = ""
    date_time_original: str = ""
    create_date: str = ""  # DateTimeDigitized
    modify_date: str = ""  # DateTime
    offset_time_original: str = ""
    offset_time_digitized: str = ""
    offset_time: str = ""
    sub_sec_time_original: str = ""
    sub_sec_time_digitized: str = ""
    sub_sec_time: str = ""
    orientation: int | None = None


NO_EXIF = Exif()

# What the columns of the catalogue take, on every database: the readers meet larger numbers.
MAX_PIXELS = 2**31 - 1
MAX_TEXT = 200
ORIENTATIONS = range(1, 9)  # source: EXIF 2.32, section 4.6.4


class Inspection(NamedTuple):
    kind: str
    description: str  # for people
    extension: str = ""  # without a dot; empty when the kind cannot be imported
    width: int | None = None
    height: int | None = None
    exif: Exif = NO_EXIF
    damage: str = ""  # a sentence; empty when the structure is whole

    @property
    def supported(self) -> bool:
        return bool(self.extension)


def bounded(found: Inspection) -> Inspection:
    """The same with every number and text that the catalogue takes; one out of bounds is not known."""
    return found._replace(
        width=_pixels(found.width), height=_pixels(found.height), exif=_bounded(found.exif)
    )


def _pixels(number: int | None) -> int | None:
    return number if number and 0 < number <= MAX_PIXELS else None


def _bounded(exif: Exif) -> Exif:
    if exif is NO_EXIF:
        return exif
    texts = {
        name: printable(text) for name, text in exif._asdict().items() if name != "orientation"
    }
    known = exif.orientation if exif.orientation in ORIENTATIONS else None
    return Exif(**texts, orientation=known)


def printable(text: str) -> str:
    """Without what no database or screen takes (NUL, halves of surrogate pairs), and not too long."""
    if not text.isprintable():
        text = "".join(filter(str.isprintable, text))
    return text[:MAX_TEXT]


class Damaged(Exception):
    """The structure ends or contradicts itself, as the sentence tells."""

    def __init__(self, sentence: Seen) -> None:
        super().__init__(sentence)
        self.sentence = sentence
