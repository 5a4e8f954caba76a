"""How a command says no: in words on standard error, as JSON where asked for, with status 2."""

from __future__ import annotations

import json
import sys
from typing import NoReturn

from ..errors import ImportProblem
from . import text

WRONG_USE = 2


def wrong_use(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(WRONG_USE)


def refuse(problem: ImportProblem, *, as_json: bool) -> NoReturn:
    """Say what is wrong and what to do."""
    sys.stderr.write(text.problem(problem))
    if as_json:
        sys.stdout.write(json.dumps({"session": None, "error": text.failure(problem)}) + "\n")
    sys.exit(WRONG_USE)
