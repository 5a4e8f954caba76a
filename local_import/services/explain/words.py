"""An explanation as plain data: sentences in order of weight, each with its evidence and its code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ... import names
from ...wording import retell
from .catalogue import OFFERS, SENTENCES, WEIGHT, About

LONGEST_FACT = 2_000  # characters of it in a sentence
_NUMBERED = frozenset({"item", "session", "incident"})  # no thousands separator in these


@dataclass(frozen=True, slots=True)
class Sentence:
    code: str
    text: str
    evidence: dict[str, Any]  # what it rests on, as JSON

    @property
    def about(self) -> About:
        return SENTENCES[self.code][0]

    def as_json(self) -> dict[str, Any]:
        known = {"code": self.code, "about": str(self.about), "text": self.text}
        return known | {"evidence": self.evidence}


@dataclass(frozen=True, slots=True)
class Action:
    """In the shape in which a failure stores its own: the command comes first, the operation then."""

    code: str
    text: str
    command: str | None = None  # for a shell
    operation: str | None = None  # what the desk does itself
    target: str | None = None  # with what, as operations.parse takes it
    then: str | None = None  # how a shell asks for that

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say of one item, session, incident or file."""

    kind: str
    target: str  # names it without doubt, as in "item:12"
    state: str  # empty for what has none
    since: datetime | None
    sentences: list[Sentence] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def of(self, about: About) -> list[Sentence]:
        return [sentence for sentence in self.sentences if sentence.about == about]

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "target": self.target,
            "state": self.state,
            "since": self.since.isoformat() if self.since else None,
            "sentences": [sentence.as_json() for sentence in self.sentences],
            "actions": [action.as_json() for action in self.actions],
        }


@dataclass(slots=True)
class Account:
    """Gathers what is to be said; each code is said and offered once, in order of weight."""

    sentences: list[Sentence] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def say(self, code: str, /, **facts: Any) -> None:
        text = str(SENTENCES[code][1]).format_map(_readable(facts))
        self.sentences.append(Sentence(code, text, {k: plain(v) for k, v in facts.items()}))

    def offer(self, code: str, /, **facts: Any) -> None:
        chosen = OFFERS[code]
        text = str(chosen.text).format_map(_readable(facts))
        shell = chosen.shell.format_map(facts) or None
        if chosen.operation:
            target = chosen.target.format_map(facts)
            self.add(Action(code, text, None, str(chosen.operation), target, shell))
        else:
            self.add(Action(code, text, command=shell))

    def add(self, action: Action) -> None:
        if action not in self.actions:
            self.actions.append(action)

    def follow_failure(self, failure: Mapping[str, Any]) -> None:
        """The remedies that were recorded with a failure, in their order."""
        for action in _recorded(retell(failure)):
            self.add(action)

    def told_of(self, about: About) -> bool:
        return any(sentence.about == about for sentence in self.sentences)

    def leave_nothing_unexplained(self) -> None:
        """For what is unfinished: nobody waits for nothing, and if so, that is what is to be said."""
        if not self.told_of(About.WAITS):
            self.say("unexplained")
            self.say("next_sweep_looks")
            self.offer("sweep")
            self.offer("report_defect")

    def conclude(self, kind: str, target: str, state: str, since: datetime | None) -> Explanation:
        ordered = sorted(self.sentences, key=lambda sentence: WEIGHT[sentence.code])
        return Explanation(kind, target, state, since, ordered, self.actions)


def _readable(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fact if name in _NUMBERED else shown(fact) for name, fact in facts.items()}


def _recorded(failure: Mapping[str, Any]) -> Iterable[Action]:
    actions = failure.get("actions")
    if not isinstance(actions, list):  # recorded before actions had codes
        texts = failure.get("recommended_actions") or []
        return [Action("recommended", shown(text)) for text in texts]
    return [
        Action(
            str(action.get("code", "recommended")),
            shown(action.get("text", "")),
            *(action.get(name) or None for name in ("command", "operation", "target", "then")),
        )
        for action in actions
    ]


def shown(value: Any) -> str:
    """A fact as a reader sees it: times in UTC to the second, durations in the largest fitting unit."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, timedelta):
        return _duration(value.total_seconds())
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return names.legible(str(value)[:LONGEST_FACT])


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def plain(value: Any) -> Any:
    """The same fact as JSON: times in ISO 8601, durations in seconds."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    return value if isinstance(value, int | float | str | list | dict | None) else str(value)
