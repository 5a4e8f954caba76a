"""Check that database and disk agree."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...consistency import look, telling
from ...consistency.rule import Depth
from ...models import ImportSession
from .. import findings_text
from ..arguments import row_number
from ..desk_command import DeskCommand
from ..refusals import wrong_use


class Command(DeskCommand):
    help = (
        "Check that sessions, items, media, the audit log and the files of the library agree. Changes "
        "nothing, and may run while imports run. Exit status: 0 nothing stands but what was accepted, "
        "1 findings, or something could not be looked at; 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--session", type=row_number, help="only what belongs to this session")
        parser.add_argument(
            "--deep", action="store_true", help="read every file of the library too"
        )
        parser.add_argument(
            "--rule", action="append", choices=look.RULES, help="only this rule; may be repeated"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, session: int | None, deep: bool, **options: Any) -> None:
        if session is not None and not ImportSession.objects.filter(pk=session).exists():
            wrong_use(f"There is no session {session}.")
        depth = Depth.CONTENTS if deep else Depth.FILES
        found = look.take(session_id=session, depth=depth, codes=options["rule"] or ())
        report = telling.look_report(found)
        shown = json.dumps(report, indent=2) if options["json"] else findings_text.look(report)
        self.stdout.write(shown)
        if report["findings"] or not report["complete"]:
            sys.exit(1)
