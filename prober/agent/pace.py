"""Keeps starts apart: however many runs are due at once, they begin a few at a time.

A token bucket on the monotonic clock. What has to wait, waits in order and counts as lateness, never as latency.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from checks.core.clock import monotonic_ns
from checks.core.reactor import Reactor

BURST = 16  # starts that may fall on one instant
STARTS_PER_SECOND = 4000
_TOKEN_NS = 1_000_000_000 // STARTS_PER_SECOND


class Pace:
    """Admits starts: `admit(start)` calls back now or soon; at most `max_in_flight` are out at a time."""

    def __init__(self, reactor: Reactor, max_in_flight: int) -> None:
        self.max_in_flight = max_in_flight
        self.in_flight = 0
        self.waiting: deque[Callable[[], bool]] = deque()
        self._reactor = reactor
        self._free_ns = 0  # when the bucket is full again
        self._armed = False

    def admit(self, start: Callable[[], bool]) -> None:
        """Call `start` when its turn comes; it returns whether a run is now in flight."""
        if self.waiting or not self._may_start():
            self.waiting.append(start)
            self._arm()
        else:
            self._start(start)

    def ended(self) -> None:
        """A run has ended: the next may go."""
        self.in_flight -= 1
        if self.waiting:
            self._arm()

    def _may_start(self) -> bool:
        return self.in_flight < self.max_in_flight and self._free_ns - monotonic_ns() < BURST * _TOKEN_NS

    def _start(self, start: Callable[[], bool]) -> None:
        self._free_ns = max(self._free_ns, monotonic_ns()) + _TOKEN_NS
        self.in_flight += 1
        if not start():
            self.in_flight -= 1

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            self._reactor.call_at(monotonic_ns() + 2 * _TOKEN_NS, self._drain)

    def _drain(self) -> None:
        self._armed = False
        while self.waiting and self._may_start():
            self._start(self.waiting.popleft())
        if self.waiting and self.in_flight < self.max_in_flight:
            self._arm()
