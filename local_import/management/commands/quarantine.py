"""List what was set aside, and put it back."""

from __future__ import annotations

import getpass
import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from ...audit_logger import Actor
from ...consistency import breaker, quarantine
from ...fsops import Tree
from ..arguments import filled
from ..desk_command import DeskCommand
from ..refusals import wrong_use

_ONLY = "the only copy here"


class Command(DeskCommand):
    help = (
        "List the files in the library's quarantine, or put one back to where it stood. Nothing is "
        "overwritten. Exit status: 0 done, 1 it could not be put back, 2 wrong use."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("list", "restore"), help="what to do")
        parser.add_argument(
            "name", nargs="?", type=filled, help="what to put back, as the list names it"
        )
        parser.add_argument("--json", action="store_true", help="print JSON and nothing else")

    def handle(self, *, action: str, name: str | None, **options: Any) -> None:
        with breaker.library_to_look_at() as library:
            if library is None:
                wrong_use("The library is not there, or not mounted.")
            if action == "list":
                self._list(library, as_json=options["json"])
            else:
                self._restore(library, name or "", as_json=options["json"])

    def _list(self, library: Tree, *, as_json: bool) -> None:
        rows = [
            quarantine.told(library, found) | {"held_as": quarantine.held_as(library, found)}
            for found in quarantine.held(library)
        ]
        if as_json:
            self.stdout.write(json.dumps(rows, indent=2))
            return
        for row in rows:
            line = f"{row['name']}\t{row['bytes']} bytes\tfrom {row['from'] or 'an import'}"
            held = f"the library has its bytes as {row['held_as']}" if row["held_as"] else _ONLY
            self.stdout.write(f"{line}\t{row['why']}\t{held}")
        only = sum(not row["held_as"] for row in rows)
        self.stdout.write(f"{len(rows)} in quarantine, {only} of them the only copy here.")

    def _restore(self, library: Tree, name: str, *, as_json: bool) -> None:
        if quarantine.find(library, name) is None:
            wrong_use("Name a file of the quarantine: python manage.py quarantine list")
        where, problem = "", ""
        try:
            actor = Actor(f"command:{getpass.getuser()}")
            where = quarantine.restore(library, name, actor=actor)
        except quarantine.NotRestored as reason:
            problem = str(reason)
        if as_json:
            self.stdout.write(json.dumps({"restored": where or None, "problem": problem or None}))
        elif problem:
            sys.stderr.write(f"It was not put back. {problem}\n")
        else:
            self.stdout.write(f"It is back as {where}.")
        if problem:
            sys.exit(1)
