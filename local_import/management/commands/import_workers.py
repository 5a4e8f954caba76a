"""List the worker processes."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from ...services.workers import workers
from .. import text
from ..desk_command import DeskCommand

_COLUMNS = ("state", "host", "pid", "version", "queue", "session", "items", "silent_s")


class Command(DeskCommand):
    help = (
        "List the worker processes: where each runs, what it holds, and for how many seconds it "
        "was not heard of. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, json: bool, **_: Any) -> None:
        found = workers()
        if json:
            self.stdout.write(_json(found))
        elif found:
            self.stdout.write(text.table(found, _COLUMNS))
        else:
            self.stdout.write("No worker is there. make run starts one with the pages.")


def _json(found: list[dict[str, Any]]) -> str:
    return json.dumps(found, indent=2)
