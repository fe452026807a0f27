"""What the evidence of one region says about every instant: a mark each, tiling all of time.

Not here: how regions agree (`quorum`), nor sums over a window (`ledger`).

The five marks are one scale, by how strongly the evidence speaks for "down":

    mark        sure down   as measured   possibly down
    UP          no          up            no
    EDGE_UP     no          up            yes     near a change, on its good side
    UNKNOWN     no          unknown       yes     nobody looked, or not often enough
    EDGE_DOWN   no          down          yes     near a change, on its failing side
    CORE        yes         down          yes     between failed results no further apart than the gap allows

Read down a column: each one turns only once. So "at least CORE" is surely down, "at least EDGE_DOWN" is
measured down, "at least EDGE_UP" is possibly down, and what holds for the scale holds for all three figures
at once.

A result is an interval, not a point. The core of an outage runs from the *end* of its first failed result to
the *start* of its last one; its bracket from the start of the last good result before to the end of the first
good one after. If the next usable result starts more than the gap later, all time between both starts is
UNKNOWN.

As measured, a change lies in the middle between the starts of the two results it was seen between; an odd
microsecond goes to the later half. Dating changes by the later result instead would be fair only as long as
both edges of an outage are equally wide: rechecks make the last one narrow. Next to UNKNOWN there is no
middle: the verdict begins, or ends, with the start of the result itself.

Assumed: between two failed, or two good, results within the gap nothing changed and changed back.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from reports.evidence import VERDICTS, EvidenceError, Stretch, Stretches, Verdict, Window, row_of

DAWN_US = -(2**61)
"""Start of all time: before all that is measured, and far enough from the 64-bit edge to add up."""


class Mark(IntEnum):
    """What is known of an instant, in rising order of speaking for "down" (table above)."""

    UP = 0
    EDGE_UP = 1
    UNKNOWN = 2
    EDGE_DOWN = 3
    CORE = 4


# plain integers for the loops below: an enum member costs a lookup for each use
_UP, _EDGE_UP, _UNKNOWN, _EDGE_DOWN, _CORE = (int(mark) for mark in Mark)
_BAD, _VOID = VERDICTS.index(Verdict.BAD), VERDICTS.index(Verdict.VOID)


@dataclass(frozen=True, slots=True)
class Span:
    """A time [start_us, end_us) of one mark, never empty."""

    start_us: int
    end_us: int
    mark: Mark


@dataclass(frozen=True, slots=True)
class Timeline:
    """Marks for all of time: `marks[i]` holds from `starts[i]` to the next start, the last one for ever.

    The first start is DAWN_US; first and last mark are UNKNOWN, as evidence begins and ends.
    Neighbours differ.
    """

    starts: array[int]
    marks: bytes

    def spans(self, window: Window) -> Iterator[Span]:
        """Yield the spans that tile the window exactly, in order of time."""
        index = bisect_right(self.starts, window.start_us) - 1
        at_us = window.start_us
        while at_us < window.end_us:
            mark = Mark(self.marks[index])
            index += 1
            end_us = min(self.starts[index], window.end_us) if index < len(self.starts) else window.end_us
            yield Span(at_us, end_us, mark)
            at_us = end_us


class Trace:
    """A timeline in the making: changes are put in order of time, at equal instants the last one wins."""

    __slots__ = ("marks", "starts")

    def __init__(self) -> None:
        self.starts = [DAWN_US]
        self.marks = bytearray((_UNKNOWN,))

    def put(self, at_us: int, mark: int) -> None:
        """Let `mark` hold from `at_us` on."""
        if self.starts[-1] == at_us:
            self.starts.pop()
            self.marks.pop()
        if self.marks[-1] != mark:
            self.starts.append(at_us)
            self.marks.append(mark)

    def timeline(self) -> Timeline:
        """Return what was put so far as a value."""
        return Timeline(array("q", self.starts), bytes(self.marks))


def region_timeline(stretches: Sequence[Stretch], gap_us: int, since_us: int = DAWN_US) -> Timeline:
    """Mark all of time from one region's stretches, sorted by time; `gap_us` is the contract's G.

    VOID stretches are no evidence. A run that holds a spacing over `gap_us` is not continuous and does not
    say where the hole lies: only its first and last result count, all between is UNKNOWN, and the last one
    proves nothing before its own end. For results that do not overlap that only widens the bounds, and all is
    exact as long as the writer of runs breaks them at no more than `gap_us`.

    With `since_us` only marks from there on are right, at a cost in proportion to the stretches from there
    on. Raises EvidenceError if stretches overlap or are out of order.
    """
    trace = Trace()
    runs = _runs(_context(stretches, gap_us, since_us), gap_us)
    for index, (bad, first_us, first_end_us, last_us) in enumerate(runs):
        edge, solid, far_edge = (_EDGE_DOWN, _CORE, _EDGE_UP) if bad else (_EDGE_UP, _UP, _EDGE_DOWN)
        proven_us = min(first_end_us, last_us)
        if first_us < proven_us:
            trace.put(first_us, edge)
        if proven_us < last_us:
            trace.put(proven_us, solid)
        is_followed = index + 1 < len(runs) and runs[index + 1][1] - last_us <= gap_us
        trace.put(last_us, edge if is_followed else _UNKNOWN)
        if is_followed:  # by the other verdict, or both runs would be one
            trace.put((last_us + runs[index + 1][1]) // 2, far_edge)
    return trace.timeline()


def region_spans(stretches: Sequence[Stretch], gap_us: int, window: Window) -> tuple[Span, ...]:
    """Return the spans of one region that tile the window exactly; see `region_timeline`."""
    return tuple(region_timeline(stretches, gap_us, window.start_us).spans(window))


_Run = tuple[bool, int, int, int]  # is bad, start and end of the first result, start of the last one


def _runs(stretches: Sequence[Stretch], gap_us: int) -> list[_Run]:
    """Join neighbours of equal verdict within the gap; cut runs with a hole into their two ends."""
    runs: list[_Run] = []
    rows = stretches.rows() if isinstance(stretches, Stretches) else map(row_of, stretches)
    for first_us, first_end_us, last_us, last_end_us, verdict, longest_gap_us in rows:
        if verdict == _VOID:
            continue
        bad = verdict == _BAD
        if longest_gap_us > gap_us:
            _join(runs, (bad, first_us, first_end_us, first_us), gap_us)
            _join(runs, (bad, last_us, last_end_us, last_us), gap_us)
        else:
            _join(runs, (bad, first_us, first_end_us, last_us), gap_us)
    return runs


def _join(runs: list[_Run], run: _Run, gap_us: int) -> None:
    if runs:
        bad, first_us, first_end_us, last_us = runs[-1]
        if run[1] < last_us:
            raise EvidenceError(f"runs of one region overlap at {run[1]} (sort them; split at clock steps)")
        if bad == run[0] and run[1] - last_us <= gap_us:
            runs[-1] = (bad, first_us, first_end_us, run[3])
            return
    runs.append(run)


def _context(stretches: Sequence[Stretch], gap_us: int, since_us: int) -> Sequence[Stretch]:
    """Drop the stretches that cannot matter from `since_us` on.

    What began last before it matters, and so does all that this one continues: where a run began decides
    where its proven part begins.
    """
    index = bisect_right(stretches, since_us, key=lambda stretch: stretch.first_us) - 1
    while index > 0 and _may_continue(stretches[index - 1], stretches[index], gap_us):
        index -= 1
    return stretches[max(index, 0) :]


def _may_continue(before: Stretch, after: Stretch, gap_us: int) -> bool:
    is_void = before.verdict is Verdict.VOID or after.verdict is Verdict.VOID
    return is_void or (before.verdict is after.verdict and after.first_us - before.last_us <= gap_us)
