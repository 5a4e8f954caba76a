"""Go on with a session, in the background."""

from __future__ import annotations

from typing import Any

from ...audit_logger import Actor
from ...services import background
from ..session_command import SessionCommand


class Command(SessionCommand):
    help = (
        "Go on with a session that was paused, canceled, failed or in error: what failed or is "
        "missing is tried again. Its workers are called; to work in the foreground instead, use "
        "import_photos --resume."
    )
    reason = "Resumed by an operator."

    def act(self, session_id: int, *, actor: Actor, reason: str, **_: Any) -> dict[str, Any]:
        background.resume(session_id, actor=actor, reason=reason)
        return {}
