"""Cancel a session."""

from __future__ import annotations

from typing import Any

from ...audit_logger import Actor
from ...services import control
from ..session_command import SessionCommand


class Command(SessionCommand):
    help = (
        "Stop a session for good. What is imported stays imported, what waits stays where it is, and "
        "files in work are finished or given back first. import_resume opens it again."
    )
    reason = "Canceled by an operator."

    def act(self, session_id: int, *, actor: Actor, reason: str, **_: Any) -> dict[str, Any]:
        control.cancel(session_id, actor=actor, reason=reason)
        return {}
