"""The exception that carries a code."""

from __future__ import annotations

from typing import Any

from .vocabulary import ErrorCode


class ImportProblem(Exception):
    """A failure that the desk expects: a code, and the facts its texts speak of."""

    def __init__(self, code: ErrorCode, **facts: Any) -> None:
        super().__init__(f"{code}: {facts}" if facts else str(code))
        self.code = code
        self.facts = facts
