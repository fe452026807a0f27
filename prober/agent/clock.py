"""The agent's wall clock: the monotonic clock plus an offset, so that it never jumps unnoticed.

Small differences to the system's clock (slewing) are followed; a jump beyond the limit is a step, which the runner
has to account for before anything else is stamped.
"""

from __future__ import annotations

from collections.abc import Callable

from checks.core.clock import monotonic_ns, offset_ns

STEP_NS = 500_000_000  # a difference beyond this is a step, below it the clock is merely steered


class AgentClock:
    """Wall micro-seconds since the epoch, from one offset until `follow` adopts another."""

    def __init__(self, offset: Callable[[], int] = offset_ns) -> None:
        """`offset` reads how far the wall clock is ahead of the monotonic one, in nanoseconds."""
        self._offset = offset
        self._offset_ns = offset()
        self.steps = 0

    def now_us(self) -> int:
        """Return the wall clock."""
        return (monotonic_ns() + self._offset_ns) // 1000

    def monotonic_ns(self, wall_us: int) -> int:
        """Return the monotonic instant of a wall instant."""
        return wall_us * 1000 - self._offset_ns

    def follow(self) -> bool:
        """Adopt the system's clock; True when it had been stepped."""
        offset = self._offset()
        stepped = abs(offset - self._offset_ns) > STEP_NS
        self._offset_ns = offset
        self.steps += stepped
        return stepped
