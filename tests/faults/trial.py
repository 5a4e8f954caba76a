"""A trial: one import with one fault, and the judgement of what it left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .boundaries import Act, Boundaries, is_effect, kill, nothing
from .child import Child, Ending, in_child
from .flow import import_all, prepare, recover_all
from .oracle import dump, verify, verify_end
from .place import Place

Found = list[str]


def as_it_is() -> None:
    """The product without a mutation."""


@dataclass
class Trials:
    """Counts the trials of one kind and keeps the violations that they found."""

    place: Place
    mutate: Callable[[], Any] = as_it_is  # spoils the product, in children only
    points: int = 0
    violations: Found = field(default_factory=list)

    def child(self, work: Callable[[], Any], act: Act = nothing) -> Child:
        return Child(lambda: self._spoiled(work, act))

    def _spoiled(self, work: Callable[[], Any], act: Act) -> list[str]:
        self.mutate()
        watched = Boundaries(act).watch()
        work()
        return watched.names

    def import_with(self, act: Act = nothing) -> Ending:
        """Import in a clean place, in a child, with a fault."""
        prepare(self.place)
        return self.child(lambda: import_all(self.place), act).end()

    def recover(self) -> Ending:
        return self.child(lambda: recover_all(self.place)).end()

    def boundaries(self) -> list[str]:
        """The names of all boundaries of an import in which nothing fails."""
        ending = self.import_with()
        if ending.error:
            self.violations.append(f"without any fault: {ending.error}")
        return ending.result or []

    def judge(self, where: str) -> None:
        """The laws hold at once, one recovery leads to the end, and a second changes nothing."""
        self.points += 1
        found = verify(self.place)
        found += self.judge_recovery()
        self.violations += [f"{where}: {text}" for text in found]

    def judge_recovery(self) -> Found:
        found = _unhandled("the recovery", self.recover())
        found += verify_end(self.place)
        before = dump(self.place)
        found += _unhandled("the second recovery", self.recover())
        return found + _changes(before, dump(self.place))

    def blame(self, where: str, text: str) -> None:
        self.violations.append(f"{where}: {text}")


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


def killed_at(trials: Trials, number: int, name: str) -> None:
    """SIGKILL at one boundary."""
    ending = trials.import_with(kill(number))
    where = f"{trials.place.scenario.name}, killed at {number} ({name})"
    if not ending.killed:
        trials.blame(where, f"the boundary was not reached: {ending.error}")
    trials.judge(where)


__all__ = ["Trials", "in_child", "is_effect", "killed_at"]
