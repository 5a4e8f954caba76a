"""What a fault is: how it is made, what it is called, and how the file ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .operator import Hand
from .scene import Scene

IMPORTED = ("imported", "")


@dataclass(frozen=True)
class Fault:
    code: str
    make: Callable[[Scene], None]  # ends with an import that meets the fault
    hands: Mapping[str, Hand] = field(default_factory=dict)  # by the code of an action
    ends: tuple[str, str] = IMPORTED
    cure: int = 0  # which of the actions cures it
    fleeting: bool = False  # it strikes one command and is gone when that ends

    @property
    def name(self) -> str:
        return f"{self.code}-{self.make.__name__}"
