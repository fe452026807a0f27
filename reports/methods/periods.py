"""PERIODS: only runs of at least n down minutes in a row count, every minute of them.

A run begins with n down minutes in a row, which all count, and ends with g good ones in a row, which do not; shorter
good parts inside do. It is qualified on its full length, wherever the period ends, and only then cut to it.

One formula, run over three sets of down minutes: the sure ones; the measured ones, with unknown minutes taken as the
contract says (`break`: as good; `bridge`: as if they were not there; `worst`: as down, in a run with a down one); the
possible ones. The formula never loses a minute when a down minute is added, so the three results hold each other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reports.composing import over_time
from reports.contract import Contract, Periods
from reports.figures import Figures
from reports.intervals import Interval, Intervals, intersect, union
from reports.methods.minutes import MINUTE_US, Rule, minutes_of
from reports.timeline import DAWN_US, Mark, Timeline, Trace
from reports.track import Tracks

MARGIN_US = 3 * 86_400_000_000
"""How far beyond a period runs are followed: what goes on for longer is not known to be one run."""
_DUSK_US = -DAWN_US
_UP, _EDGE_UP, _UNKNOWN, _EDGE_DOWN, _CORE = (int(mark) for mark in Mark)

Block = tuple[int, int, bool]
"""Time from, up to, and whether its minutes are down."""


def figures(
    contract: Contract, tracks: Tracks, eligible: Intervals, total_us: int, start_us: int, end_us: int
) -> Figures:
    """Return the minutes of runs over the whole; see `methods.figures`."""
    return over_time(timeline(contract, tracks, (start_us, end_us)), eligible, total_us)


def timeline(contract: Contract, tracks: Tracks, within: Interval | None = None) -> Timeline:
    """Return the verdict with only the runs that count; see `methods.timeline_of`."""
    method = contract.method
    assert isinstance(method, Periods)
    around = (within[0] - MARGIN_US, within[1] + MARGIN_US) if within else None
    rule = Rule(method.threshold, method.min_attempts)
    return runs_of(minutes_of(contract, tracks, rule, around), method)


def runs_of(minutes: Timeline, method: Periods) -> Timeline:
    """Return the timeline of runs that count, from one of minutes."""
    spans = list(_spans(minutes))
    n, g = method.minutes, method.good_minutes
    sure = _runs(_blocks(spans, _CORE), n, g)
    possible = _runs(_blocks(spans, _EDGE_UP), n, g)
    measured = _measured(spans, method)
    return _combined(spans, (sure, measured, possible), method.unknown == "bridge")


def _spans(minutes: Timeline) -> Iterator[tuple[int, int, int]]:
    ends = [*minutes.starts[1:], _DUSK_US]
    yield from zip(minutes.starts, ends, minutes.marks, strict=True)


def _blocks(spans: Iterable[tuple[int, int, int]], least: int) -> Iterator[Block]:
    """Yield the blocks of minutes that are, or are not, marked at least so strongly; neighbours may be alike."""
    return ((start_us, end_us, mark >= least) for start_us, end_us, mark in spans)


def _measured(spans: Sequence[tuple[int, int, int]], method: Periods) -> Intervals:
    """Return the measured runs; minutes that were bridged are in them.

    Even at its worst, unknown time with no down minute in it is no run: no data is not down.
    """
    n, g = method.minutes, method.good_minutes
    if method.unknown == "bridge":
        return _runs(_blocks([span for span in spans if span[2] != _UNKNOWN], _EDGE_DOWN), n, g)
    if method.unknown == "break":
        return _runs(_blocks(spans, _EDGE_DOWN), n, g)
    down = union((start_us, end_us) for start_us, end_us, mark in spans if mark >= _EDGE_DOWN)
    return tuple(run for run in _runs(_blocks(spans, _UNKNOWN), n, g) if intersect([run], down))


def _runs(blocks: Iterable[Block], n: int, g: int) -> Intervals:
    """Return the runs that count: entered by n down minutes in a row, left by g good ones.

    Blocks may lie apart: what is between them is passed over, and the parts of a row add up.
    """
    found: list[Interval] = []
    entered_us: int | None = None
    for is_down, row in groupby(blocks, key=lambda block: block[2]):
        parts = list(row)
        minutes = sum(end_us - start_us for start_us, end_us, _ in parts) // MINUTE_US
        if is_down and entered_us is None and minutes >= n:
            entered_us = parts[0][0]
        if not is_down and entered_us is not None and minutes >= g:
            found.append((entered_us, parts[0][0]))
            entered_us = None
    if entered_us is not None:
        found.append((entered_us, _DUSK_US))
    return union(found)


def _combined(spans: Sequence[tuple[int, int, int]], sets: Sequence[Intervals], is_bridged: bool) -> Timeline:
    """Return the marks that the sure, measured and possible runs make together."""
    all_edges = [[edge for interval in each for edge in interval] for each in sets]
    changes = {start_us: mark for start_us, _, mark in spans}
    trace = Trace()
    minute = _UNKNOWN
    for at_us in sorted({*changes, *(edge for edges in all_edges for edge in edges)}):
        minute = changes.get(at_us, minute)
        if at_us < _DUSK_US:
            inside = [bisect_right(edges, at_us) % 2 == 1 for edges in all_edges]
            trace.put(max(at_us, DAWN_US + 1), _mark(minute, inside, is_bridged))  # a timeline begins unknown
    return trace.timeline()


def _mark(minute: int, inside: Sequence[bool], is_bridged: bool) -> int:
    """Return the mark of a minute; one that cannot be part of a run that counts is up, whatever it was."""
    is_sure, is_measured, is_possible = inside
    if is_sure:
        return _CORE
    is_unknown = minute == _UNKNOWN
    if is_measured and not (is_unknown and is_bridged):
        return _EDGE_DOWN
    if is_possible:
        return _UNKNOWN if is_unknown else _EDGE_UP
    return _UP
