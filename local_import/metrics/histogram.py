"""Durations counted by magnitude: of a million only a few dozen numbers are kept.

Each bin is a quarter of a doubling wide, so that a quantile is at most a fifth off, from ten
microseconds to a day. Histograms of different times and workers add up bin by bin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

SMALLEST_MS = 0.01
PER_DOUBLING = 4
_LAST = math.ceil(PER_DOUBLING * math.log2(24 * 3600 * 1000 / SMALLEST_MS))


def bin_of(duration_ms: float) -> int:
    """The bin that a duration falls into; its upper end belongs to it."""
    if duration_ms <= SMALLEST_MS:
        return 0
    return min(_LAST, math.ceil(PER_DOUBLING * math.log2(duration_ms / SMALLEST_MS)))


def upper_ms(number: int) -> float:
    """The upper end of a bin."""
    return SMALLEST_MS * math.exp2(number / PER_DOUBLING)


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
