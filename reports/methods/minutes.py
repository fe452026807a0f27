"""MINUTES: a minute of UTC is down if more than a share of its attempts failed.

Clean minutes are never looked at one by one: where the grid guarantees enough attempts in any minute, and all of
them had the same fate, the verdict stands. Only minutes in which fates change, or in which the guarantee is not
enough, are counted. Not here: runs of minutes (`periods`).

With g good, b bad and u unknown attempts: surely down if it is down with all unknown ones good, up if it is up with
all of them bad, else by the measured ones, which must be `min_attempts`; unknown otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from reports.cadence import fewest, fewest_together, most
from reports.composing import contract_of, over_time
from reports.contract import Contract, Minutes, ProbeTerms
from reports.counting import ENDLESS, Lane, probe_lanes
from reports.figures import Figures
from reports.intervals import Interval, Intervals
from reports.quorum import agree
from reports.timeline import DAWN_US, Mark, Timeline, Trace
from reports.track import Tracks

MINUTE_US = 60_000_000
_DAWN = DAWN_US // MINUTE_US
_UP, _EDGE_UP, _UNKNOWN, _EDGE_DOWN, _CORE = (int(mark) for mark in Mark)
_MIXED, _NONE = 3, 4  # kinds of a minute beside the three fates: several of them, or no attempts

Change = tuple[int, int]
"""From this minute on, the attempts of a lane are of this kind."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a minute is down."""

    threshold: Fraction
    min_attempts: int

    def is_down(self, bad: int, attempts: int) -> bool:
        """Say whether so many bad ones of at least one attempt are too many."""
        if self.threshold == 1:
            return bad == attempts
        return bad * self.threshold.denominator > self.threshold.numerator * attempts

    def mark(self, good: int, bad: int, unknown: int) -> int:
        """Return the mark of a minute."""
        enough = max(self.min_attempts, 1)
        if good + bad + unknown >= enough:
            if self.is_down(bad, good + bad + unknown):
                return _CORE
            if not self.is_down(bad + unknown, good + bad + unknown):
                return _UP
        if good + bad >= enough:
            return _EDGE_DOWN if self.is_down(bad, good + bad) else _EDGE_UP
        return _UNKNOWN

    def mark_of_range(self, bounds: Sequence[tuple[int, int]]) -> int | None:
        """Return the mark of any minute with good, bad, unknown within these bounds; None if they differ.

        Each mark but UNKNOWN is a convex set of counts, so that what holds at the corners holds between them.
        """
        if bounds[0][1] == bounds[1][1] == 0:
            return _UNKNOWN
        marks = {self.mark(*corner) for corner in product(*bounds)}
        return marks.pop() if len(marks) == 1 and _UNKNOWN not in marks else None


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the down minutes over the whole; see `methods.figures`."""
    return over_time(timeline(contract, tracks, (start_us, end_us)), eligible, total_us)


def timeline(contract: Contract, tracks: Tracks, within: Interval | None = None) -> Timeline:
    """Return the contract's verdict, minute by minute; see `methods.timeline_of`."""
    method = contract.method
    assert isinstance(method, Minutes)
    return minutes_of(contract, tracks, Rule(method.threshold, method.min_attempts), within)


def minutes_of(contract: Contract, tracks: Tracks, rule: Rule, within: Interval | None) -> Timeline:
    """Return the verdict minute by minute: regions vote on each, or their attempts count as one."""

    def of_probe(probe: ProbeTerms) -> Timeline:
        by_region = [probe_lanes(probe, tracks, region) for region in probe.regions]
        if contract.quorum == "pooled":
            return minute_timeline([lane for lanes in by_region for lane in lanes], rule, within)
        return agree([minute_timeline(lanes, rule, within) for lanes in by_region], probe.needed)

    return contract_of(contract, of_probe)


