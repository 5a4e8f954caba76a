"""List the incidents: what fails, where, how often; and acknowledge one."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Count

from ... import incidents, names
from ...audit_logger import Actor
from ...models import Incident
from .. import text
from ..arguments import row_number, sentence
from ..desk_command import DeskCommand
from ..refusals import wrong_use

NEWEST = 50  # incidents listed
_COLUMNS = ("incident", "state", "files", "seen", "last_seen_at", "title")


class Command(DeskCommand):
    help = (
        "List what fails, one line for each cause and place, seen last first. Exit status: 0 nothing "
        "is unresolved, 1 something is, 2 wrong use. For one of them: explain incident:N."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="list those resolved as well")
        parser.add_argument(
            "--acknowledge",
            type=row_number,
            metavar="N",
            help="let others know that this one is seen to",
        )
        parser.add_argument("--reason", type=sentence, help="how it is seen to (a sentence)")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, acknowledge: int | None, reason: str | None, **options: Any) -> None:
        if (acknowledge is None) != (reason is None):
            wrong_use("--acknowledge and --reason go together.")
        if acknowledge is not None and reason is not None:
            self._acknowledge(acknowledge, reason)
        found = Incident.objects.all() if options["all"] else Incident.objects.unresolved()
        counted = found.annotate(files=Count("items")).most_recent_first()
        rows = [_row(incident) for incident in counted[:NEWEST]]
        self.stdout.write(
            json.dumps(rows, indent=2) if options["json"] else text.table(rows, _COLUMNS)
        )
        if any(row["state"] != "resolved" for row in rows):
            sys.exit(1)

    def _acknowledge(self, number: int, reason: str) -> None:
        actor = Actor(f"command:{getpass.getuser()}")
        try:
            incidents.acknowledge(number, actor=actor, reason=reason)
        except Incident.DoesNotExist:
            wrong_use(f"There is no incident {number}. See: python manage.py import_incidents")


def _row(incident: Any) -> dict[str, Any]:
    """`files` are those that fail of it now, `seen` is how many ever did."""
    return {
        "incident": incident.pk,
        "state": incident.state,
        "code": incident.code,
        "place": incident.place,
        "files": incident.files,
        "seen": incident.count,
        "sessions": list(incident.sessions.order_by("pk").values_list("pk", flat=True)),
        "first_seen_at": incident.first_seen_at.isoformat(),
        "last_seen_at": incident.last_seen_at.isoformat(),
        "acknowledged_by": incident.acknowledged_by,
        "acknowledged_reason": incident.acknowledged_reason,
        "title": names.legible(incident.title),
    }
