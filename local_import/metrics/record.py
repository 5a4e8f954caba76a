"""Record: whoever measured something adds rows to the table, in the transaction of what was done."""

from __future__ import annotations

from collections import defaultdict

from django.utils import timezone

from ..models.metric_bucket import Measure
from .folding import UNFOLDED
from .tally import Key, Tally, write


class Measurements:
    """Collected while a batch is worked on; written once, with its outcome."""

    def __init__(self) -> None:
        self._tallies: defaultdict[Key, Tally] = defaultdict(Tally)

    def of(self, measure: Measure, *, format: str = "", code: str = "") -> Tally:
        return self._tallies[Key(measure.value, format, code)]

    def write(self) -> None:
        """One statement, which waits for nobody. Does nothing where nothing was measured."""
        measured = {key: tally for key, tally in self._tallies.items() if tally.count}
        if measured:
            minute = timezone.now().replace(second=0, microsecond=0)
            write(minute, UNFOLDED, measured)


def note_finding(rule: str) -> None:
    """Count a finding that was not there before. Call it in the transaction that records it."""
    measured = Measurements()
    measured.of(Measure.FINDING, code=rule).add(0.0)
    measured.write()
