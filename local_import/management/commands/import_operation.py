"""Do what a button of the pages does, or show what it would do."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import CommandParser

from ... import operations
from ...audit_logger import Actor
from ...errors import ImportProblem
from ...operations import Preview
from ..arguments import add_reason, filled
from ..desk_command import DeskCommand
from ..refusals import refuse, wrong_use


class Command(DeskCommand):
    help = (
        "Do what a button of the pages does, to the same files, with the same record; each page that "
        "asks for a confirmation shows its command. Exit status: 0 done, 1 done in part, or not "
        "possible now with --dry-run, 2 wrong use or refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("operation", choices=list(operations.REGISTRY), help="what to do")
        parser.add_argument(
            "target",
            type=filled,
            help="to what: session:N, session:N:CODE, item:N, items:N,N, files:N:FILTERS (those "
            "that the filters of a session's list find, as in state=failed&path=below), incident:N, "
            "finding:N, rule:CODE, quarantine:NAME, check:rows or check:files, missing:N:DIGEST",
        )
        add_reason(parser, "Asked for by an operator.")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be done, and do nothing"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(
        self, *, operation: str, target: str, reason: str, dry_run: bool, **options: Any
    ) -> None:
        try:
            preview = operations.preview(operation, target)
            told = _planned(preview) if dry_run else _done(preview, reason)
        except (operations.WrongTarget, ObjectDoesNotExist):
            wrong_use(f"{target} names nothing that {operation} could be done to. See --help.")
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else _as_text(told))
        if told.get("why_not") or (told["refused"] and not dry_run):
            sys.exit(1)


def _planned(preview: Preview) -> dict[str, Any]:
    return {
        "operation": preview.name,
        "target": preview.target,
        "why_not": preview.why_not,
        "touches": preview.touches,
        "refused": [one._asdict() for one in preview.refused],
    }


def _done(preview: Preview, reason: str) -> dict[str, Any]:
    """Raises ImportProblem."""
    actor = Actor(f"command:{getpass.getuser()}")
    run = operations.carry_out(preview.name, preview.target, actor=actor, reason=reason, wait=True)
    return {
        "operation": preview.name,
        "target": preview.target,
        "run": run.pk,
        "state": run.state,
        "done": run.done,
        "refused": run.refusals,
        "told": run.result.get("told", ""),
    }


def _as_text(told: dict[str, Any]) -> str:
    lines = [f"{told['operation']} of {told['target']}"]
    if "run" in told:
        lines += [f"Done: {told['done']}; operation {told['run']} is {told['state']}."]
        lines += [told["told"]] if told["told"] else []
    else:
        lines += [told["why_not"] or f"It would touch: {told['touches']}"]
    lines += [f"Left alone: {one['number']}. {one['why']}" for one in told["refused"]]
    return "\n".join(lines)
