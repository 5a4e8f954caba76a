"""Pause a session."""

from __future__ import annotations

from typing import Any

from ...audit_logger import Actor
from ...services import control
from ..session_command import SessionCommand


class Command(SessionCommand):
    help = (
        "Let workers take no more files of a session. Within one batch nothing is in work any more; "
        "import_resume goes on. Pausing twice is no error."
    )
    reason = "Paused by an operator."

    def act(self, session_id: int, *, actor: Actor, reason: str, **_: Any) -> dict[str, Any]:
        control.pause(session_id, actor=actor, reason=reason)
        return {}
