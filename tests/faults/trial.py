"""A trial: one import with one fault, and the judgement of what it left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from errno import EIO
from errno import errorcode as code
from typing import Any

import pytest

from local_import.models import ImportItem, ImportSession
from local_import.pipeline import analyse as analysing
from local_import.pipeline import claim as claiming
from local_import.pipeline import lease as leasing
from local_import.pipeline import runner
from tests.photos import jpeg

from . import outside
from .boundaries import (
    Act,
    Boundaries,
    Boundary,
    call,
    cut_connection,
    fail,
    kill,
    nothing,
    stand_still,
    stop,
)
from .child import Child, Ending
from .faulty import fail_to_read, flip_a_bit, let_every_sync_succeed, set_clock_back
from .flow import (
    import_all,
    import_earlier,
    prepare,
    recover_all,
    recover_items,
    sweep_and_work,
    undo_all,
)
from .oracle import dump, verify, verify_end, verify_undone
from .outside import Disk, Memory
from .place import PHOTOS, Place, sha, write

EDITED = jpeg(3)
END = 10_000  # the number of a boundary that is never reached

Found = list[str]


def as_it_is() -> None:
    """The product without a mutation."""


@dataclass
class Trials:
    """Counts the trials of one kind and keeps the violations that they found."""

    place: Place
    mutate: Callable[[], Any] = as_it_is  # spoils the product, in children only
    points: int = 0
    missed: int = 0  # of them, the fault did not come to pass
    violations: Found = field(default_factory=list)

    def child(self, work: Callable[[], Any], act: Act = nothing) -> Child:
        return Child(lambda: self._spoiled(work, act))

    def _spoiled(self, work: Callable[[], Any], act: Act) -> list[Boundary]:
        analysing.FIRST_RETRY_S = 0.0  # what is to be tried again need not wait here
        self.mutate()
        watched = Boundaries(act).watch()
        work()
        return watched.passed

    def import_with(self, act: Act = nothing) -> Ending:
        """Import in a clean place, in a child, with a fault."""
        prepare(self.place)
        return self.child(lambda: import_all(self.place), act).end()

    def recover(self) -> Ending:
        return self.child(lambda: recover_all(self.place)).end()

    def boundaries(self) -> list[Boundary]:
        """All boundaries of an import in which nothing fails."""
        ending = self.import_with()
        if ending.error:
            self.violations.append(f"without any fault: {ending.error}")
        return ending.result or []

    def judge(self, where: str, *, removable: bool = True, edited: bool = False) -> None:
        """The laws hold at once, one recovery leads to the end, and a second changes nothing."""
        self.points += 1
        found = verify(self.place, removable=removable)
        found += self.judge_recovery(removable, edited)
        self.blame(where, *found)

    def judge_recovery(self, removable: bool, edited: bool) -> Found:
        found = _unhandled("the sweep", self.child(sweep_and_work).end())
        found += [f"after the sweep {text}" for text in verify(self.place, removable=removable)]
        found += _unhandled("the recovery", self.recover())
        found += verify_end(self.place, edited=edited)
        before = dump(self.place)
        found += _unhandled("the second recovery", self.recover())
        return found + _changes(before, dump(self.place))

    def assert_clean(self) -> None:
        assert self.points > 0, self.violations
        if self.violations:
            text = "\n".join(self.violations)
            pytest.fail(f"{len(self.violations)} violations:\n{text}", pytrace=False)

    def blame(self, where: str, *found: str) -> None:
        self.violations += [f"{where}: {text}" for text in found]


def _unhandled(name: str, ending: Ending) -> Found:
    if ending.killed:
        return [f"{name} was killed"]
    return [f"{name} ended by an exception: {ending.error}"] if ending.error else []


def _changes(before: dict[str, Any], after: dict[str, Any]) -> Found:
    return [
        f"a second recovery changed {name}: {before[name]} -> {after[name]}"
        for name in before
        if before[name] != after[name]
    ]


def undisturbed(trials: Trials) -> None:
    """No fault at all."""
    trials.import_with()
    trials.judge(f"{trials.place.scenario.name}, undisturbed")


def killed_at(trials: Trials, at: Boundary) -> None:
    """SIGKILL at one boundary."""
    where = f"{trials.place.scenario.name}, killed at {at.number} ({at.name})"
    ending = trials.import_with(kill(at.number))
    if not ending.killed:
        trials.blame(where, f"the boundary was not reached: {ending.error}")
    trials.judge(where)


def killed_twice(trials: Trials, at: Boundary, again: int) -> None:
    """SIGKILL at one boundary, and of the sweep that recovers from it at another."""
    where = f"{trials.place.scenario.name}, killed at {at.number} ({at.name}), the sweep at {again}"
    trials.import_with(kill(at.number))
    trials.child(sweep_and_work, kill(again)).end()
    trials.judge(where)


def undo_killed_at(trials: Trials, at: Boundary) -> None:
    """SIGKILL at one boundary of an undo; the sweep goes on with it, if it had been written down."""
    where = f"{trials.place.scenario.name}, undo killed at {at.number} ({at.name})"
    trials.points += 1
    trials.import_with()
    if not trials.child(lambda: undo_all(trials.place), kill(at.number)).end().killed:
        trials.blame(where, "the boundary was not reached")
    _judge_undo(trials, where)


def undo_without_power_at(trials: Trials, disk: Disk, at: Boundary) -> None:
    """The power of the disk fails at one boundary of an undo."""
    where = f"{trials.place.scenario.name}, undo without power at {at.number} ({at.name})"
    trials.points += 1
    trials.import_with()
    _cut_off(trials, disk, lambda: undo_all(trials.place), at, where)
    _judge_undo(trials, where)


def undo_of_the_dead_at(trials: Trials, disk: Disk, at: Boundary) -> None:
    """The disk dies at one boundary of an undo."""
    where = f"{trials.place.scenario.name}, disk died in an undo at {at.number} ({at.name})"
    trials.points += 1
    trials.import_with()
    _outlive(trials, disk, lambda: undo_all(trials.place), at)
    _judge_undo(trials, where)


def _judge_undo(trials: Trials, where: str) -> None:
    trials.blame(where, *verify(trials.place))
    begun = ImportSession.objects.filter(undo_requested_at__isnull=False).exists()
    trials.blame(where, *_unhandled("the sweep", trials.child(sweep_and_work).end()))
    trials.blame(where, *(verify_undone if begun else verify)(trials.place))
    trials.blame(where, *_unhandled("the undo", trials.child(lambda: undo_all(trials.place)).end()))
    before = dump(trials.place)
    trials.blame(where, *_unhandled("the second sweep", trials.child(sweep_and_work).end()))
    trials.blame(where, *verify_undone(trials.place), *_changes(before, dump(trials.place)))


def verb_killed_at(trials: Trials, verb: Callable[[Place], None], before: Act, number: int) -> bool:
    """SIGKILL at a boundary of what an operator asks for, after an import with a fault.

    False when the verb has fewer boundaries than that.
    """
    where = f"{trials.place.scenario.name}, {verb.__name__} killed at {number}"
    trials.import_with(before)
    ending = trials.child(lambda: verb(trials.place), kill(number)).end()
    trials.blame(where, *([ending.error] if ending.error else []))
    trials.judge(where)
    return ending.killed


def boundaries_of_undo(trials: Trials) -> list[Boundary]:
    trials.import_with()
    ending = trials.child(lambda: undo_all(trials.place)).end()
    trials.blame("without any fault", *_unhandled("the undo", ending), *verify_undone(trials.place))
    return ending.result or []


def failed_at(trials: Trials, at: Boundary, errno: int, for_good: bool) -> None:
    """A file effect fails: once, or from then on for good until the recovery."""
    kind = "for good" if for_good else "once"
    where = f"{trials.place.scenario.name}, {code[errno]} {kind} at {at.number} ({at.name})"
    ending = trials.import_with(fail(at.number, errno, for_good))
    if not for_good:  # when the way back fails as well, dying is all that is left
        trials.blame(where, *_unhandled("the import", ending))
    trials.judge(where, removable=not for_good)


def edited_at(trials: Trials, at: Boundary) -> None:
    """Somebody saves other bytes under the name of a photo that is just being imported."""
    where = f"{trials.place.scenario.name}, edited at {at.number} ({at.name})"
    trials.import_with(call(at.number, lambda: trials.place.replace("b.jpg", EDITED)))
    if trials.place.edited.exists():  # it is the photo now; the old bytes may go with their name
        trials.place.contents["b.jpg"] = EDITED
    trials.judge(where, edited=True)


def misread_at(trials: Trials, number: int) -> None:
    """A disk or a cable flips one bit when a file is read the n-th time."""
    where = f"{trials.place.scenario.name}, misread {number}"
    prepare(trials.place)
    trials.child(lambda: (flip_a_bit(number), import_all(trials.place))).end()
    trials.judge(where)


def _called_wrong() -> Found:
    """Verdicts on library files that nobody could read, and that nobody had touched."""
    wrong = ImportItem.objects.filter(error_code="library_file_wrong")
    return [f"{item} is called wrong in the library: {item.failure}" for item in wrong]


def unread_at(trials: Trials, number: int, errno: int, for_good: bool) -> None:
    """The n-th file that is read to be compared cannot be; `for_good`: nor any after it."""
    where = f"{trials.place.scenario.name}, comparison {number} refused by {code[errno]}"
    prepare(trials.place)
    ending = trials.child(
        lambda: (fail_to_read(number, errno, for_good), import_all(trials.place))
    ).end()
    trials.blame(where, *_unhandled("the import", ending), *_called_wrong())
    trials.judge(f"{where}{' for good' if for_good else ''}")


def unread_in_recovery_at(trials: Trials, at: Boundary, number: int, for_good: bool) -> None:
    """The same in the sweep that recovers from a SIGKILL."""
    where = f"{trials.place.scenario.name}, killed at {at.number} ({at.name}), unread {number}"
    trials.import_with(kill(at.number))
    ending = trials.child(lambda: (fail_to_read(number, EIO, for_good), sweep_and_work())).end()
    trials.blame(where, *_unhandled("the sweep", ending), *_called_wrong())
    trials.judge(f"{where}{' for good' if for_good else ''}")


def undo_unread_at(trials: Trials, number: int, errno: int, for_good: bool) -> None:
    """The same in an undo: what cannot be read stays imported, and a second one ends it."""
    where = f"{trials.place.scenario.name}, undo: comparison {number} refused by {code[errno]}"
    trials.points += 1
    trials.import_with()
    ending = trials.child(
        lambda: (fail_to_read(number, errno, for_good), undo_all(trials.place))
    ).end()
    trials.blame(where, *_unhandled("the undo", ending))
    _judge_undo(trials, where)


def imported_beside_undo_at(trials: Trials, at: Boundary) -> None:
    """Another session imports the same bytes while an undo stands at a boundary."""
    place = trials.place
    where = f"{place.scenario.name}, imported beside an undo at {at.number} ({at.name})"
    trials.points += 1
    trials.import_with()
    write(place.earlier / "twin.jpg", PHOTOS["b.jpg"])
    undoing = trials.child(lambda: undo_all(place), stop(at.number))
    stopped = undoing.until_stopped()
    other = trials.child(lambda: import_earlier(place))
    other.has_ended(within_s=2)  # it may wait for what the undo holds, or for its end
    if stopped:
        undoing.go_on()
    trials.blame(where, *_unhandled("the undo", undoing.end()))
    trials.blame(where, *_unhandled("the other import", other.end()))
    trials.blame(where, *_unhandled("the sweep", trials.child(sweep_and_work).end()))
    trials.blame(where, *verify(place))
    for item in ImportItem.objects.filter(state__in=("failed", "missing")):
        trials.blame(where, f"{item} is {item.state}: {item.failure.get('summary')}")


def taken_by_another_at(trials: Trials, at: Boundary) -> None:
    """Another session moves the same source into the library while an import stands at a boundary."""
    place = trials.place
    where = f"{place.scenario.name}, taken by another at {at.number} ({at.name})"
    prepare(place)
    first = trials.child(lambda: import_all(place), stop(at.number))
    stopped = first.until_stopped()
    other = trials.child(lambda: import_all(place))
    other.has_ended(within_s=1)  # it may wait for what the first one holds
    if stopped:
        first.go_on()
    trials.blame(where, *_unhandled("the import", first.end()))
    trials.blame(where, *_unhandled("the other import", other.end()))
    trials.judge(where)


def forgotten_at(trials: Trials, at: Boundary) -> None:
    """A sync fails, and what was to be written back is gone, as Linux does with such pages."""
    where = f"{trials.place.scenario.name}, forgotten at {at.number} ({at.name})"

    def forget() -> None:
        for path in trials.place.library.glob("[0-9]*/**/*.jpg"):
            if sha(path.read_bytes()) not in trials.place.kept:
                os.truncate(path, 0)
        raise OSError(EIO, os.strerror(EIO))

    trials.import_with(call(at.number, forget))
    trials.judge(where)


def swept_at(trials: Trials, at: Boundary) -> None:
    """A sweep comes by while a process is at work whose clock is two hours slow: it takes nothing."""
    place = trials.place
    where = f"{place.scenario.name}, swept at {at.number} ({at.name})"
    prepare(place)
    living = trials.child(lambda: (set_clock_back(), import_all(place)), stop(at.number))
    if not living.until_stopped():
        trials.blame(where, f"the boundary was not reached: {living.end().error}")
        return
    held = _rows_held(living.pid)
    trials.child(lambda: recover_items(place)).end()
    if held != _rows_held(living.pid):
        trials.blame(where, "the sweep took files from a process that lives")
    living.go_on()
    trials.blame(where, *_unhandled("the import", living.end()))
    for item in ImportItem.objects.exclude(retries=0):
        trials.blame(where, f"{item.shown_path} was disturbed, and had to be tried again")
    for session in ImportSession.objects.exclude(state="imported"):
        trials.blame(where, f"session {session.pk} was disturbed: {session.failure}")
    trials.judge(where)


def without_lease(work: Callable[[], Any]) -> Callable[[], Any]:
    """The same work by a process whose leases end as soon as they begin."""

    def expired() -> None:
        claiming.LEASE = leasing.LEASE = runner.RUNNER_LEASE = timedelta(0)
        work()

    return expired


def frozen_at(trials: Trials, at: Boundary, meanwhile: int | None = None) -> None:
    """A process stands still beyond its lease, and goes on when others have taken its work over.

    With `meanwhile` the other has got that far itself when the first goes on; else it is done.
    """
    place = trials.place
    where = f"{place.scenario.name}, frozen at {at.number} ({at.name}), the other at {meanwhile}"
    prepare(place)
    frozen = trials.child(without_lease(lambda: import_all(place)), stop(at.number))
    if not frozen.until_stopped():
        trials.blame(where, f"the boundary was not reached: {frozen.end().error}")
        return
    other = trials.child(lambda: recover_all(place), stop(meanwhile or END))
    at_work = other.until_stopped()
    held = _rows_held(other.pid)
    frozen.go_on()
    frozen.has_ended(within_s=0.5)  # it may wait for what the other holds
    for row in held:
        if row not in _rows_held(other.pid):
            trials.blame(where, f"the frozen process wrote to {row}, which is another's by now")
    if at_work:
        other.go_on()
    trials.blame(where, *_unhandled("the other process", other.end()))
    frozen.end()
    trials.judge(where)


def _rows_held(pid: int) -> list[dict[str, Any]]:
    return list(ImportItem.objects.filter(owner__contains=f":{pid}:").order_by("pk").values())


def hold_still(trials: Trials) -> Child:
    """A child that is ready to import and waits for a sign; warm, so that only the import is seen."""

    def work() -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        import_all(trials.place)

    prepare(trials.place)
    return trials.child(work)


def killed_in_call(trials: Trials, name: str, when: int) -> None:
    where = f"{trials.place.scenario.name}, killed at {name} number {when}"
    if not outside.killed_by_strace(hold_still(trials), name, when).killed:
        trials.missed += 1  # another run makes a few calls more or less
    trials.judge(where)


def refused_in_call(trials: Trials, name: str, when: int, number: int, for_good: bool) -> None:
    kind = "for good from" if for_good else "once at"
    where = f"{trials.place.scenario.name}, {code[number]} {kind} {name} number {when}"
    outside.refused_by_strace(hold_still(trials), name, when, number, for_good)
    trials.judge(where, removable=False)


def power_lost_at(trials: Trials, disk: Disk, at: Boundary) -> None:
    """The power of a disk fails; the database's disk keeps its own."""
    where = f"{trials.place.scenario.name}, power lost at {at.number} ({at.name})"
    prepare(trials.place)
    _cut_off(trials, disk, lambda: import_all(trials.place), at, where)
    trials.judge(where)


