"""Let old rows of the audit log go."""

from __future__ import annotations

import getpass
import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...consistency import purge
from ..desk_command import DeskCommand
from ..refusals import wrong_use


class Command(DeskCommand):
    help = (
        "Remove rows of the audit log that are older than so many days. What has changed since keeps "
        "all of its rows. It works in small steps and may run, or be stopped, at any time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=int,
            default=purge.RETENTION.days,
            help=f"how many days are kept (default {purge.RETENTION.days})",
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, days: int, **options: Any) -> None:
        if not 1 <= days <= 36_500:
            wrong_use("--days needs a number from 1 to 36500.")
        actor = Actor(f"command:{getpass.getuser()}")
        removed = purge.purge(timedelta(days=days), actor=actor)
        shown = json.dumps({"removed": removed}) if options["json"] else f"{removed} rows removed."
        self.stdout.write(shown)
