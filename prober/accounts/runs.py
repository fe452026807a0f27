"""Runs as figures take them: with starts that do not depend on how a result came in, and cut where a contract needs it.

A scheduled start is kept to `LATE_KEPT_US` only, so all that began at most so long after it was due counts from the
instant it was due; that it may have begun later makes its end as much later, which only widens bounds. A run that
holds a spacing over a contract's gap is cut there, from its single results.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from operator import itemgetter
from typing import Protocol

from checks.core.result import Outcome
from prober.agent.grid import AT_END, Grid
from prober.hub.series import LATE_KEPT_US
from prober.store.base import ResultRow, RunRow, Store
from prober.wire import Kind
from reports.evidence import Stretches, Verdict

VERDICTS = {
    Outcome.PASS.value: Verdict.GOOD,
    Outcome.WARN.value: Verdict.GOOD,
    Outcome.FAIL.value: Verdict.BAD,
    Outcome.VOID.value: Verdict.VOID,
}
SLOTS_AT_ONCE = 20_000  # of one series whose results are read at once
_NEAR = 2  # slots before its own in which a retry or recheck may be filed


class Slots(Protocol):
    """When slots are due: a grid, or an era."""

    @property
    def schedule(self) -> str: ...
    def due_us(self, slot: int, /) -> int: ...
    def slot_at(self, at_us: int, /) -> int: ...


Extent = tuple[int, int]
"""Start and end of a result, as figures take them."""
Piece = tuple[Extent, Extent, Verdict, int]
"""The first and the last result of a row of equal verdict, the verdict, and the longest spacing between two."""


def extent_of_row(grid: Slots, row: ResultRow) -> Extent:
    """Return when a stored result began and ended."""
    if row.kind != Kind.SCHEDULED:
        return extent(grid, row.started_us, row.started_us + row.duration_us)
    due_us = grid.due_us(row.slot)
    took_us = 0 if grid.schedule == AT_END else row.duration_us
    if 0 <= row.late_us <= LATE_KEPT_US:
        return due_us, due_us + took_us + LATE_KEPT_US
    return due_us + row.late_us, due_us + row.late_us + took_us


def extent(grid: Slots, start_us: int, end_us: int) -> Extent:
    """Return when a result began and ended, as if its start were known no better than that of any other."""
    due_us = grid.due_us(grid.slot_at(start_us))
    if 0 <= start_us - due_us <= LATE_KEPT_US:
        return due_us, due_us + (end_us - start_us) + LATE_KEPT_US
    return start_us, end_us


def stretches_of(
    grid: Grid, runs: Sequence[RunRow], cuts: Mapping[int, Sequence[Piece]] | None = None
) -> Stretches:
    """Return runs in order of time as evidence; what overlaps an earlier one is left out.

    `cuts` has, by number, the pieces of runs that were looked at closely.
    """
    found, until_us, cut = Stretches(), None, cuts or {}
    for run in sorted(runs, key=_begin):
        for first, last, verdict, longest_us in cut.get(run.number) or [_piece_of(grid, run, until_us)]:
            if until_us is None or first[0] > until_us:
                found.add(first, last, verdict, longest_us)
                until_us = last[0]
    return found


def _begin(run: RunRow) -> tuple[int, int]:
    return run.first_us, run.last_us


def _piece_of(grid: Grid, run: RunRow, until_us: int | None) -> Piece:
    first = extent(grid, run.first_us, max(run.first_end_us, run.first_us))
    if until_us is not None and first[0] <= until_us < run.first_us:  # a recheck just after a slot was due
        first = run.first_us, max(run.first_end_us, run.first_us)
    last = first
    if run.last_us != run.first_us:
        last = extent(grid, run.last_us, max(run.last_end_us, run.last_us))
    if last[0] < first[0]:
        last = run.last_us, max(run.last_end_us, run.last_us)
    return first, last, VERDICTS[run.outcome], min(run.longest_gap_us, last[0] - first[0])


def is_wide(run: RunRow, gap_us: int) -> bool:
    """Say whether a run that is evidence may hold a spacing over a gap."""
    return VERDICTS[run.outcome] is not Verdict.VOID and run.longest_gap_us > gap_us - LATE_KEPT_US


async def pieces_of(store: Store, grid: Grid, run: RunRow, gap_us: int, within: Extent) -> list[Piece]:
    """Return a run as pieces that hold no spacing over a gap within some time; beyond it, it stays whole.

    Costs in proportion to the results of the run in that time. Raises StoreError.
    """
    whole = _piece_of(grid, run, None)
    (first_us, _), (last_us, _), own, _ = whole
    starts, ends = array("q"), array("q")
    async for start_us, end_us, verdict in _results(store, grid, run.series, _slots(grid, run, within)):
        if verdict is own and first_us <= start_us <= last_us:
            starts.append(start_us)
            ends.append(end_us)
    return _cut(whole, starts, ends, gap_us)


def _slots(grid: Grid, run: RunRow, within: Extent) -> tuple[int, int]:
    low_us, high_us = max(run.first_us, within[0]), min(run.last_us, within[1])
    return grid.slot_at(low_us) - _NEAR, grid.slot_at(high_us) + _NEAR


async def _results(
    store: Store, grid: Grid, series: int, slots: tuple[int, int]
) -> AsyncIterator[tuple[int, int, Verdict]]:
    """Yield every result of some slots in order of its start."""
    waiting: list[tuple[int, int, Verdict]] = []
    for first in range(slots[0], slots[1] + 1, SLOTS_AT_ONCE):
        last = min(first + SLOTS_AT_ONCE - 1, slots[1])
        rows = await store.shots(series, [(first, last)])
        waiting += ((*extent_of_row(grid, row), VERDICTS[row.outcome]) for row in rows)
        waiting.sort(key=itemgetter(0, 1))
        # What began late may lie among the slots that are read next.
        ready = len(waiting) if last == slots[1] else bisect_left(waiting, (grid.start_us(last),))
        for each in waiting[:ready]:
            yield each
        del waiting[:ready]


def _cut(whole: Piece, starts: Sequence[int], ends: Sequence[int], gap_us: int) -> list[Piece]:
    """Return the pieces of a run; what lies before the first and after the last of these results stays as it was."""
    first, last, verdict, longest = whole
    if not starts:
        return [whole]
    at, end = int(starts[0] > first[0]), len(starts) - int(starts[-1] < last[0])
    if at > end:
        return [whole]
    pieces: list[Piece] = []
    if at:
        pieces.append((first, (starts[0], ends[0]), verdict, min(longest, starts[0] - first[0])))
    while at < end:
        begin, longest_us = at, 0
        at += 1
        while at < end and (spacing_us := starts[at] - starts[at - 1]) <= gap_us:
            longest_us = max(longest_us, spacing_us)
            at += 1
        pieces.append(((starts[begin], ends[begin]), (starts[at - 1], ends[at - 1]), verdict, longest_us))
    if end < len(starts):
        pieces.append(((starts[end], ends[end]), last, verdict, min(longest, last[0] - starts[end])))
    return pieces
