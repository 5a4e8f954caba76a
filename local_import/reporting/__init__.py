"""The report of a session: what became of every file, why, and what to do first.

`generate_troubleshooting_report` is the head: counts, causes and actions, in a size that does not
depend on the number of files. `files` is the body: every file with its outcome, one after the other,
so that a million of them need no more memory than ten. Both read; nothing here writes.
"""

from .files import files
from .summary import generate_troubleshooting_report, incidents_of

__all__ = ["files", "generate_troubleshooting_report", "incidents_of"]
