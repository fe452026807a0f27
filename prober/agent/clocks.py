"""Tells apart what can happen to a machine's clocks: it slept, its wall clock was stepped, or it is being slewed.

Also what is made of a clock measured against the hub's: which of two measurements to keep, and when it is too far
off. Pure: readings in, events out. Who reads the clocks and who acts on it is in `clock.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prober.wire import ClockEvent

SUSPEND_NS = 100_000_000  # of sleep; less is nothing that a run would feel
STEP_NS = 500_000_000  # a jump of the wall clock beyond this is a step, below it the clock is merely steered
SLEW_PPM = 500  # what a kernel's own discipline stays below
SLEW_WINDOW_NS = 10_000_000_000  # that the rate is taken over: what reading the clocks costs vanishes in it
SLEW_TOLD_NS = 60_000_000_000  # from one report of slewing to the next
DRIFT_PPM = 100  # at which what was measured gets less certain: more than an ordinary oscillator drifts
STAY_PERCENT = 80  # of the limit that a clock has to come below before it is trusted again


@dataclass(frozen=True, slots=True)
class Reading:
    """The clocks of a machine at one instant, in nanoseconds.

    `monotonic` stands still while the machine sleeps and runs at the pace that time daemons give it; `boottime`
    goes on in sleep; `raw` is the oscillator's own pace. Only `realtime` can be set.
    """

    realtime_ns: int
    monotonic_ns: int
    boottime_ns: int
    raw_ns: int

    @property
    def slept_ns(self) -> int:
        """How long the machine has slept since it was started."""
        return self.boottime_ns - self.monotonic_ns

    @property
    def set_ns(self) -> int:
        """How far the wall clock is ahead of the time since the start; constant until somebody sets it."""
        return self.realtime_ns - self.boottime_ns


@dataclass(frozen=True, slots=True)
class Seen:
    """What happened between two readings: sleep and a jump of the wall clock, each 0 if there was none."""

    slept_ns: int
    stepped_ns: int
    events: tuple[ClockEvent, ...]


class ClockWatch:
    """Compares each reading with the one before."""

    __slots__ = ("_anchor", "_last", "_slewed_ns", "_told_ns")

    def __init__(self, first: Reading) -> None:
        self._last = first
        self._anchor = first  # where the window begins that the pace is taken over
        self._slewed_ns = 0  # not told yet
        self._told_ns: int | None = None  # when slewing was told last, in time since the machine's start

    def look(self, now: Reading) -> Seen:
        """Return what happened since the last look."""
        slept_ns = now.slept_ns - self._last.slept_ns
        stepped_ns = now.set_ns - self._last.set_ns
        self._last = now
        slept_ns = slept_ns if slept_ns > SUSPEND_NS else 0
        stepped_ns = stepped_ns if abs(stepped_ns) > STEP_NS else 0
        if slept_ns or stepped_ns:
            self._anchor = now
        return Seen(slept_ns, stepped_ns, tuple(self._events(now, slept_ns, stepped_ns)))

    def _events(self, now: Reading, slept_ns: int, stepped_ns: int) -> Iterator[ClockEvent]:
        at_us = now.realtime_ns // 1000
        if slept_ns:
            yield ClockEvent("suspend", at_us, slept_ns // 1000)
        if stepped_ns:
            yield ClockEvent("step", at_us, stepped_ns // 1000)
        self._look_at_pace(now)
        is_due = self._told_ns is None or now.boottime_ns - self._told_ns >= SLEW_TOLD_NS
        if self._slewed_ns and is_due:
            yield ClockEvent("slew", at_us, self._slewed_ns // 1000)
            self._slewed_ns, self._told_ns = 0, now.boottime_ns

    def _look_at_pace(self, now: Reading) -> None:
        # Against `raw`, since a slew moves every other clock alike; and without sleep, through which it stands still.
        took_ns = now.raw_ns - self._anchor.raw_ns
        if took_ns < SLEW_WINDOW_NS:
            return
        awake_ns = now.realtime_ns - self._anchor.realtime_ns - (now.slept_ns - self._anchor.slept_ns)
        gained_ns = awake_ns - took_ns
        if abs(gained_ns) * 1_000_000 > SLEW_PPM * took_ns:
            self._slewed_ns += gained_ns
        self._anchor = now


@dataclass(frozen=True, slots=True)
class HubTime:
    """What is known of the hub's clock: how far it is ahead of the time since this machine's start, and how surely."""

    ahead_ns: int
    error_us: int
    measured_ns: int  # in time since the machine's start

    def error_at(self, boottime_ns: int) -> int:
        """Return the error in micro-seconds, with what the clocks may have drifted since."""
        return self.error_us + max(boottime_ns - self.measured_ns, 0) * DRIFT_PPM // 1_000_000_000


def better(known: HubTime | None, fresh: HubTime) -> HubTime:
    """Return which measurement to go by: the surer one, or the fresh one where the two exclude each other.

    A long wait on the way (a link full of old results) makes a measurement unsure, and not the clock bad.
    """
    if known is None:
        return fresh
    error_us = known.error_at(fresh.measured_ns)
    apart_us = abs(known.ahead_ns - fresh.ahead_ns) // 1000
    if fresh.error_us <= error_us or apart_us > error_us + fresh.error_us:
        return fresh
    return known


def is_beyond(offset_us: int, error_us: int, limit_us: int, was_beyond: bool) -> bool:
    """Say whether a clock is too far off, or not known well enough; a limit of 0 is none.

    One that was beyond the limit has to come well within it, so that it does not change sides with every reading.
    """
    if not limit_us:
        return False
    doubt_us = abs(offset_us) + error_us
    return doubt_us * 100 >= limit_us * STAY_PERCENT if was_beyond else doubt_us > limit_us
