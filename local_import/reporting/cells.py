"""Cells of a table for a spreadsheet: a stranger's text is never a formula there."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # Source: OWASP, CSV injection


class Echo:
    """What csv writes to it, it hands back."""

    def write(self, line: str) -> str:
        return line


def defused(cell: str) -> str:
    """Text that a spreadsheet would take for a formula is told as text, by an apostrophe."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
