"""The two state machines as a public API; both read the declarations on the models.

Nothing here writes: a machine object walks in memory, and the door walks in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from django.utils import timezone

from . import integrity
from .integrity import Sums
from .models import ImportItem, ImportSession
from .models.stateful import Stateful
from .states import ITEM_AT_REST, SESSION_AT_REST, ItemState, SessionState

State = TypeVar("State", SessionState, ItemState)


@cache
def declared(model: type[Stateful]) -> Mapping[tuple[str, str], str]:
    """(source, target) → name of the transition, as django-fsm knows them."""
    options: Any = model._meta  # the field is declared by the classes below Stateful
    state_field = options.get_field("state")
    return {
        (str(transition.source), str(transition.target)): transition.name
        for transition in state_field.get_all_transitions(model)
    }


class InvalidTransition(ValueError):
    """The machine knows no transition between these states."""


@dataclass(frozen=True, slots=True)
class StateTransition(Generic[State]):
    """A step that a machine made in memory."""

    from_state: State
    to_state: State
    reason: str
    timestamp: datetime  # UTC


class _StateMachine(Generic[State]):
    model: ClassVar[type[Stateful]]
    at_rest: ClassVar[frozenset[str]]

    def __init__(self, initial_state: State) -> None:
        self.current_state: State = initial_state
        self.history: list[StateTransition[State]] = []

    def allowed_transitions(self) -> set[str]:
        """The states that may follow the present one."""
        return {target for source, target in declared(self.model) if source == self.current_state}

    def can_transition_to(self, target: State) -> bool:
        return (str(self.current_state), str(target)) in declared(self.model)

    def transition(self, target: State, reason: str = "") -> StateTransition[State]:
        """Go on to `target`; raises InvalidTransition and stays where it is when that is illegal."""
        if not self.can_transition_to(target):
            raise InvalidTransition(f"No transition leads from {self.current_state} to {target}.")
        step = StateTransition(self.current_state, target, reason, timezone.now())
        self.history.append(step)
        self.current_state = target
        return step

    def is_terminal(self) -> bool:
        """Whether the state is one of rest."""
        return self.current_state in self.at_rest


class SessionStateMachine(_StateMachine[SessionState]):
    model = ImportSession
    at_rest = SESSION_AT_REST


class ItemStateMachine(_StateMachine[ItemState]):
    model = ImportItem
    at_rest = ITEM_AT_REST


@dataclass(frozen=True, slots=True)
class ConsistencyResult:
    """What the validator found; `issues` and `recommendations` are sentences, pair by pair."""

    issues: list[str] = field(default_factory=list)
    recommendations: list[str] = field(default_factory=list)

    @property
    def is_consistent(self) -> bool:
        return not self.issues


class StateConsistencyValidator:
    """The integrity rules between a session and its items (docs/reference/states.md)."""

    @classmethod
    def validate(
        cls, session_state: SessionState, item_states: Mapping[Any, ItemState]
    ) -> ConsistencyResult:
        """Judge a session by the states of its items, given by any key."""
        return cls.validate_counts(session_state, counted(item_states.values()))

    @classmethod
    def validate_counts(
        cls, session_state: SessionState, counts: Mapping[str, int]
    ) -> ConsistencyResult:
        """The same from a histogram of item states."""
        laws = integrity.broken(session_state, counts)
        facts = {"state": str(session_state), **asdict(Sums.of(counts))}
        return ConsistencyResult(
            [str(law.issue).format(**facts) for law in laws], [str(law.advice) for law in laws]
        )


def counted(states: Iterable[str]) -> dict[str, int]:
    """The histogram of item states, all ten of them."""
    counts = dict.fromkeys(ItemState.values, 0)
    for state in states:
        counts[str(state)] += 1
    return counts
