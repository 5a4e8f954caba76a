"""Explanations as text for a terminal. Every name is escaped before it gets here."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.utils.translation import gettext as _

from .. import names
from ..services.explain import Answer
from ..services.explain.catalogue import About
from ..services.explain.words import Action, Explanation


def text(explanation: Explanation) -> str:
    """The sentences under the question that each answers, then what can be done, in order."""
    lines = [sentence.text for sentence in explanation.of(About.STATE)]
    for about in (About.WHY, About.WAITS, About.NEXT):
        if told := explanation.of(about):
            lines += ["", f"{_HEADINGS[about]()}"]
            lines += [f"  {sentence.text}  [{sentence.code}]" for sentence in told]
    if explanation.actions:
        lines += ["", _("What can be done:")]
        for action in explanation.actions:
            lines += _action(action)
    return "\n".join(lines)


_HEADINGS = {
    About.WHY: lambda: _("Why:"),
    About.WAITS: lambda: _("What it waits for:"),
    About.NEXT: lambda: _("What happens next:"),
}


def _action(action: Action) -> Iterator[str]:
    yield f"  → {action.text}"
    for shell in (action.command, action.then):
        if shell and shell not in action.text:
            yield f"      {shell}"


def choice(answer: Answer) -> str:
    """The candidates of an ambiguous target, or where was looked in vain."""
    asked = names.shown(os.fsencode(answer.target))
    if answer.candidates:
        lines = [_("Several things are called {target}. Name one of them:").format(target=asked)]
        return "\n".join(lines + [f"  {one.target}  {one.label}" for one in answer.candidates])
    lines = [_("Nothing is known of {target}. This is where was looked:").format(target=asked)]
    return "\n".join(lines + [f"  {place}" for place in answer.looked])
