"""Show how much was imported, how fast, and how much of it failed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from ... import metrics
from .. import metrics_text
from ..arguments import span
from ..desk_command import DeskCommand


class Command(DeskCommand):
    help = (
        "Show how much came to rest, how fast, how much of it failed, and how long each step took. "
        "Changes nothing. Exit status: 0 done, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since",
            type=span,
            default=timedelta(days=1),
            metavar="SPAN",
            help="how far back: a number and s, m, h or d (default 24h)",
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, since: timedelta, **options: Any) -> None:
        found = metrics.metrics(timezone.now() - since)
        shown = json.dumps(found, indent=2) if options["json"] else metrics_text.text(found)
        self.stdout.write(shown)
