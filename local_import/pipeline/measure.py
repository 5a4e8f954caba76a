"""Measure: how long the steps of a batch took, and what became of its files, as rows of the metrics."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..metrics import Measure, Measurements
from .work import Verdict, Work, code_of

_FAILING = ("fail", "lose")


class Clock:
    """Times the steps of one batch. A step that is repeated counts as it was the last time."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.steps_ms: dict[Measure, float] = {}

    @contextmanager
    def step(self, measure: Measure) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps_ms[measure] = (time.perf_counter() - began) * 1000

    @property
    def whole_ms(self) -> float:
        return (time.perf_counter() - self._began) * 1000


def record(batch: Sequence[Work], clock: Clock) -> None:
    """Add what was measured of a batch, by one statement. Call it in the transaction that settles it."""
    measured = Measurements()
    for work in batch:
        measured.of(Measure.WAIT).add(work.waited_ms)
        if work.read_ms:
            measured.of(Measure.ANALYSE, format=work.format).add(work.read_ms)
        if work.place_ms:
            measured.of(Measure.PLACE, format=work.format).add(work.place_ms)
        _note_outcome(measured, work)
    _note_steps(measured, batch, clock)
    measured.write()


def record_outcome(work: Work) -> None:
    """The same for a file that has just come to rest outside of a batch."""
    measured = Measurements()
    _note_outcome(measured, work)
    measured.write()


def _note_outcome(measured: Measurements, work: Work) -> None:
    if _is_given_back(work.verdict):
        return  # it has not come to rest
    file = measured.of(Measure.FILE, format=work.format, code=code_of(work.verdict))
    failed = work.verdict is not None and work.verdict.transition in _FAILING
    file.add(work.spent_ms, size_bytes=work.size_bytes, failed=failed, item_id=work.item_id)


def _is_given_back(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.transition == "release"


def _note_steps(measured: Measurements, batch: Sequence[Work], clock: Clock) -> None:
    for measure, duration_ms in clock.steps_ms.items():
        if measure == Measure.SYNC:  # what placing took beyond the files themselves
            duration_ms -= sum(work.place_ms for work in batch)
        measured.of(measure).add(max(0.0, duration_ms))
    measured.of(Measure.BATCH).add(clock.whole_ms)
