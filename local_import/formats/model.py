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


class Damaged(Exception):
    """The structure ends or contradicts itself, as the sentence tells."""

    def __init__(self, sentence: Seen) -> None:
        super().__init__(sentence)
        self.sentence = sentence
