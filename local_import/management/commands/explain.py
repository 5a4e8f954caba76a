"""Explain the state of anything: what it is, why, what it waits for, and what can be done."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...services.explain import Answer, explain
from .. import explanations
from ..arguments import filled
from ..desk_command import DeskCommand


class Command(DeskCommand):
    help = (
        "Explain an item, a session, an incident, a file or its SHA-256: its state, since when and "
        "why, what it waits for, what happens next, and what can be done. Changes nothing. Exit "
        "status: 0 explained, 1 nothing or several things of that name were found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "target",
            type=filled,
            help="session:7, item:7, incident:7, a number, a path, a file's name, or the beginning "
            "of a SHA-256",
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, target: str, **options: Any) -> None:
        answer = explain(target)
        if options["json"]:
            self.stdout.write(json.dumps(answer.as_json(), indent=2))
        else:
            self.stdout.write(_text(answer))
        if answer.explanation is None:
            sys.exit(1)


def _text(answer: Answer) -> str:
    if answer.explanation is not None:
        return explanations.text(answer.explanation)
    return explanations.choice(answer)
