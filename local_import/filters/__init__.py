"""The one grammar of filters, for every list: `word:value word:"two words"`.

A word that a list does not know, or a value that it cannot have, is an error in words and never ignored.
"""

from .grammar import Filter, Term, has_parts, parse
from .words import Word, WrongFilter, choice, exact, json_value, moment, number, prefix

__all__ = [
    "Filter",
    "Term",
    "Word",
    "WrongFilter",
    "choice",
    "exact",
    "has_parts",
    "json_value",
    "moment",
    "number",
    "parse",
    "prefix",
]
