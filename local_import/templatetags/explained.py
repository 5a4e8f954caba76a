"""One explanation on a page: all who show one show it so."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from ..pages.links import PAGES, address_of
from ..services.explain.words import Explanation, Sentence

register = template.Library()


@register.inclusion_tag("local_import/explanation.html", takes_context=True)
def explained(context: Context, explanation: Explanation) -> dict[str, Any]:
    """What may be said to the one who asks, by question, with the address of all that is named."""
    sees_details = "local_import.see_details" in context["perms"]
    shown = [one for one in explanation.sentences if sees_details or not names_a_place(one)]
    return {
        "questions": _by_question(shown, explanation.target),
        "withheld": len(explanation.sentences) - len(shown),
        "actions": [one.as_json() for one in explanation.actions if sees_details],
        "perms": context["perms"],
    }


def names_a_place(sentence: Sentence) -> bool:
    """Whether it may name a place on the server: any text with a slash in it does, for a viewer."""
    return "/" in sentence.text or "\\" in sentence.text


def _by_question(sentences: list[Sentence], target: str) -> list[tuple[Any, list[dict[str, Any]]]]:
    groups: dict[Any, list[dict[str, Any]]] = {}
    for sentence in sentences:
        told = {"text": sentence.text, "code": sentence.code, "links": _links(sentence, target)}
        groups.setdefault(sentence.about, []).append(told)
    return list(groups.items())


def _links(sentence: Sentence, target: str) -> list[tuple[str, str]]:
    """What the sentence rests on and has a page, besides the thing that is explained."""
    named = [f"{kind}:{pk}" for kind, pk in sentence.evidence.items() if kind in PAGES]
    return [(one, address_of(one)) for one in named if one != target]
