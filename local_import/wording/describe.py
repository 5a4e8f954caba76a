"""From a code and facts to full sentences, and to actions that can be carried out as they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from ..errors import (
    CATALOGUE,
    ITEM_OPERATIONS,
    SHELL,
    START_AGAIN,
    THEN,
    Action,
    ErrorCode,
    Operation,
)
from ..sayings import Seen

_PLACEHOLDERS = {
    "session": "SESSION",
    "item": "ITEM",
    "path": "The file",
    "quoted": "PATH",
    "directory_quoted": "DIRECTORY",
}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer to an error, in full sentences and stable codes."""

    code: ErrorCode
    severity: str
    category: str
    retryable: bool
    summary: str
    diagnosis: str
    recommended_actions: list[str]
    actions: list[dict[str, Any]]
    evidence: dict[str, Any]
    seen: list[Seen] = field(default_factory=list)
    seen_at: str = ""  # ISO 8601, UTC; empty when nobody looked
    detail: Seen | None = None  # the fact of that name, where it can be told again

    def as_failure(self) -> dict[str, Any]:
        """What an item or a session stores of it, as JSON."""
        return {
            "code": self.code.value,
            "severity": self.severity,
            "category": self.category,
            "retryable": self.retryable,
            "summary": self.summary,
            "diagnosis": self.diagnosis,
            "recommended_actions": self.recommended_actions,
            "actions": self.actions,
            "evidence": self.evidence,
            "seen": [str(one) for one in self.seen],
            "told": [one.told for one in self.seen],
            "seen_at": self.seen_at,
        } | ({"detail": self.detail.told} if self.detail else {})


def describe(
    code: ErrorCode, facts: Mapping[str, Any], seen: Sequence[Seen] = (), seen_at: str = ""
) -> Diagnosis:
    """The catalogue's texts for a code, filled with facts; what is unknown stays readable."""
    entry = CATALOGUE[code]
    told = {name: str(value) for name, value in facts.items() if not name.startswith("raw_")}
    if "detail" in told:
        told["detail"] = told["detail"].rstrip(".。")  # the texts end their sentences themselves
    known, detail = Facts(told), facts.get("detail")
    actions = [_carried_out(action, known) for action in offered(entry.actions, known)]
    return Diagnosis(
        code=code,
        severity=entry.severity.value,
        category=entry.category.value,
        retryable=entry.retryable,
        summary=str(entry.summary).format_map(known),
        diagnosis=str(entry.diagnosis).format_map(known),
        recommended_actions=[action["text"] for action in actions],
        actions=actions,
        evidence={name: value for name, value in told.items() if not name.endswith("quoted")},
        seen=list(seen),
        seen_at=seen_at,
        detail=detail if isinstance(detail, Seen) else None,
    )


def offered(actions: Sequence[Action], known: Mapping[str, str]) -> list[Action]:
    """Those that are of use by what is known; all of them when that leaves none."""
    return [action for action in actions if _needs(action) <= known.keys()] or [*actions]


def _needs(action: Action) -> set[str]:
    of_item = {"item"} if action.operation in ITEM_OPERATIONS else set()
    return of_item | ({action.when} if action.when else set())


def _carried_out(action: Action, known: Facts) -> dict[str, Any]:
    """The action as JSON: its sentence, and what to type where every fact for it is known."""
    shell = SHELL[action.operation] if action.operation else ""
    command, then = action.command.format_map(known), shell.format_map(known)
    can = bool(shell) and _is_known(shell, known)
    return {
        "code": action.code,
        "text": _sentence(action, known, command, then),
        "operation": action.operation.value if action.operation and can else None,
        "target": _target(action, known) if can else None,
        "command": command if command and _is_known(action.command, known) else None,
        "then": then if can else None,
    }


def _target(action: Action, known: Mapping[str, str]) -> str:
    """What the operation is about, as operations.parse takes it."""
    kind = "item" if action.operation in ITEM_OPERATIONS else "session"
    return f"{kind}:{known[kind]}"


def _sentence(action: Action, known: Facts, command: str, then: str) -> str:
    typed = {"command": f"`{command}`", "then": f"`{then}`"}
    text = str(action.text).format_map(Facts(known | typed))
    if action.operation is None or "{then}" in str(action.text):
        return text
    text += "" if text.endswith((".", "。")) else "."
    if action.operation == Operation.RESUME and "session" not in known:
        return f"{text} {START_AGAIN}"
    return f"{text} {str(THEN[action.operation]).format_map(typed)}"


def _is_known(template: str, known: Mapping[str, str]) -> bool:
    return all(name in known for _, name, _, _ in Formatter().parse(template) if name)


class Facts(dict[str, str]):
    """Facts by name; one that nobody knows stays readable in a sentence."""

    def __missing__(self, name: str) -> str:
        if name in _PLACEHOLDERS:
            return _PLACEHOLDERS[name]
        return name.removesuffix("_quoted").upper()
