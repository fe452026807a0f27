"""How late scheduled runs began, as one histogram over all of them: whether the agents keep their schedule."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

from .text import histogram, seconds

FAMILY = histogram("prober_start_lateness_seconds", "How long after their due instants scheduled runs began.")

BOUNDS_US = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000)
"""Upper bounds of the buckets, in micro-seconds; a last one holds everything."""

_BOUNDS = (*map(seconds, BOUNDS_US), "+Inf")
_LINES = (
    "".join(f'{FAMILY.name}_bucket{{le="{bound}"}} %d\n' for bound in _BOUNDS)
    + f"{FAMILY.name}_count %d\n{FAMILY.name}_sum %de-6\n"
)


class Lateness:
    """Counts since the start."""

    __slots__ = ("_buckets", "_sum_us")

    def __init__(self) -> None:
        self._buckets = [0] * len(_BOUNDS)
        self._sum_us = 0

    def add(self, late_us: int) -> None:
        """Count one start."""
        self._buckets[bisect_left(BOUNDS_US, late_us)] += 1
        self._sum_us += late_us

    def text(self) -> str:
        """Return the samples."""
        counts = list(accumulate(self._buckets))
        return _LINES % (*counts, counts[-1], self._sum_us)
