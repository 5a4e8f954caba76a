"""How a command says no: in words on standard error, as JSON where asked for, with status 2."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

from ..errors import ImportProblem
from . import text

FAILED, WRONG_USE = 1, 2
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended


def wrong_use(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(WRONG_USE)


def refuse(problem: ImportProblem, *, as_json: bool) -> NoReturn:
    """Say what is wrong and what to do."""
    _say(problem, as_json)
    sys.exit(WRONG_USE)


def give_up(error: Exception, *, as_json: bool) -> NoReturn:
    """The same for what is no fault of who asked."""
    _say(error, as_json)
    sys.exit(FAILED)


def _say(error: Exception, as_json: bool) -> None:
    found = text.failure(error)
    sys.stderr.write(text.problem(found))
    if as_json:
        sys.stdout.write(json.dumps({"session": None, "error": found}) + "\n")
