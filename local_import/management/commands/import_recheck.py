"""Tell whether the causes of a session's failures are gone."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...errors import ImportProblem
from ...services import recheck, sessions
from ..arguments import row_number
from ..desk_command import DeskCommand
from ..refusals import refuse

_WORDS = {True: "gone", False: "still there", None: "only another try can tell"}


class Command(DeskCommand):
    help = (
        "Look again at what failed or is missing in a session, and tell whether the cause is gone. "
        "Tries nothing and changes nothing. Exit status: 0 no cause is still there, 1 some are, "
        "2 no such session."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session", type=row_number, help="the number of the session")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, session: int, **options: Any) -> None:
        try:
            entries = list(recheck.report(sessions.get(session)))
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        lines = [_line(entry) for entry in entries]
        self.stdout.write(json.dumps(entries, indent=2) if options["json"] else "\n".join(lines))
        if any(entry["gone"] is False for entry in entries):
            sys.exit(1)


def _line(entry: dict[str, Any]) -> str:
    about = entry.get("path", "the session itself")
    return f"{_WORDS[entry['gone']]}: {about} [{entry['code']}] {' '.join(entry['seen'])}".rstrip()
