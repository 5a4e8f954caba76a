"""Foreign writers: another program has a photo of the source open while it is imported.

The photo is whole without what the program writes at its end, as that of a motion photo is, so that
nothing in the bytes themselves says that more is to come.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable

from local_import.consistency import look
from local_import.consistency.rule import Depth
from local_import.models import Media

from .boundaries import Act, Boundary
from .flow import import_all, prepare
from .oracle import files
from .place import PHOTOS, sha
from .trial import Trials, _unhandled

NAME, END = "b.jpg", b"the rest of the motion photo"
STRANGER = 65534  # to whom the photo belongs
WHOLE = sha(PHOTOS[NAME] + END)
_CAP_LEASE = 28  # Source: linux/capability.h
_VERSION = 0x20080522  # Source: capget(2), _LINUX_CAPABILITY_VERSION_3


def without_leases() -> None:
    """From now on this process may take a lease on its own files only, as another user may."""
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = struct.pack("Ii", _VERSION, 0), ctypes.create_string_buffer(24)
    assert libc.capget(header, sets) == 0
    words = list(struct.unpack("6I", sets.raw))
    words[0] &= ~(1 << _CAP_LEASE)  # effective
    words[1] &= ~(1 << _CAP_LEASE)  # permitted
    assert libc.capset(header, struct.pack("6I", *words)) == 0


def opened_at(trials: Trials, at: Boundary, prelude: Callable[[], None]) -> None:
    """A program opens the photo at a boundary, and writes its end when the import is over."""
    held: list[int] = []

    def open_it(here: Boundary) -> None:
        if here.number == at.number and (trials.place.source / NAME).exists():
            held.append(_opened(trials))

    def work() -> None:
        prelude()
        import_all(trials.place)
        for descriptor in held:
            _finish(trials, descriptor)

    _judge(trials, f"opened at {at.number} ({at.name})", work, open_it)


def written_at(trials: Trials, at: Boundary, prelude: Callable[[], None]) -> None:
    """A program has the photo open from the beginning, and writes its end at a boundary."""
    held: list[int] = []

    def write_it(here: Boundary) -> None:
        if here.number == at.number:
            _finish(trials, held[0])

    def work() -> None:
        prelude()
        held.append(_opened(trials))
        import_all(trials.place)

    _judge(trials, f"written at {at.number} ({at.name})", work, write_it)


def _opened(trials: Trials) -> int:
    return os.open(trials.place.source / NAME, os.O_WRONLY | os.O_APPEND)


def _finish(trials: Trials, descriptor: int) -> None:
    os.write(descriptor, END)
    os.close(descriptor)
    trials.place.edited.touch()


def _judge(trials: Trials, where: str, work: Callable[[], None], act: Act) -> None:
    trials.points += 1
    where = f"{trials.place.scenario.name}, {where}"
    prepare(trials.place)
    os.chown(trials.place.source / NAME, STRANGER, STRANGER)
    trials.blame(where, *_unhandled("the import", trials.child(work, act).end()))
    trials.blame(where, *_lies(trials))
    trials.blame(where, *_unhandled("the recovery", trials.recover()))
    trials.blame(where, *_lies(trials))


def _lies(trials: Trials) -> list[str]:
    """Unless the photo as it was written is whole somewhere, and each row that is not true is found."""
    place = trials.place
    library, source = files(place.library), files(place.source)
    due = WHOLE if place.edited.exists() else sha(PHOTOS[NAME])
    found = [] if due in {*library.values(), *source.values()} else ["its bytes are whole nowhere"]
    wrong = {str(row.pk) for row in Media.objects.all() if library.get(row.path) != row.sha256}
    told = {one.key for one in look.take(depth=Depth.CONTENTS).suspects if "media" in one.rule}
    return found + [f"media {pk} is not true, and no finding says so" for pk in wrong - told]
