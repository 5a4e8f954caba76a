"""A library that does not stay at its path while an import works in it, and its coming back."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from local_import.models import ImportItem

from .boundaries import Boundary, stand_still
from .flow import import_all, prepare
from .oracle import MARK
from .trial import Trials, _unhandled


class Harm:
    """Takes the library away from its path; `cure` is what a person does who is told of it.

    Where an import has begun a library of its own at the path by then, it is left there.
    """

    def __init__(self, library: Path) -> None:
        self.library, self.away = library, library.with_name("library-away")
        self.has_been_done = False

    def set_up(self) -> None:
        """Before the import."""

    def do(self) -> None:
        if self.is_possible():
            self.take_away()
            self.has_been_done = True

    def is_possible(self) -> bool:
        return self.library.exists()

    def take_away(self) -> None:
        os.rename(self.library, self.away)

    def cure(self) -> None:
        if self.has_been_done and not (self.library / MARK).exists():
            self.bring_back()

    def bring_back(self) -> None:
        os.rename(self.away, self.library)

    def clean_up(self) -> None:
        shutil.rmtree(self.away, ignore_errors=True)


class Renamed(Harm):
    """By somebody who tidies up."""


class Replaced(Harm):
    """By an empty directory."""

    def take_away(self) -> None:
        super().take_away()
        self.library.mkdir()

    def bring_back(self) -> None:
        self.library.rmdir()
        super().bring_back()


class Covered(Harm):
    """By a disk that is mounted over it."""

    def take_away(self) -> None:
        _run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(self.library))

    def bring_back(self) -> None:
        _run("umount", str(self.library))

    def clean_up(self) -> None:
        with suppress(subprocess.CalledProcessError):
            _run("umount", "-l", str(self.library))


class Detached(Harm):
    """By `umount -l`, which leaves it to those who have it open."""

    def set_up(self) -> None:
        self.library.mkdir(parents=True, exist_ok=True)
        os.rename(self.library, self.away)
        self.library.mkdir()
        self.bring_back()

    def take_away(self) -> None:
        _run("umount", "-l", str(self.library))

    def bring_back(self) -> None:
        _run("mount", "--bind", str(self.away), str(self.library))

    def clean_up(self) -> None:
        with suppress(subprocess.CalledProcessError):
            _run("umount", "-l", str(self.library))
        super().clean_up()


class YearMoved(Harm):
    """Only one directory in it is renamed; a person puts back what stood in it before.

    A duplicate that came meanwhile may have given the library a file back: then there are two.
    """

    def is_possible(self) -> bool:
        return (self.library / "2019").exists()

    def take_away(self) -> None:
        os.rename(self.library / "2019", self.library / "old")

    def cure(self) -> None:
        for path in (self.library / "old").rglob("*.jpg"):
            there = self.library / "2019" / path.relative_to(self.library / "old")
            there.parent.mkdir(parents=True, exist_ok=True)
            if not there.exists() or there.read_bytes() != path.read_bytes():
                os.link(path, there)  # nothing else may stand there
            path.unlink()


HARMS = (Renamed, Replaced, Covered, Detached, YearMoved)


def missing_for_mounts() -> str:
    """What is needed here to mount, in words; empty when it works."""
    if os.geteuid() != 0:
        return "mounting needs root"
    try:
        _run("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    except (OSError, subprocess.CalledProcessError) as error:
        return f"nothing can be mounted here: {error}"
    return ""


def displaced_at(trials: Trials, kind: type[Harm], at: Boundary) -> None:
    """The library goes away from its path at a boundary, and comes back when the import has ended."""
    where = f"{trials.place.scenario.name}, {kind.__name__} at {at.number} ({at.name})"
    prepare(trials.place)
    harm = kind(trials.place.library)
    try:
        harm.set_up()
        child = trials.child(lambda: import_all(trials.place), stand_still(at.number))
        if child.until_stopped():
            imported = _imported()
            harm.do()
            child.go_on()
        trials.blame(where, *_unhandled("the import", child.end()))
        if not harm.has_been_done:
            trials.missed += 1  # there was no library, or no year in it, by then
            return
        if not at.holds_lock:  # else the last look may have been before
            trials.blame(where, *_nowhere(trials, imported))
        harm.cure()
        trials.judge(where)
    finally:
        harm.clean_up()


def _imported() -> set[int]:
    return set(ImportItem.objects.filter(state="imported").values_list("pk", flat=True))


def _nowhere(trials: Trials, before: set[int]) -> list[str]:
    """What was imported since, and does not stand at its path."""
    items = ImportItem.objects.filter(state="imported").exclude(pk__in=before)
    return [
        f"{item} was imported as {item.media.path}, where nothing stands"
        for item in items.select_related("media")
        if not (trials.place.library / item.media.path).is_file()
    ]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
