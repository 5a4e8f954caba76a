"""Trials of names that lead elsewhere: a source is swapped, or is the library under another name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from local_import.errors import ImportProblem
from tests.mounts import bound

from .boundaries import Act, Boundary, call, kill, nothing
from .flow import import_all, prepare, recover_all, sweep_and_work, undo_all
from .oracle import files, verify
from .place import Place, sha, write
from .trial import Trials, _judge_undo, _unhandled


@dataclass
class Swap:
    """The source is taken away, and something else gets its name."""

    place: Place
    kind: str

    @property
    def aside(self) -> Path:
        return self.place.source.with_name("aside")

    @property
    def private(self) -> Path:
        """Of somebody else: files of the same names, with other bytes."""
        return self.place.source.with_name("private")

    def prepare(self) -> None:
        for path in (self.aside, self.private):
            shutil.rmtree(path, ignore_errors=True)
        for name, content in self.place.contents.items():
            write(self.private / name, content + b"private")

    def make(self) -> None:
        source = self.place.source
        source.rename(self.aside)
        if self.kind == "another directory":
            self.private.rename(source)
        else:
            target = self.place.library if self.kind == "a link to the library" else self.private
            source.symlink_to(target)

    def put_back(self) -> None:
        source = self.place.source
        if not self.aside.exists():
            return
        if source.is_symlink():
            source.unlink()
        else:
            source.rename(self.private)
        self.aside.rename(source)

    def violations(self) -> list[str]:
        """Of what is not the source: nothing of it may have gone or come."""
        here = self.private if self.private.exists() else self.place.source
        wanted = {name: sha(c + b"private") for name, c in self.place.contents.items()}
        return [] if files(here) == wanted else [f"the private directory holds {files(here)}"]


SWAPS = ("a link to a directory", "a link to the library", "another directory")


def swapped_at(trials: Trials, at: Boundary, kind: str) -> None:
    """The source is swapped at one boundary of an import, and stands there again after a sweep."""
    where = f"{trials.place.scenario.name}, {kind} at {at.number} ({at.name})"
    swap = Swap(trials.place, kind)
    prepare(trials.place)
    swap.prepare()
    _work_swapped(trials, swap, lambda: import_all(trials.place), at, where)
    trials.judge(where)


def undo_swapped_at(trials: Trials, at: Boundary, kind: str) -> None:
    """The same at a boundary of an undo."""
    where = f"{trials.place.scenario.name}, undo, {kind} at {at.number} ({at.name})"
    swap = Swap(trials.place, kind)
    trials.points += 1
    trials.import_with()
    swap.prepare()
    _work_swapped(trials, swap, lambda: _undo(trials.place), at, where)
    _judge_undo(trials, where)


def _undo(place: Place) -> None:
    """Where the source is not at its path any more, the rest of an undo is refused."""
    with suppress(ImportProblem):
        undo_all(place)


def _work_swapped(
    trials: Trials, swap: Swap, work: Callable[[], None], at: Boundary, where: str
) -> None:
    ending = trials.child(work, call(at.number, swap.make)).end()
    trials.blame(where, *_unhandled("the work", ending))
    trials.blame(where, *_unhandled("the sweep", trials.child(sweep_and_work).end()))
    trials.blame(where, *swap.violations())
    swap.put_back()


ALIASES = ("", "2019", "2019/01/02", "hard links")


def alias_at(trials: Trials, alias: str, at: Boundary | None) -> None:
    """The database is lost, and the library or a part of it imported again under another name, by a
    process that is killed at a boundary. Whatever happens, each of its files stays where it is."""
    place = trials.place
    name = alias or "the library"
    where = f"{place.scenario.name}, {name} elsewhere, killed at {at.number if at else 'none'}"
    trials.points += 1
    before = _lost(place)
    with _aliased(place, alias):
        import_alias(trials, kill(at.number) if at else nothing)
        trials.blame(where, *_unhandled("the sweep", trials.child(sweep_and_work).end()))
        trials.blame(
            where, *_unhandled("the recovery", trials.child(lambda: recover_all(place)).end())
        )
        trials.blame(where, *verify(place))
    after = files(place.library)
    trials.blame(where, *(f"{path} is not there any more" for path in before.keys() - after.keys()))


def boundaries_of_alias(trials: Trials, alias: str) -> list[Boundary]:
    _lost(trials.place)
    with _aliased(trials.place, alias):
        return import_alias(trials, nothing)


def import_alias(trials: Trials, act: Act) -> list[Boundary]:
    return trials.child(lambda: import_all(trials.place), act).end().result or []


def _lost(place: Place) -> dict[str, str]:
    """A library whose database is lost; returns what it holds."""
    prepare(place)
    import_all(place)
    place.forget()
    shutil.rmtree(place.source, ignore_errors=True)
    found = {p: one for p, one in files(place.library).items() if p.endswith(".jpg")}
    place.contents, place.kept = {}, set(found.values())
    return found


@contextmanager
def _aliased(place: Place, alias: str) -> Iterator[None]:
    if alias != "hard links":
        with bound(place.library / alias, place.source):
            yield
        place.source.rmdir()
        return
    place.source.mkdir()
    for number, path in enumerate(sorted(place.library.rglob("*.jpg"))):
        os.link(path, place.source / f"{number}.jpg")
    yield
