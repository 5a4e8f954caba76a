"""Repair what the consistency check finds."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...consistency import look, repair, telling
from ...consistency.rule import Depth
from .. import findings_text
from ..desk_command import DeskCommand


class Command(DeskCommand):
    help = (
        "Show what can be repaired and how or, with --apply, find, repair, and find again. Nothing is "
        "deleted: files that are in the way go to the quarantine. Exit status: 0 nothing is left but what "
        "was accepted, 1 findings are left, or something could not be looked at; 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="make the repairs")
        parser.add_argument(
            "--deep", action="store_true", help="read every file of the library too"
        )
        parser.add_argument(
            "--rule", action="append", choices=look.RULES, help="only this rule; may be repeated"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, apply: bool, deep: bool, **options: Any) -> None:
        depth = Depth.CONTENTS if deep else Depth.FILES
        codes = options["rule"] or ()
        if apply:
            actor = Actor(f"command:{getpass.getuser()}")
            report = telling.outcome_report(repair.repair(codes=codes, depth=depth, actor=actor))
            shown = findings_text.outcome(report)
        else:
            report = telling.plan_report(look.take(codes=codes, depth=depth))
            shown = findings_text.plan(report)
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else shown)
        if report["findings"] or not report["complete"]:
            sys.exit(1)
