"""Undo an import."""

from __future__ import annotations

import sys
from typing import Any

from ...audit_logger import Actor
from ...services import undo
from ..refusals import INTERRUPTED
from ..session_command import SessionCommand

_INTERRUPTED = (
    "Interrupted. Nothing is lost; the rest goes back with the next sweep, or at once by\n"
    "python manage.py import_undo {}\n"
)
_KEPT = ("code", "summary", "diagnosis", "recommended_actions", "actions", "seen", "seen_at")


class Command(SessionCommand):
    help = (
        "Bring every file of a session back to where it came from, and take it out of the library. "
        "Nothing is overwritten or deleted: a library file whose source still has the bytes goes to "
        "the library's quarantine. What cannot be undone stays imported, with the reason; asking "
        "again goes on. Exit status: 0 all undone, 1 not all of it, 2 wrong use or refused, 130 interrupted."
    )
    reason = "Undone by an operator."

    def act(self, session_id: int, *, actor: Actor, reason: str, **_: Any) -> dict[str, Any]:
        try:
            report = undo.undo(session_id, actor=actor, reason=reason)
        except KeyboardInterrupt:
            sys.stderr.write(_INTERRUPTED.format(session_id))
            sys.exit(INTERRUPTED)
        return {
            "undone": report.undone,
            "refused": [_told(one) for one in report.refused],
            "handed_over": {str(pk): number for pk, number in report.handed_over.items()},
        }

    def status(self, more: dict[str, Any]) -> int:
        return 1 if more["refused"] else 0


def _told(refusal: undo.Refusal) -> dict[str, Any]:
    item = refusal.item
    told = {"item": item.pk, "path": item.shown_absolute_path}
    return told | {name: refusal.failure[name] for name in _KEPT}