def died_at(trials: Trials, disk: Disk, at: Boundary) -> None:
    """A disk dies under a process that lives, until the disk is switched on again."""
    where = f"{trials.place.scenario.name}, disk died at {at.number} ({at.name})"
    prepare(trials.place)
    ending = _outlive(trials, disk, lambda: import_all(trials.place), at)
    trials.blame(where, *_unhandled("the import", ending))
    trials.judge(where)


def _cut_off(trials: Trials, disk: Disk, work: Callable[[], Any], at: Boundary, where: str) -> None:
    """The power fails while the work stands at a boundary, and ends it."""
    disk.settle()
    child = trials.child(work, stand_still(at.number))
    if child.until_stopped():
        disk.cut_power(child.pid)
    else:
        trials.blame(where, "the boundary was not reached")
    child.end()


def _outlive(trials: Trials, disk: Disk, work: Callable[[], Any], at: Boundary) -> Ending:
    """The disk dies at a boundary of the work, which goes on to its end.

    What a sync of it says then depends on the kernel; this one says the worst, that all is well.
    """
    disk.settle()
    ending = trials.child(
        lambda: (let_every_sync_succeed(), work()), call(at.number, disk.die)
    ).end()
    disk.switch_on()
    return ending


def filled(trials: Trials, memory: Memory, files_left: int | None, bytes_left: int) -> None:
    """The library's disk has room for so much; for the recovery there is room again."""
    where = f"{trials.place.scenario.name}, room for {files_left} files and {bytes_left} bytes"
    prepare(trials.place)
    trials.place.library.mkdir(parents=True, exist_ok=True)
    memory.fill(files_left, bytes_left)
    trials.blame(
        where, *_unhandled("the import", trials.child(lambda: import_all(trials.place)).end())
    )
    trials.blame(where, *verify(trials.place))
    memory.make_room()
    trials.judge(where)


def cut_off_at(trials: Trials, at: Boundary) -> None:
    """The database server ends the connection."""
    where = f"{trials.place.scenario.name}, connection cut at {at.number} ({at.name})"
    trials.import_with(call(at.number, cut_connection))
    trials.judge(where)
