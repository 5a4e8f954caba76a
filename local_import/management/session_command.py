"""What the commands that act on one session share: its number, a reason, and the answer."""

from __future__ import annotations

import getpass
import sys
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from ..audit_logger import Actor
from ..errors import ImportProblem
from ..services import reports, sessions
from . import text
from .arguments import add_reason, row_number
from .desk_command import DeskCommand
from .json_pieces import pieces
from .refusals import refuse


class SessionCommand(DeskCommand):
    """Acts on a session and shows how it stands then. Exit status: 0 done, 2 wrong use or refused."""

    nargs: ClassVar[str | None] = None  # of the session's number; "?" where it may be left out
    reason: ClassVar[str]  # what the audit log says when no other reason is given

    def add_arguments(self, parser: CommandParser) -> None:
        number = "the number of the session"
        parser.add_argument("session", type=row_number, nargs=self.nargs, help=number)
        add_reason(parser, self.reason)
        parser.add_argument(
            "--json", action="store_true", help="print the session as JSON and nothing else"
        )

    def act(self, session_id: int, *, actor: Actor, reason: str, **options: Any) -> dict[str, Any]:
        """Do it. What is returned is added to the JSON of the session. Raises ImportProblem."""
        raise NotImplementedError

    def handle(self, *, session: int, reason: str, **options: Any) -> None:
        actor = Actor(f"command:{getpass.getuser()}")
        try:
            more = self.act(session, actor=actor, reason=reason, **options)
            report = reports.session_report(sessions.get(session)) | more
        except ImportProblem as problem:
            refuse(problem, as_json=options["json"])
        self.write_all(pieces(report) if options["json"] else [text.session(report), "\n"])
        if status := self.status(more):
            sys.exit(status)

    def status(self, more: dict[str, Any]) -> int:
        """The exit status, by what `act` returned."""
        return 0
