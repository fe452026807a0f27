"""Availability of any window at the cost of two look-ups: running sums over a timeline.

Built once per probe or service at a cost in proportion to its state changes, and extended at a cost in
proportion to the new ones. Not here: what a state is (`timeline`, `quorum`); which instant is "now":
callers pass it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from reports.availability import Availability
from reports.evidence import Window
from reports.timeline import Mark, Timeline

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
ROLLING_US = {"1h": HOUR_US, "24h": DAY_US, "7d": 7 * DAY_US, "30d": 30 * DAY_US, "90d": 90 * DAY_US}
"""The rolling windows and their lengths in microseconds; the running month stands beside them."""

_Sums = tuple[int, int, int, int]  # sure, down, possible, unknown, in microseconds since the dawn

_, _EDGE_UP, _UNKNOWN, _EDGE_DOWN, _CORE = (int(mark) for mark in Mark)


@dataclass(frozen=True, slots=True)
class Ledger:
    """A timeline with, for each of its starts, the microseconds of each kind before it. Build with `of`."""

    timeline: Timeline
    sure: array[int]
    down: array[int]
    possible: array[int]
    unknown: array[int]

    @classmethod
    def of(cls, timeline: Timeline) -> Ledger:
        """Sum up a timeline."""
        return cls(timeline, *_columns(timeline, (0, 0, 0, 0)))

    @property
    def known_until_us(self) -> int | None:
        """Return the instant after which nothing is measured, None if nothing ever was."""
        return self.timeline.starts[-1] if len(self.timeline.starts) > 1 else None

    def availability(self, window: Window) -> Availability:
        """Return the figures of any window; what lies outside the evidence is unknown."""
        return _between(window, self._until(window.start_us), self._until(window.end_us))

    def extended(self, tail: Timeline, cut_us: int) -> Ledger:
        """Return the ledger with everything from `cut_us` on taken from `tail`.

        After new results arrived, cut at the start of the last usable result before the earliest of them,
        taken over all regions (at the first result of its run, if the run has got a hole over the gap):
        what lies before is settled.
        """
        kept = bisect_left(self.timeline.starts, cut_us)
        if kept == 0:
            return Ledger.of(tail)
        last = kept - 1  # its sums stand, its length may change
        fresh = _seam(tail, cut_us, self.timeline.marks[last])
        starts, marks = self.timeline.starts[:kept] + fresh.starts, self.timeline.marks[:kept] + fresh.marks
        base = (self.sure[last], self.down[last], self.possible[last], self.unknown[last])
        columns = _columns(Timeline(starts[last:], marks[last:]), base)
        own = (self.sure, self.down, self.possible, self.unknown)
        return Ledger(
            Timeline(starts, marks), *(old[:last] + new for old, new in zip(own, columns, strict=True))
        )

    def _until(self, at_us: int) -> _Sums:
        index = bisect_right(self.timeline.starts, at_us) - 1
        mark = self.timeline.marks[index]
        into_us = at_us - self.timeline.starts[index]
        return (
            self.sure[index] + (into_us if mark == _CORE else 0),
            self.down[index] + (into_us if mark >= _EDGE_DOWN else 0),
            self.possible[index] + (into_us if mark >= _EDGE_UP else 0),
            self.unknown[index] + (into_us if mark == _UNKNOWN else 0),
        )


def rolling(ledger: Ledger, as_of_us: int, month_start_us: int) -> dict[str, Availability]:
    """Return the figures of each rolling window and of the running month, all ending at `as_of_us`.

    `as_of_us` is a watermark that the caller chooses, see `watermark_us`; `month_start_us` is the first
    instant of its calendar month, in whatever zone the caller reports in. Raises ValueError if the month
    starts after it.
    """
    starts = {name: as_of_us - length_us for name, length_us in ROLLING_US.items()}
    starts["month"] = month_start_us
    until = ledger._until(as_of_us)
    return {
        name: _between(Window(start_us, as_of_us), ledger._until(start_us), until)
        for name, start_us in starts.items()
    }


def day_bars(ledger: Ledger, days: int, as_of_us: int) -> tuple[Availability, ...]:
    """Return the figures of the last `days` UTC days, oldest first; the last is today, up to `as_of_us`."""
    today_us = as_of_us - as_of_us % DAY_US
    edges = [today_us - back * DAY_US for back in range(days - 1, -1, -1)] + [as_of_us]
    sums = [ledger._until(edge_us) for edge_us in edges]
    return tuple(
        _between(Window(*window), *pair) for window, pair in zip(pairwise(edges), pairwise(sums), strict=True)
    )


def watermark_us(ledgers: Iterable[Ledger], now_us: int, patience_us: int) -> int:
    """Return up to when live figures should reach: not into the time whose next results are still to come.

    That is the earliest end of the evidence among those heard of in the last `patience_us`. Who is silent for
    longer, or never had data, holds nobody back, but shows as unknown. With nobody left it is `now_us`.
    """
    ends = (ledger.known_until_us for ledger in ledgers)
    heard = (min(end_us, now_us) for end_us in ends if end_us is not None and end_us >= now_us - patience_us)
    return min(heard, default=now_us)


def _columns(timeline: Timeline, base: _Sums) -> tuple[array[int], array[int], array[int], array[int]]:
    """Return the running sums at each start; `base` are those at the first one."""
    lengths = [end_us - start_us for start_us, end_us in pairwise(timeline.starts)]
    spans = list(zip(timeline.marks, lengths, strict=False))  # the last mark has no length
    sure = (length_us if mark == _CORE else 0 for mark, length_us in spans)
    down = (length_us if mark >= _EDGE_DOWN else 0 for mark, length_us in spans)
    possible = (length_us if mark >= _EDGE_UP else 0 for mark, length_us in spans)
    unknown = (length_us if mark == _UNKNOWN else 0 for mark, length_us in spans)
    return (
        array("q", accumulate(sure, initial=base[0])),
        array("q", accumulate(down, initial=base[1])),
        array("q", accumulate(possible, initial=base[2])),
        array("q", accumulate(unknown, initial=base[3])),
    )


def _seam(tail: Timeline, cut_us: int, mark_before: int) -> Timeline:
    """Return `tail` from `cut_us` on, without a first mark equal to the one before; may be empty."""
    index = bisect_right(tail.starts, cut_us) - 1
    starts, marks = tail.starts[index:], tail.marks[index:]
    starts[0] = cut_us
    return Timeline(starts[1:], marks[1:]) if marks[0] == mark_before else Timeline(starts, marks)


def _between(window: Window, before: _Sums, until: _Sums) -> Availability:
    return Availability(
        window, until[0] - before[0], until[1] - before[1], until[2] - before[2], until[3] - before[3]
    )
