"""Examine the installation."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from ...doctor import Point, examine
from ..desk_command import DeskCommand


class Command(DeskCommand):
    help = (
        "Examine the installation: settings, database, migrations, clock, library, broker, workers and "
        "beat, each with what was seen and what to do. Changes nothing. Exit status: 0 sound, 1 not."
    )
    requires_system_checks: list[str] = []  # it tells of them itself

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, **options: Any) -> None:
        points = list(examine())
        if options["json"]:
            told = [asdict(point) | {"sound": point.is_sound} for point in points]
            self.stdout.write(json.dumps(told, indent=2))
        else:
            self.stdout.write("\n".join(map(_line, points)))
        if not all(point.is_sound or point.optional for point in points):
            sys.exit(1)


def _line(point: Point) -> str:
    mark = "✔" if point.is_sound else "○" if point.optional else "✖"
    line = f"{mark} {point.name}: {point.seen}"
    if point.is_sound:
        return line
    return f"{line}\n    → {point.remedy}" + (f"\n      {point.command}" if point.command else "")
