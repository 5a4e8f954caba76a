"""Tell the state of the sessions, or of one of them."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...errors import ImportProblem
from ...models import ImportSession
from ...services import reports, sessions
from ...states import ItemState
from .. import text
from ..desk_command import DeskCommand

NEWEST = 50  # sessions listed


class Command(DeskCommand):
    help = (
        "List the newest sessions; or, with a number, show one: its items by state, and each "
        "failure with its code, cause and what to do. Changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session", nargs="?", type=int, help="the number of a session")
        parser.add_argument("--items", action="store_true", help="list the items of the session")
        parser.add_argument("--state", choices=ItemState.values, help="only items in this state")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, session: int | None, **options: Any) -> None:
        if session is None:
            if options["items"] or options["state"]:
                sys.stderr.write("--items and --state need the number of a session.\n")
                sys.exit(2)
            self._list(options["json"])
        else:
            self._show(session, **options)

    def _list(self, as_json: bool) -> None:
        found = ImportSession.objects.order_by("-pk")[:NEWEST]
        rows = [
            {
                "session": row.pk,
                "state": str(row.state),
                "mode": row.mode,
                "total": sum(row.counts.values()),
                "counts": row.counts,
                "label": row.label,
                "source": row.source,
            }
            for row in found
        ]
        shown = text.table(rows, ("session", "state", "mode", "total", "label", "source"))
        self.stdout.write(json.dumps(rows, indent=2) if as_json else shown)

    def _show(self, number: int, *, items: bool, state: str | None, json: bool, **_: Any) -> None:
        try:
            session = sessions.get(number)
        except ImportProblem as problem:
            sys.stderr.write(text.problem(text.failure(problem)))
            sys.exit(2)
        report = reports.session_report(session)
        if items or state:
            report["items"] = list(reports.items_report(session, state or ""))
        self.stdout.write(_json(report) if json else _text(report))


def _json(report: dict[str, Any]) -> str:
    return json.dumps(report, indent=2)


def _text(report: dict[str, Any]) -> str:
    shown = text.session(report)
    if "items" not in report:
        return shown
    columns = ("item", "state", "code", "size", "destination", "path")
    return f"{shown}\n\n{text.table(report['items'], columns)}"
