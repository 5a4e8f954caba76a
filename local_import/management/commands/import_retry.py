"""Try again what failed in a session, or of an incident."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...errors import ErrorCode
from ...models import Incident
from ...services import control
from .. import text
from ..refusals import wrong_use
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
        parser.add_argument("--code", default="", help="only those with this error code")
        parser.add_argument("--incident", type=int, metavar="N", help="those of this incident")

    def handle(self, *, session: int | None, reason: str, **options: Any) -> None:
        incident = options.pop("incident")
        if session is not None and incident is None:
            super().handle(session=session, reason=reason, **options)
        elif incident is not None and session is None:
            self._retry_incident(incident, reason=reason, **options)
        else:
            wrong_use("Name either a session or --incident N.")

    def act(
        self, session_id: int, *, actor: Actor, reason: str, code: str = "", **_: Any
    ) -> dict[str, Any]:
        if code and code not in ErrorCode.values:
            wrong_use(
                f"There is no error code {code!r}. The codes are: {', '.join(ErrorCode.values)}."
            )
        number = control.retry(session_id, actor=actor, reason=reason, code=code)
        return {"retried": number}

    def status(self, more: dict[str, Any]) -> int:
        return 0 if more["retried"] else 1

    def _retry_incident(self, incident: int, *, reason: str, code: str, **options: Any) -> None:
        if code:
            wrong_use("--incident goes without --code: an incident has one code.")
        actor = Actor(f"command:{getpass.getuser()}")
        try:
            done = control.retry_incident(incident, actor=actor, reason=reason)
        except Incident.DoesNotExist:
            wrong_use(f"There is no incident {incident}. See: python manage.py import_incidents")
        self.stdout.write(_as_json(done) if options["json"] else _as_text(done))
        if done.refused or not done.sessions:
            sys.exit(1)


def _as_json(done: control.IncidentRetry) -> str:
    refused = [{"session": pk} | text.failure(problem) for pk, problem in done.refused.items()]
    known = {"incident": done.incident.pk, "retried": done.files, "sessions": done.sessions}
    return json.dumps(known | {"refused": refused}, indent=2)


def _as_text(done: control.IncidentRetry) -> str:
    sessions = ", ".join(map(str, done.sessions)) or "none"
    lines = [f"Files offered again: {done.files}; sessions: {sessions}"]
    for pk, problem in done.refused.items():
        lines += [f"Not in session {pk}:", text.problem(text.failure(problem))]
    return "\n".join(lines)
