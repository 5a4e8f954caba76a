"""Live with a finding of the consistency check for a time."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...consistency import findings
from ...models import Finding
from ...transactions import database_now
from ..arguments import row_number, sentence
from ..desk_command import DeskCommand
from ..refusals import wrong_use


class Command(DeskCommand):
    help = (
        "Live with a finding for a time: until then it does not count, and nothing repairs it. Its "
        "number is in the admin under Findings. Exit status: 0 accepted, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("finding", type=row_number, help="the number of the finding")
        parser.add_argument("--days", type=int, default=30, help="for how long (default 30)")
        parser.add_argument("--reason", type=sentence, required=True, help="why, as a sentence")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, finding: int, days: int, reason: str, **options: Any) -> None:
        if not 1 <= days <= 3650:
            wrong_use("--days needs a number from 1 to 3650.")
        until = database_now() + timedelta(days=days)
        actor = Actor(f"command:{getpass.getuser()}")
        try:
            row = findings.accept(finding, until=until, reason=reason, actor=actor)
        except Finding.DoesNotExist:
            wrong_use(f"No finding {finding} stands; see the admin under Findings.")
        except findings.NotAcceptable as reason:
            proposal = Finding.objects.get(pk=finding).proposal
            wrong_use(f"{reason} {proposal}")
        if options["json"]:
            told = {"finding": row.pk, "rule": row.rule, "until": until.isoformat()}
            self.stdout.write(json.dumps(told))
        else:
            self.stdout.write(f"Accepted until {until:%Y-%m-%d}: {row.summary}")
