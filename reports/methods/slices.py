"""SLICES: the mean of the error rates of slices of equal length, counted from the period's first instant.

A slice that is cut by an exclusion or an edge keeps the attempts that remain; one with no eligible time is none.
Slices in which every attempt passed are not looked at, unless it matters whether they hold any.

With unknown attempts, the lowest figure takes them as bad, the highest as good, the measured one leaves them out; a
slice of unknown attempts only is unknown. The number of slices is the same in all three.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reports.cadence import fewest, fewest_together
from reports.contract import Contract, Slices
from reports.counting import ENDLESS, Lane, probe_lanes
from reports.figures import Figures
from reports.intervals import Interval, Intervals, intersect, length, subtract, union
from reports.track import Fate, Tracks

_FAR_US = 2**62
Counts = tuple[int, int, int]
"""Good, bad and unknown attempts."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """The slices of a period: slice i is [start + i x length, start + (i + 1) x length), as far as it is eligible."""

    start_us: int
    length_us: int
    eligible: Intervals

    def slice_at(self, at_us: int) -> int:
        return (at_us - self.start_us) // self.length_us

    def all(self) -> Intervals:
        """Return the numbers of the slices with eligible time, as a set of intervals of numbers."""
        return union((self.slice_at(a), self.slice_at(b - 1) + 1) for a, b in self.eligible)

    def whole(self, times: Intervals) -> Intervals:
        """Return the numbers of the slices that are eligible, and in a set of times, from end to end."""
        return union((self.slice_at(a - 1) + 1, self.slice_at(b)) for a, b in intersect(self.eligible, times))

    def parts(self, number: int) -> Iterator[Interval]:
        """Yield the eligible parts of a slice."""
        start_us = self.start_us + number * self.length_us
        end_us = start_us + self.length_us
        place = max(bisect_right(self.eligible, (start_us, _FAR_US)) - 1, 0)
        while place < len(self.eligible) and self.eligible[place][0] < end_us:
            a, b = max(self.eligible[place][0], start_us), min(self.eligible[place][1], end_us)
            if a < b:
                yield a, b
            place += 1


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the sums of error rates over the number of slices; see `methods.figures`."""
    method = contract.method
    assert isinstance(method, Slices)
    cut = _Cut(start_us, method.length_us, eligible)
    by_probe = [
        [lane for region in probe.regions for lane in probe_lanes(probe, tracks, region)]
        for probe in contract.probes()
    ]
    lanes = [lane for each in by_probe for lane in each]
    if not _is_measured(lanes, eligible):
        return _unmeasured(length(cut.all()))
    odd = _odd(lanes, cut)
    counts = [_count(lanes, cut, number, method.ignored) for number in _numbers(odd)]
    empty = sum(1 for each in counts if not any(each))
    if method.empty != "zero":
        unsure = subtract(subtract(cut.all(), odd), _holding(by_probe, cut))
        empty += sum(1 for number in _numbers(unsure) if _is_empty(lanes, cut, number))
    total = length(cut.all()) - (empty if method.empty == "skip" else 0)
    return _mean(counts, total, empty if method.empty == "unknown" else 0)


def _is_measured(lanes: Sequence[Lane], eligible: Intervals) -> bool:
    return any(
        fate != Fate.UNKNOWN
        for lane in lanes
        for start_us, end_us in eligible
        for _, _, fate, _ in lane.within(start_us, end_us)
    )


def _unmeasured(slices: int) -> Figures:
    """Return the figures of a period without a measured attempt: no data, whatever is said of empty slices."""
    return Figures(
        unit="slices",
        total=Fraction(slices),
        span=Fraction(slices),
        sure=Fraction(0),
        down=Fraction(0),
        possible=Fraction(slices),
        unknown=Fraction(slices),
    )


def _mean(counts: Iterable[Counts], total: int, unknown: int) -> Figures:
    """Return the sums of the three error rates; `unknown` slices are so without any attempt."""
    sure: defaultdict[int, int] = defaultdict(int)  # numerators by denominator: few fractions to add up
    down: defaultdict[int, int] = defaultdict(int)
    possible: defaultdict[int, int] = defaultdict(int)
    possible[1] += unknown
    for good, bad, doubtful in counts:
        attempts = good + bad + doubtful
        if attempts:
            sure[attempts] += bad
            possible[attempts] += bad + doubtful
            down[max(good + bad, 1)] += bad
            unknown += good + bad == 0
    return Figures(
        unit="slices",
        total=Fraction(total),
        span=Fraction(total),
        sure=_sum(sure),
        down=_sum(down),
        possible=_sum(possible),
        unknown=Fraction(unknown),
    )


def _sum(numerators: dict[int, int]) -> Fraction:
    return sum((Fraction(above, below) for below, above in numerators.items()), Fraction(0))


def _numbers(ranges: Intervals) -> Iterator[int]:
    return (number for first, end in ranges for number in range(first, end))


def _odd(lanes: Sequence[Lane], cut: _Cut) -> Intervals:
    """Return the numbers of the slices in which an attempt may not have passed."""
    found: list[Interval] = []
    for lane in lanes:
        for start_us, end_us in cut.eligible:
            for low, high, fate, _ in lane.within(start_us, end_us):
                if fate != Fate.GOOD:
                    due_us = lane.era.due_us
                    found.append((cut.slice_at(due_us(low)), cut.slice_at(due_us(high)) + 1))
    return intersect(union(found), cut.all())


def _count(lanes: Sequence[Lane], cut: _Cut, number: int, ignored: frozenset[str]) -> Counts:
    good = bad = unknown = 0
    for start_us, end_us in cut.parts(number):
        for lane in lanes:
            each = lane.count(start_us, end_us, ignored)
            good, bad, unknown = good + each[0], bad + each[1], unknown + each[2]
    return good, bad, unknown


def _is_empty(lanes: Sequence[Lane], cut: _Cut, number: int) -> bool:
    return not any(
        any(lane.count(start_us, end_us)) for start_us, end_us in cut.parts(number) for lane in lanes
    )


def _holding(by_probe: Sequence[Sequence[Lane]], cut: _Cut) -> Intervals:
    """Return the numbers of slices that hold an attempt for sure, by the schedule alone."""
    found: list[Interval] = []
    for lanes in by_probe:
        for lane in lanes:
            if fewest(lane, cut.length_us):
                found += cut.whole(_covered(lane))
        if len({lane.region for lane in lanes}) == len(lanes) > 1 and fewest_together(lanes, cut.length_us):
            shared = _covered(lanes[0])
            for lane in lanes[1:]:
                shared = intersect(shared, _covered(lane))
            found += cut.whole(shared)
    return union(found)


def _covered(lane: Lane) -> Intervals:
    """Return the time in which every slot of a lane counts."""
    due_us = lane.era.due_us
    ranges = union((first, last + 1) for first, last, *_ in lane.pieces)
    return tuple(
        (
            due_us(first - 1) + 1 if first > -ENDLESS else -_FAR_US,
            due_us(end) if end <= ENDLESS else _FAR_US,
        )
        for first, end in ranges
    )
