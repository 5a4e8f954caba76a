"""Report on a session: causes, what to do, and every file with its outcome."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from ...errors import ImportProblem
from ...reporting import files, generate_troubleshooting_report
from ...services import sessions
from ...transactions import one_moment
from ..arguments import row_number
from ..desk_command import DeskCommand
from ..refusals import refuse
from ..report_formats import FORMATS


class Command(DeskCommand):
    help = (
        "Print the report of a session: severity, outcomes, causes, what to do in order, the slowest "
        "files, and every file with its outcome. Changes nothing. Exit status: 0 nothing is wrong, "
        "1 something is, 2 no such session."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session", type=row_number, help="the number of the session")
        parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")

    def handle(self, *, session: int, format: str, **_: Any) -> None:
        try:
            sessions.get(session)
        except ImportProblem as problem:
            refuse(problem, as_json=format == "json")
        with one_moment():
            report = generate_troubleshooting_report(session)
            self.write_all(FORMATS[format](report, files(session)))
        if report["severity"]:
            sys.exit(1)
