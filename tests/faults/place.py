"""The place of an experiment: a source, a library and the bytes that must survive."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import transaction

from local_import.guards import open_gate
from local_import.models import AuditLog, ImportItem, ImportSession, Incident, Media, Worker
from tests.photos import jpeg

TABLES = (
    *(AuditLog, ImportItem, Incident.sessions.through),
    *(ImportSession, Incident, Media),
)
PHOTOS = {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "sub/same.jpg": jpeg(1)}
FOREIGN = b"somebody's only copy, not listed in any database"


def sha(content: bytes) -> str:
    return sha256(content).hexdigest()


def place_of(content: bytes) -> str:
    """Where the import wants to put one of PHOTOS."""
    return f"2019/01/02/20190102_030405_local_{sha(content)[:8]}.jpg"


@dataclass(frozen=True)
class Scenario:
    """One way in which files travel."""

    name: str
    mode: str
    across: bool = False  # source and library are on two filesystems
    known: bool = False  # the library has one of the photos from an earlier session
    taken: bool = False  # a foreign file stands where one of the photos is to go
    alone: bool = False  # there is only one photo


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("copy on one disk", "copy"),
        Scenario("copy across disks", "copy", across=True),
        Scenario("move on one disk", "move"),
        Scenario("move across disks", "move", across=True),
        Scenario("duplicate, copy", "copy", known=True),
        Scenario("duplicate, move", "move", known=True),
        Scenario("place taken, copy", "copy", taken=True),
        Scenario("place taken, move", "move", taken=True),
    )
}
ALONE = Scenario("one photo, copy", "copy", alone=True)


@dataclass
class Place:
    """`near` holds the library; `far` is a directory on another filesystem."""

    near: Path
    far: Path
    scenario: Scenario
    contents: dict[str, bytes] = field(default_factory=dict)  # of the source, by name
    kept: set[str] = field(default_factory=set)  # SHA-256 of other bytes that must survive

    @property
    def library(self) -> Path:
        return self.near / "library"

    @property
    def source(self) -> Path:
        return (self.far if self.scenario.across else self.near) / "inbox"

    @property
    def earlier(self) -> Path:
        return self.near / "earlier"

    @property
    def edited(self) -> Path:
        """Stands where a child tells its parent that it has replaced a photo."""
        return self.near / "edited"

    @property
    def must_survive(self) -> set[str]:
        return {sha(content) for content in self.contents.values()} | self.kept

    def clean(self) -> None:
        """An empty database and a full source."""
        settings.PHOTONEST_LIBRARY = self.library
        self.forget()
        for path in (self.library, self.source, self.earlier):
            shutil.rmtree(path, ignore_errors=True)
        self.edited.unlink(missing_ok=True)
        self.contents, self.kept = dict(PHOTOS), set()
        if self.scenario.alone:
            self.contents = {"b.jpg": PHOTOS["b.jpg"]}
        self._fill()

    def forget(self) -> None:
        """The database is lost, and what the disks hold stays."""
        with transaction.atomic(), open_gate("clean"):
            for table in (Worker, *TABLES):
                table.objects.all()._raw_delete("default")  # the audit log refuses all other ways

    def _fill(self) -> None:
        for name, content in self.contents.items():
            write(self.source / name, content)
        if self.scenario.known:
            write(self.earlier / "was.jpg", PHOTOS["b.jpg"])
        if self.scenario.taken:
            write(self.library / place_of(PHOTOS["a.jpg"]), FOREIGN)
            self.kept.add(sha(FOREIGN))

    def replace(self, name: str, content: bytes) -> bool:
        """Somebody saves other bytes under the name, by rename; False when it is gone by now."""
        if not (self.source / name).exists():
            return False
        write(self.source / ".new", content)
        os.rename(self.source / ".new", self.source / name)
        self.edited.touch()
        return True


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
