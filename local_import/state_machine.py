"""The two state machines as a public API; both read the declarations on the models.

Nothing here writes: a machine object walks in memory, and the door walks in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from django.utils import timezone

from .models import ImportItem, ImportSession
from .models.stateful import Stateful
from .states import (
    ITEM_AT_REST,
    ITEM_IN_WORK,
    ITEM_UNRESOLVED,
    SESSION_AT_REST,
    SESSION_RUNNING,
    ItemState,
    SessionState,
)

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
        found = [
            (issue, advice) for broken, issue, advice in cls._rules(session_state, counts) if broken
        ]
        return ConsistencyResult([issue for issue, _ in found], [advice for _, advice in found])

    @staticmethod
    def _rules(state: SessionState, counts: Mapping[str, int]) -> Iterable[tuple[bool, str, str]]:
        total = sum(counts.values())
        in_work = sum(counts.get(name, 0) for name in ITEM_IN_WORK)
        unresolved = sum(counts.get(name, 0) for name in ITEM_UNRESOLVED)
        unfinished = in_work + counts.get(ItemState.PENDING, 0)
        settled = state in (SessionState.IMPORTED, SessionState.FAILED)
        return (
            (
                settled and unfinished > 0,
                f"The session is {state}, but {unfinished} of its {total} items are not at rest.",
                "Synchronise the session with its items, then finish the open ones.",
            ),
            (
                state == SessionState.IMPORTED and unresolved > 0,
                f"The session is imported, but {unresolved} of its {total} items failed or are missing.",
                "Synchronise the session with its items; retry or dismiss the failed ones.",
            ),
            (
                state == SessionState.FAILED and unresolved == 0,
                "The session is failed, but none of its items failed or is missing.",
                "Synchronise the session with its items.",
            ),
            (
                state in (SessionState.ENQUEUED, SessionState.IMPORTING) and unfinished == 0,
                f"The session is {state}, but no item is waiting or in work.",
                "Synchronise the session with its items.",
            ),
            (
                state in (SessionState.ERROR, SessionState.CANCELED) and in_work > 0,
                f"The session is {state}, but {in_work} items are in work.",
                "Wait for the workers to stop, or take their expired leases back.",
            ),
            (
                total == 0 and (settled or state in SESSION_RUNNING - {SessionState.EXPANDING}),
                f"The session is {state}, but it has no items.",
                "Start the session again so that its source is walked.",
            ),
        )


def counted(states: Iterable[str]) -> dict[str, int]:
    """The histogram of item states, all ten of them."""
    counts = dict.fromkeys(ItemState.values, 0)
    for state in states:
        counts[str(state)] += 1
    return counts
