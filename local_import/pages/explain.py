"""The box on every page: whatever is typed there, what it is, why, and what can be done."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ..services.explain import Answer, explain
from ..services.explain.words import Sentence
from .links import PAGES, address_of
from .page import Context, draw

LONGEST = 5_000  # characters: a path has 4,096 bytes at most


@require_safe
@permission_required("local_import.see_imports", raise_exception=True)
def explanation(request: HttpRequest) -> HttpResponse:
    target = request.GET.get("target", "").strip()
    context: Context = {"target": target[:LONGEST], "explained": target[:LONGEST]}
    if len(target) > LONGEST:
        context["too_long"] = LONGEST
    elif target:
        context |= _told(explain(target), request.user.has_perm("local_import.see_details"))
    return draw(request, "explain", _("Explain"), context)


def _told(answer: Answer, sees_details: bool) -> Context:
    """What may be said to the one who asks, with the address of all that is named."""
    found = [
        {
            "target": one.target,
            "label": one.label if sees_details else "",
            "address": address_of(one.target),
        }
        for one in answer.candidates
    ]
    if answer.explanation is None:
        return {"candidates": found, "looked": answer.looked}
    sentences = answer.explanation.sentences
    shown = [one for one in sentences if sees_details or not names_a_place(one)]
    return {
        "explanation": answer.explanation.as_json(),
        "state": answer.explanation.state,
        "since": answer.explanation.since,
        "address": address_of(answer.explanation.target),
        "groups": _by_question(shown, answer.explanation.target),
        "withheld": len(sentences) - len(shown),
    }


def _by_question(sentences: list[Sentence], target: str) -> list[tuple[Any, list[Context]]]:
    groups: dict[Any, list[Context]] = {}
    for sentence in sentences:
        told = {"text": sentence.text, "code": sentence.code, "links": _links(sentence, target)}
        groups.setdefault(sentence.about, []).append(told)
    return list(groups.items())


def _links(sentence: Sentence, target: str) -> list[tuple[str, str]]:
    """What the sentence rests on and has a page, besides the thing that is explained."""
    named = [f"{kind}:{pk}" for kind, pk in sentence.evidence.items() if kind in PAGES]
    return [(one, address_of(one)) for one in named if one != target]


def names_a_place(sentence: Sentence) -> bool:
    """Whether it may name a place on the server: any text with a slash in it does, for a viewer."""
    return "/" in sentence.text or "\\" in sentence.text
