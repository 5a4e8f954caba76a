"""The catalogue of error codes, and the exception that carries one.

A code is stable and machine-readable; its texts are for people and may be translated and improved.
Which exception means which code is decided in troubleshooting/.
"""

from . import content, database, library, permission, request, source, storage, worker
from .actions import ITEM_OPERATIONS, SHELL, START_AGAIN, THEN, Action, Operation
from .problem import ImportProblem
from .vocabulary import Category, Entries, ErrorCode, ErrorEntry, Severity, Text

CATALOGUE: Entries = {
    **source.ENTRIES,
    **permission.ENTRIES,
    **content.ENTRIES,
    **library.ENTRIES,
    **storage.ENTRIES,
    **database.ENTRIES,
    **worker.ENTRIES,
    **request.ENTRIES,
}

__all__ = [
    "CATALOGUE",
    "ITEM_OPERATIONS",
    "SHELL",
    "START_AGAIN",
    "THEN",
    "Action",
    "Category",
    "ErrorCode",
    "ErrorEntry",
    "ImportProblem",
    "Operation",
    "Severity",
    "Text",
]
