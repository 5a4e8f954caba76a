"""Read the audit log."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from ...models import AuditLog
from ...models.audit_log import AuditCategory, AuditLevel
from ..arguments import row_number, sentence, up_to
from ..desk_command import DeskCommand

MOST = 100_000  # rows at once
_COLUMNS = (
    "id", "timestamp", "level", "category", "action", "message", "session_id", "item_id",
    "external_item", "actor", "request_id", "task_id", "from_state", "to_state", "duration_ms",
    "details",
    "error_type", "error_message", "recommended_actions",
)  # fmt: skip


class Command(DeskCommand):
    help = "Show rows of the audit log, newest first: what happened, to what, by whom and why."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--session", type=row_number, help="only rows of this session")
        parser.add_argument("--item", type=sentence, help="only rows of this item")
        parser.add_argument("--category", choices=AuditCategory.values, help="only this category")
        parser.add_argument("--level", choices=AuditLevel.values, help="only this level")
        parser.add_argument(
            "--limit", type=up_to(MOST), default=200, help="how many rows (default 200)"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, session: int | None, item: str | None, **options: Any) -> None:
        rows = AuditLog.objects.search(session_id=session, item_id=item)
        for name in ("category", "level"):
            if options[name]:
                rows = rows.filter(**{name: options[name]})
        found = list(rows.values(*_COLUMNS)[: options["limit"]])
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=2, default=str))
            return
        for row in found:
            self.stdout.write(_line(row))


def _line(row: dict[str, Any]) -> str:
    about = " ".join(
        f"{name} {row[key]}"
        for name, key in (("session", "session_id"), ("item", "item_id"))
        if row[key]
    )
    states = f" {row['from_state'] or '·'} → {row['to_state']}" if row["to_state"] else ""
    moment = f"{row['timestamp']:%Y-%m-%d %H:%M:%S}"
    return f"{moment} {row['level']:8} {about}{states}: {row['message']} ({row['actor']})"