def minute_timeline(lanes: Sequence[Lane], rule: Rule, within: Interval | None = None) -> Timeline:
    """Mark each minute from the attempts of some lanes together; outside of `within` all is UNKNOWN."""
    trace = Trace()
    certain: dict[tuple[int, ...], int | None] = {}
    marks: dict[tuple[int, int, int], int] = {}
    for begin, end, kinds in _segments(lanes, within):
        if kinds not in certain:
            certain[kinds] = _certain(lanes, kinds, rule)
        mark = certain[kinds]
        if mark is not None:
            if begin > _DAWN:  # where all is unknown in any case
                trace.put(begin * MINUTE_US, mark)
            continue
        for minute, counts in enumerate(_counts(lanes, begin, end), begin):
            mark = marks.get(counts)
            if mark is None:
                mark = marks[counts] = rule.mark(*counts)
            trace.put(minute * MINUTE_US, mark)
    if within is not None:
        trace.put(-(-within[1] // MINUTE_US) * MINUTE_US, _UNKNOWN)
    return trace.timeline()


def _counts(lanes: Sequence[Lane], begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the good, bad and unknown attempts of each minute from one up to another, each slot dated once."""
    counts = [0] * (3 * (end - begin))
    for lane in lanes:
        due_us = lane.era.due_us
        for first, last, fate, _ in lane.within(begin * MINUTE_US, end * MINUTE_US):
            for slot in range(first, last + 1):
                counts[3 * (due_us(slot) // MINUTE_US - begin) + fate] += 1
    by_kind = iter(counts)
    return zip(by_kind, by_kind, by_kind, strict=True)


def _segments(lanes: Sequence[Lane], within: Interval | None) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield minutes from, up to (not included), and the kind of each lane in all of them."""
    low, high = (within[0] // MINUTE_US, -(-within[1] // MINUTE_US)) if within else (_DAWN, -_DAWN)
    changes = sorted((minute, who, kind) for who, lane in enumerate(lanes) for minute, kind in kinds_of(lane))
    current = [_NONE] * len(lanes)
    for place, (minute, who, kind) in enumerate(changes):
        current[who] = kind
        end = changes[place + 1][0] if place + 1 < len(changes) else high
        begin, end = max(minute, low), min(end, high)
        if begin < end:
            yield begin, end, tuple(current)


def kinds_of(lane: Lane) -> list[Change]:
    """Return what kind of attempts the minutes of a lane hold; the last holds for ever."""
    found: list[Change] = [(_DAWN, _NONE)]
    due_us = lane.era.due_us
    before, kind_before = -ENDLESS - 1, _NONE
    for first, last, fate, _ in lane.pieces:
        if first == -ENDLESS:
            found = [(_DAWN, fate)]
        elif first > before + 1:  # there are none between
            if before >= -ENDLESS:
                _change(found, due_us(before + 1), due_us(before), _NONE)
            _change(found, due_us(first), due_us(first - 1), fate)
        elif fate != kind_before:
            _change(found, due_us(first), due_us(before), fate)
        before, kind_before = last, fate
    if before < ENDLESS:
        _change(found, due_us(before + 1), due_us(before), _NONE)
    return found


def _change(found: list[Change], next_us: int, last_us: int, kind: int) -> None:
    """Go over to another kind, whose first slot is due at `next_us`, after one whose last was at `last_us`."""
    end = max(next_us // MINUTE_US, found[-1][0])
    begin = max(last_us // MINUTE_US + 1, end)
    for minute, each in ((end, _MIXED), (begin, kind)):
        if found[-1][0] == minute:
            found.pop()
        found.append((minute, each))


def _certain(lanes: Sequence[Lane], kinds: tuple[int, ...], rule: Rule) -> int | None:
    """Return the verdict on a minute of these kinds if it is the same however many attempts it holds."""
    if _MIXED in kinds:
        return None
    bounds = [[0, 0], [0, 0], [0, 0]]
    active = [(lane, kind) for lane, kind in zip(lanes, kinds, strict=True) if kind != _NONE]
    for lane, kind in active:
        bounds[kind][0] += fewest(lane, MINUTE_US)
        bounds[kind][1] += most(lane, MINUTE_US)
    if len({kind for _, kind in active}) == 1:
        bounds[active[0][1]][0] = fewest_together([lane for lane, _ in active], MINUTE_US)
    return rule.mark_of_range([(low, high) for low, high in bounds])
