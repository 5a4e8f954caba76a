"""Explain: the answer to "what is it, why, what does it wait for, and what do I do?"

One function for an item, a session, an incident, a file, a name or a hash. It only reads, asks the
database by its indexes alone, and waits for no disk and no broker longer than a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...models import ImportItem, ImportSession, Incident, Media
from ...transactions import database_now, one_moment
from .files import explain_file, explain_media
from .item import explain_item
from .session import explain_incident, explain_session
from .targets import Candidate, find
from .words import Account, Explanation

SHOWN_OTHERS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """An explanation; or the candidates of an ambiguous target; or where was looked in vain."""

    target: str
    explanation: Explanation | None
    candidates: list[Candidate]
    looked: list[str]

    def as_json(self) -> dict[str, Any]:
        found = [{"target": one.target, "label": one.label} for one in self.candidates]
        explanation = self.explanation.as_json() if self.explanation else None
        return {
            "asked": self.target,
            "explanation": explanation,
            "candidates": found,
            "looked": self.looked,
        }


def explain(target: str) -> Answer:
    """Explain what the target names, when it names one thing; all that is said is of one moment."""
    with one_moment():
        return _answer(target)


def _answer(target: str) -> Answer:
    search = find(target)
    if not search.candidates:
        return Answer(target, None, [], search.looked)
    first, *others = search.candidates
    if others and not search.is_one:
        return Answer(target, None, search.candidates, search.looked)
    return Answer(target, _with_others(_explained(first), others), [], search.looked)


def _with_others(explanation: Explanation, others: list[Candidate]) -> Explanation:
    """The same file, or the same bytes, in other sessions."""
    account = Account(explanation.sentences, explanation.actions)
    for other in others[:SHOWN_OTHERS]:
        account.say("also_known", target=other.target, label=other.label)
    return account.conclude(
        explanation.kind, explanation.target, explanation.state, explanation.since
    )


def _explained(candidate: Candidate) -> Explanation:
    now = database_now()
    match candidate.kind:
        case "session":
            return explain_session(ImportSession.objects.get(pk=candidate.pk), now)
        case "incident":
            return explain_incident(Incident.objects.get(pk=candidate.pk), now)
        case "media":
            return explain_media(Media.objects.get(pk=candidate.pk), now)
        case "file":
            session = ImportSession.objects.get(pk=candidate.pk)
            return explain_file(session, candidate.path, now)
    items = ImportItem.objects.select_related("session", "media", "incident")
    return explain_item(items.get(pk=candidate.pk), now)
