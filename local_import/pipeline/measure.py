"""Measure: how long the steps of a batch took, and what became of its files, as rows of the metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from ..metrics import Measure, Measurements
from .work import Work, code_of

K = TypeVar("K", bound=Hashable)
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
    measured.of(Measure.WAIT).add_all([work.waited_ms for work in batch])
    for form, works in _grouped(batch, lambda work: work.format).items():
        read = [work.read_ms for work in works if work.read_ms]
        measured.of(Measure.ANALYSE, format=form).add_all(read)
        placed = [work.place_ms for work in works if work.place_ms]
        measured.of(Measure.PLACE, format=form).add_all(placed)
    _note_outcomes(measured, batch)
    _note_steps(measured, batch, clock)
    measured.write()


def record_outcome(work: Work) -> None:
    """The same for a file that has just come to rest outside of a batch."""
    measured = Measurements()
    _note_outcomes(measured, [work])
    measured.write()


def _note_outcomes(measured: Measurements, batch: Sequence[Work]) -> None:
    """Files that have come to rest; one that was given back has not."""
    resting = [work for work in batch if _transition(work) != "release"]
    for key, works in _grouped(resting, _outcome).items():
        form, code, transition = key
        measured.of(Measure.FILE, format=form, code=code).add_all(
            [work.spent_ms for work in works],
            size_bytes=sum(work.size_bytes for work in works),
            failed=transition in _FAILING,
            item_ids=[work.item_id for work in works],
        )


def _outcome(work: Work) -> tuple[str, str, str]:
    return work.format, code_of(work.verdict), _transition(work)


def _transition(work: Work) -> str:
    return work.verdict.transition if work.verdict else ""


def _grouped(works: Iterable[Work], part: Callable[[Work], K]) -> dict[K, list[Work]]:
    groups: dict[K, list[Work]] = {}
    for work in works:
        groups.setdefault(part(work), []).append(work)
    return groups


def _note_steps(measured: Measurements, batch: Sequence[Work], clock: Clock) -> None:
    for measure, duration_ms in clock.steps_ms.items():
        if measure == Measure.SYNC:  # what placing took beyond the files themselves
            duration_ms -= sum(work.place_ms for work in batch)
        measured.of(measure).add(max(0.0, duration_ms))
    measured.of(Measure.BATCH).add(clock.whole_ms)
