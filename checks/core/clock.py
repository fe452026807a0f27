"""The clocks of a run: monotonic nanoseconds for durations, wall micro-seconds for stamps.

Kernel receive stamps are wall clock nanoseconds. They become monotonic by the offset of the two clocks, read
at the same moment, so that a stepped wall clock bends nothing but the stamps of that one instant.
"""

from __future__ import annotations

import time

monotonic_ns = time.monotonic_ns
wall_ns = time.time_ns


def wall_us() -> int:
    """Return the wall clock in micro-seconds since the epoch."""
    return time.time_ns() // 1000


def offset_ns() -> int:
    """Return wall minus monotonic clock; a jump of it is a stepped wall clock."""
    return time.time_ns() - time.monotonic_ns()
