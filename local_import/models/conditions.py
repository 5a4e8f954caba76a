"""Conditions that a database decides quickly, for the constraints of rows that change often.

The plain forms say the same. But SQLite makes a table of a list of more than two values (for a trigger
anew with each row), and Django's `^` asks everything twice: together a third of what it took to write
the states of a file.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q


def one_of(column: str, values: Iterable[str]) -> Q:
    """The column holds one of the values."""
    return Q(*((column, value) for value in values), _connector=Q.OR)


def either(one: Q, other: Q) -> Q:
    """One of them holds, and not both. Not for columns that may be null."""
    return (one & ~other) | (~one & other)
