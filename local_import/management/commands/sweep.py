"""Let everything go on that was left behind."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...services import sweeper
from ..desk_command import DeskCommand


class Command(DeskCommand):
    help = (
        "Look through all sessions once: take back what dead workers held, bring each file to a true "
        "state, move sessions after their items, and reopen those whose trouble is gone. It may run "
        "at any time, also while imports run; a second sweep finds nothing to do. Exit status: 0 done, 1 "
        "some of it could not be swept (the consistency check and the log say why), 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, json: bool, **_: Any) -> None:
        done = sweeper.sweep()
        self.stdout.write(_as_json(done) if json else _as_text(done))
        if "not_swept" in done:
            sys.exit(1)


def _as_json(done: dict[str, int]) -> str:
    return json.dumps(done, indent=2)


def _as_text(done: dict[str, int]) -> str:
    if not done:
        return "Nothing was left behind."
    return "\n".join(f"{name.replace('_', ' ')}: {number}" for name, number in done.items())
