"""What a signal is: a question about how things stand, asked every minute, and who should care."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from ..errors import Severity, Text


@dataclass(frozen=True, slots=True)
class Circumstances:
    """When is asked, and what the operator has set."""

    now: datetime  # by the database's clock
    threshold: float
    window: timedelta

    @property
    def since(self) -> datetime:
        return self.now - self.window


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong: equal keys are the same thing, however often it is seen."""

    key: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)  # what the sentences name
    target: str = ""  # what `explain` takes
    severity: Severity | None = None  # where it is not the signal's


Find: TypeAlias = Callable[[Circumstances], Iterable[Cause]]


@dataclass(frozen=True, slots=True)
class Signal:
    """`find` tells of every cause that is there now, the weightiest first; it only reads.

    The numbers are what a new rule begins with. The texts may name the facts in braces.
    """

    code: str
    severity: Severity
    watches: Text  # a few words, for lists
    sentence: Text
    advice: Text
    find: Find
    unit: Text  # what the threshold counts
    threshold: float
    window_minutes: int = 0  # how far it looks back; 0 where it looks at the present
    pending_minutes: int = 0
    cooldown_minutes: int = 60
    covered_by: str = ""  # the rule whose alert, while it fires, says all that is to be said

    def tell(self, cause: Cause) -> str:
        return _filled(self.sentence, cause)

    def advise(self, cause: Cause) -> str:
        return _filled(self.advice, cause)


def _filled(text: Text, cause: Cause) -> str:
    return str(text).format_map(dict(cause.facts))
