"""Try again what failed in a session."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...errors import ErrorCode
from ...services import control
from ..refusals import wrong_use
from ..session_command import SessionCommand


class Command(SessionCommand):
    help = (
        "Offer the files of a session that failed or are missing to the workers again. Exit status: "
        "0 when there were some, 1 when there were none, 2 wrong use or refused."
    )
    reason = "Tried again by an operator."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--code", default="", help="only those with this error code")

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
