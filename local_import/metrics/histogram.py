"""Durations counted by magnitude: of a million only a few dozen numbers are kept.

Each bin is a quarter of a doubling wide, so that a quantile is at most a fifth off, from ten
microseconds to a day. Histograms of different times and workers add up bin by bin.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial

SMALLEST_MS = 0.01
PER_DOUBLING = 4
_LAST = math.ceil(PER_DOUBLING * math.log2(24 * 3600 * 1000 / SMALLEST_MS))


def upper_ms(number: int) -> float:
    """The upper end of a bin, which belongs to it."""
    return SMALLEST_MS * math.exp2(number / PER_DOUBLING)


_ENDS = [upper_ms(number) for number in range(_LAST)]  # the last bin takes whatever is longer


def counted(durations_ms: Iterable[float]) -> Counter[int]:
    """How many of the durations fall into each bin."""
    return Counter(map(partial(bisect_left, _ENDS), durations_ms))


def quantile(bins: Mapping[int, int], share: float) -> float | None:
    """The duration in ms that so large a share of them does not exceed; None where there are none.

    Within a bin the durations are taken to be spread evenly on the same scale.
    """
    wanted = share * sum(bins.values())
    passed = 0
    for number in sorted(bins):
        if passed + bins[number] >= wanted and bins[number]:
            within = max(0.0, wanted - passed) / bins[number]
            return upper_ms(number - 1) * math.exp2(within / PER_DOUBLING)
        passed += bins[number]
    return None
