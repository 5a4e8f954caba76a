"""Try again what failed in a session, or of an incident."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ... import operations
from ...audit_logger import Actor
from ...errors import ErrorCode, ImportProblem, Operation
from ...models import Incident
from ..arguments import filled, row_number
from ..refusals import refuse, wrong_use
from ..session_command import SessionCommand


class Command(SessionCommand):
    help = (
        "Offer files that failed or are missing to the workers again: those of a session, or all of "
        "an incident, in whatever sessions they are; sessions that it brought to a stop are started "
        "again. Exit status: 0 when there were some, 1 when there were none or a session refused, "
        "2 wrong use or refused."
    )
    nargs = "?"
    reason = "Tried again by an operator."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--code", type=filled, help="only those with this error code")
        parser.add_argument(
            "--incident", type=row_number, metavar="N", help="those of this incident"
        )

    def handle(self, *, session: int | None, reason: str, **options: Any) -> None:
        incident = options.pop("incident")
        if session is not None and incident is None:
            super().handle(session=session, reason=reason, **options)
        elif incident is not None and session is None:
            self._retry_incident(incident, reason=reason, **options)
        else:
            wrong_use("Name either a session or --incident N.")

    def act(
        self, session_id: int, *, actor: Actor, reason: str, code: str | None = None, **_: Any
    ) -> dict[str, Any]:
        if code and code not in ErrorCode.values:
            wrong_use(
                f"There is no error code {code!r}. The codes are: {', '.join(ErrorCode.values)}."
            )
        target = f"session:{session_id}:{code}" if code else f"session:{session_id}"
        found = operations.preview(Operation.RETRY, target)
        if not found.touches and not found.refused:
            return {"retried": 0}
        run = operations.carry_out(Operation.RETRY, target, actor=actor, reason=reason, wait=True)
        return {"retried": run.done}

    def status(self, more: dict[str, Any]) -> int:
        return 0 if more["retried"] else 1

    def _retry_incident(
        self, incident: int, *, reason: str, code: str | None, **options: Any
    ) -> None:
        if code:
            wrong_use("--incident goes without --code: an incident has one code.")
        actor, target = Actor(f"command:{getpass.getuser()}"), f"incident:{incident}"
        try:
            found = operations.preview(Operation.RETRY, target)
            run = operations.carry_out(
                Operation.RETRY, target, actor=actor, reason=reason, wait=True
            )
        except Incident.DoesNotExist:
            wrong_use(f"There is no incident {incident}. See: python manage.py import_incidents")
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        known = {"incident": incident, "retried": run.done, "sessions": found.plan.sessions}
        told = known | {"refused": run.refusals}
        self.stdout.write(json.dumps(told, indent=2) if options["json"] else _as_text(told))
        if run.refused:
            sys.exit(1)


def _as_text(told: dict[str, Any]) -> str:
    sessions = ", ".join(map(str, told["sessions"]))
    lines = [f"Files offered again: {told['retried']}; sessions: {sessions}"]
    lines += [f"Not offered: {one['number']}. {one['why']}" for one in told["refused"]]
    return "\n".join(lines)
