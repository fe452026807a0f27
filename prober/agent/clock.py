"""The agent's wall clock: the monotonic clock plus an offset, so that it never jumps unnoticed.

Small differences to the system's clock (slewing) are followed; a jump beyond the limit is a step, which the runner
has to account for before anything else is stamped. An agent that has a hub to compare with goes by the hub's time
while its own system's clock is too far off; what it measures then is void. What happened is `clocks.py`'s to tell.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from checks.core.clock import monotonic_ns
from prober.wire import ClockEvent, ClockState, Missed

from .clocks import STEP_NS, ClockWatch, HubTime, Reading, better, is_beyond

MAX_EVENTS = 20  # kept until somebody takes them; the oldest give way
_CLOSE_NS = 100_000  # clocks that were read within this belong together
_READS = 5  # tries to read them so


def read_clocks() -> Reading:
    """Read the system's clocks as nearly at once as they can be."""
    best, spread_ns = None, 0
    for _ in range(_READS):
        before_ns = time.monotonic_ns()
        realtime_ns = time.time_ns()
        boottime_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        raw_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW)
        took_ns = time.monotonic_ns() - before_ns
        if best is None or took_ns < spread_ns:
            best, spread_ns = Reading(realtime_ns, before_ns + took_ns // 2, boottime_ns, raw_ns), took_ns
        if spread_ns <= _CLOSE_NS:
            break
    assert best is not None  # the loop has run
    return best


class AgentClock:
    """Wall micro-seconds since the epoch, from one offset until `follow` adopts another."""

    def __init__(self, read: Callable[[], Reading] = read_clocks) -> None:
        self._read = read
        first = read()
        self._watch = ClockWatch(first)
        self._offset_ns = first.realtime_ns - first.monotonic_ns
        self._hub: HubTime | None = None
        self._taken: ClockState | None = None  # the newest measurement
        self._limit_us = 0
        self._events: deque[ClockEvent] = deque(maxlen=MAX_EVENTS)
        self._by_hub = False  # whose time the offset is of
        self.is_beyond = False
        """The system's clock is too far from the hub's: results are void, and stamps are the hub's."""
        self.steps = 0
        self.times_set = 0
        """How often the system's clock was set: what was measured of it before says nothing of it now."""

    def now_us(self) -> int:
        """Return the wall clock."""
        return (monotonic_ns() + self._offset_ns) // 1000

    def system_us(self) -> int:
        """Return the system's own wall clock: the one to measure against the hub's."""
        return self._read().realtime_ns // 1000

    def monotonic_ns(self, wall_us: int) -> int:
        """Return the monotonic instant of a wall instant."""
        return wall_us * 1000 - self._offset_ns

    def slept_ns(self) -> int:
        """Return how long the machine has slept since its start; a run across which it grew was slept through."""
        return self._read().slept_ns

    def has_jumped(self) -> bool:
        """Say whether `follow` would find a step: what is about to be stamped has to wait for it."""
        return (
            self._by_hub != self.is_beyond or abs(self._wanted_ns(self._read()) - self._offset_ns) > STEP_NS
        )

    def tolerate(self, limit_us: int) -> None:
        """Set how far from the hub's clock the system's may be; 0: it is not looked at."""
        self._limit_us = limit_us
        self._weigh(self._read())

    def against_hub(self, state: ClockState | None) -> None:
        """Take the system's clock as measured against the hub's; None: nothing is known of the hub's any more.

        Measured by `system_us`, since `now_us` may be the hub's time itself. What was known holds while the link is
        down, so None is not for that; told again it is no younger, and the system's clock may have been set since.
        `follow` then adopts what changes.
        """
        now = self._read()
        if state is None:
            self._hub = None
        elif state != self._taken:
            ahead_ns = now.set_ns - state.offset_us * 1000
            self._hub = better(self._hub, HubTime(ahead_ns, state.error_us, now.boottime_ns))
        self._taken = state
        self._weigh(now)

    def doubt(self) -> tuple[int, int]:
        """Return by how much the system's clock is ahead of the hub's, and how far off that may be; 0, 0: unknown."""
        return self._doubt(self._read())

    @property
    def limit_us(self) -> int:
        """How far off the system's clock may be."""
        return self._limit_us

    def follow(self) -> Missed | None:
        """Adopt the system's clock, or the hub's; after a jump, why the slots that it leaves out are missed."""
        now = self._read()
        seen = self._watch.look(now)
        self._events.extend(seen.events)
        self.times_set += seen.stepped_ns != 0
        self._weigh(now)
        wanted_ns = self._wanted_ns(now)
        moved_ns, self._offset_ns = wanted_ns - self._offset_ns, wanted_ns
        changed_sides, self._by_hub = self._by_hub != self.is_beyond, self.is_beyond
        if changed_sides:
            self._events.append(ClockEvent("step", self.now_us(), moved_ns // 1000))
        if abs(moved_ns) <= STEP_NS and not changed_sides:
            return None
        # Sleep explains a jump of its own length: what is left must be no jump.
        if seen.slept_ns and abs(moved_ns - seen.slept_ns) <= STEP_NS and not changed_sides:
            return Missed.SUSPENDED
        self.steps += 1
        return Missed.CLOCK

    def take_events(self) -> tuple[ClockEvent, ...]:
        """Return what happened since the last call, oldest first."""
        events = tuple(self._events)
        self._events.clear()
        return events

    @property
    def has_events(self) -> bool:
        """Something happened that nobody has taken yet."""
        return bool(self._events)

    def _wanted_ns(self, now: Reading) -> int:
        """Return the offset that the agent's clock should have."""
        if self.is_beyond and self._hub is not None:
            return self._hub.ahead_ns + now.slept_ns
        return now.realtime_ns - now.monotonic_ns

    def _weigh(self, now: Reading) -> None:
        self.is_beyond = is_beyond(*self._doubt(now), self._limit_us, self.is_beyond)

    def _doubt(self, now: Reading) -> tuple[int, int]:
        if self._hub is None:
            return 0, 0
        return (now.set_ns - self._hub.ahead_ns) // 1000, self._hub.error_us
