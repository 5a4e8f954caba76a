"""List the originals of the library again."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ... import fsops
from ...audit_logger import Actor
from ...consistency import breaker, rebuild
from ..desk_command import DeskCommand
from ..refusals import wrong_use

SHOWN = 50


class Command(DeskCommand):
    help = (
        "Show which photos of the library no media names, as after the loss of the database or, with "
        "--apply, list them. Files are only read. Exit status: 0 all are listed, 1 some were left out, "
        "or are to be listed by --apply; 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="list them")
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, apply: bool, **options: Any) -> None:
        actor = Actor(f"command:{getpass.getuser()}")
        with breaker.library_to_look_at() as library:
            if library is None:
                wrong_use("The library is not there, or not mounted.")
            try:
                done = rebuild.rebuild(library, apply=apply, actor=actor)
            except fsops.Displaced:
                wrong_use("The library is not at its path any more.")
            except rebuild.StaleRows:
                wrong_use("An import has listed some of the files meanwhile. Ask again.")
        self.stdout.write(_as_json(done, apply) if options["json"] else _as_text(done, apply))
        if done.left_out or (done.listed and not apply):
            sys.exit(1)


def _as_json(done: rebuild.Rebuilt, apply: bool) -> str:
    left = [{"path": path, "reason": reason} for path, reason in done.left_out]
    return json.dumps({"applied": apply, "listed": done.listed, "left_out": left}, indent=2)


def _as_text(done: rebuild.Rebuilt, apply: bool) -> str:
    lines = [f"  ✖ {path}: {reason}" for path, reason in done.left_out[:SHOWN]]
    verb = "listed" if apply else "to be listed with --apply"
    return "\n".join([*lines, f"{done.listed} {verb}, {len(done.left_out)} left out."])
