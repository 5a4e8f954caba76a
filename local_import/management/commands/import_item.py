"""Do something with one file of a session."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...errors import ITEM_OPERATIONS, ImportProblem, Operation
from ...models import ImportItem
from ...operations import carry_out
from ...services import background, reports
from ...states import ItemState
from .. import text
from ..arguments import add_reason, row_number
from ..desk_command import DeskCommand
from ..refusals import refuse

_FINE = (ItemState.IMPORTED, ItemState.SKIPPED)


class Command(DeskCommand):
    help = (
        "Do with one file what a recommended action names: retry it, import_anyway although it is "
        "damaged, let it replace its beginning or keep_both, accept_bytes that stand in the library in "
        "its place, or dismiss it. The work is done at once, together with what else waits in the "
        "session. Exit status: 0 imported or set aside, 1 not so, 2 wrong use or refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("item", type=row_number, help="the number of the item")
        parser.add_argument("operation", choices=sorted(ITEM_OPERATIONS), help="what to do with it")
        add_reason(parser, "Asked for by an operator.")
        parser.add_argument(
            "--json", action="store_true", help="print the item as JSON and nothing else"
        )

    def handle(self, *, item: int, operation: str, reason: str, **options: Any) -> None:
        actor = Actor(f"command:{getpass.getuser()}")
        try:
            found = self._carry_out(operation, item, actor, reason)
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        report = reports.item_report(found)
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else text.item(report))
        if found.state not in _FINE:
            sys.exit(1)

    def _carry_out(self, operation: str, pk: int, actor: Actor, reason: str) -> ImportItem:
        """Raises ImportProblem."""
        carry_out(operation, f"item:{pk}", actor=actor, reason=reason)
        item = ImportItem.objects.get(pk=pk)
        if operation not in (Operation.DISMISS, Operation.ACCEPT_BYTES):
            background.work_here(item.session_id, actor=actor)
        return ImportItem.objects.select_related("session").get(pk=pk)
