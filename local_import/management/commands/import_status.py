"""Tell the state of the sessions, or of one of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from ...errors import ImportProblem
from ...models import ImportSession
from ...services import reports, sessions
from ...states import ItemState, SessionState
from .. import text
from ..arguments import row_number
from ..desk_command import DeskCommand
from ..json_pieces import pieces
from ..refusals import refuse, wrong_use
from ..watching import watch

NEWEST = 50  # sessions listed


class Command(DeskCommand):
    help = (
        "List the newest sessions; or, with a number, show one: its items by state, and each "
        "failure with its code, cause and what to do. Changes nothing. Exit status: 0 fine, 2 no "
        "such session or wrong use; with --watch, 1 when it ends failed, in error or canceled, and "
        "130 when the watching is interrupted, which does not stop the import."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session", nargs="?", type=row_number, help="the number of a session")
        parser.add_argument("--items", action="store_true", help="list the items of the session")
        parser.add_argument("--state", choices=ItemState.values, help="only items in this state")
        parser.add_argument(
            "--watch", action="store_true", help="follow the session live until it is at rest"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, session: int | None, **options: Any) -> None:
        if session is None:
            if options["items"] or options["state"] or options["watch"]:
                wrong_use("--items, --state and --watch need the number of a session.")
            self._list(options["json"])
        elif options["watch"]:
            self._watch(session, **options)
        else:
            self._show(session, **options)

    def _watch(self, number: int, **options: Any) -> None:
        """Ends as the session ends, and then says how it stands."""
        try:
            session = watch(number)
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        options.pop("watch")
        self._show(number, **options)
        if session.state != SessionState.IMPORTED:
            sys.exit(1)

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
            report["items"] = reports.items_report(session, state or "")
        self.write_all(pieces(report) if json else _text(report))


def _text(report: dict[str, Any]) -> Iterator[str]:
    yield text.session(report) + "\n"
    if "items" in report:
        columns = ("item", "state", "code", "size", "destination", "path")
        yield "\n"
        yield from (f"{line}\n" for line in text.rows_of(report["items"], columns))
