"""Incidents: failures with one cause in one place are one line, with one explanation and one retry.

The door notes each failure here in the transaction that records it, so that neither is there without
the other. A file that does not fail costs nothing.
"""

from .book import Sighting, acknowledge, note, resolve_over
from .failing import note_failures, records_failure
from .fingerprint import fingerprint, place_of
from .record import Record, record_after, records_of

__all__ = [
    "Record",
    "Sighting",
    "acknowledge",
    "fingerprint",
    "note",
    "note_failures",
    "place_of",
    "record_after",
    "records_failure",
    "records_of",
    "resolve_over",
]
