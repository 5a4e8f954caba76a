"""Metrics: how much was imported, how fast, and how much of it failed, without a look at the audit log.

Workers add a few rows for each batch (record), a scheduled step folds them (fold), and whoever asks
adds up those of a span of time (window).
"""

from ..models.metric_bucket import Measure
from .folding import fold
from .record import Measurements, note_finding
from .sums import sums
from .window import Window, load, metrics, series

__all__ = [
    "Measure",
    "Measurements",
    "Window",
    "fold",
    "load",
    "metrics",
    "note_finding",
    "series",
    "sums",
]
