"""Availability straight from raw results, row by row: the slow, plain reading that reports are held against.

Shares nothing with `reports` but the verdict: no runs, no marks, no order of marks, only counts of regions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from reports.evidence import Stretch, Verdict, Window


class Row(NamedTuple):
    """One scheduled result."""

    start_us: int
    end_us: int
    verdict: Verdict


class Totals(NamedTuple):
    """Microseconds in a window."""

    sure_us: int
    down_us: int
    possible_us: int
    unknown_us: int


def stretches_of(rows: Iterable[Row], break_us: int) -> list[Stretch]:
    """Return the runs of equal verdict, broken where two starts lie more than `break_us` apart."""
    runs: list[Stretch] = []
    for row in rows:
        run = runs[-1] if runs else None
        if run is None or run.verdict is not row.verdict or row.start_us - run.last_us > break_us:
            runs.append(one(row))
        else:
            runs[-1] = Stretch(
                first_us=run.first_us,
                first_end_us=run.first_end_us,
                last_us=row.start_us,
                last_end_us=row.end_us,
                verdict=row.verdict,
                longest_gap_us=max(run.longest_gap_us, row.start_us - run.last_us),
            )
    return runs


def one(row: Row) -> Stretch:
    """Return the run that holds a single result."""
    return Stretch(
        first_us=row.start_us,
        first_end_us=row.end_us,
        last_us=row.start_us,
        last_end_us=row.end_us,
        verdict=row.verdict,
    )


_Facts = tuple[bool, bool, bool, bool]  # sure down, measured down, possibly down, measured unknown
_NOTHING: _Facts = (False, False, True, True)


def totals(
    regions: Sequence[Sequence[Row]], gap_us: int, needed: int, windows: Sequence[Window]
) -> list[Totals]:
    """Return the figures of each window for "down if at least `needed` regions are", by walking every row."""
    changes = sorted(
        (at_us, who, facts)
        for who, rows in enumerate(regions)
        for at_us, facts in _region_facts(rows, gap_us)
    )
    last_us = max((window.end_us for window in windows), default=0)
    ends = [at_us for at_us, _, _ in changes[1:]] + [last_us]
    first_us = changes[0][0] if changes else last_us
    current = [_NOTHING] * len(regions)
    sums = [[0, 0, 0, 0] for _ in windows]
    for window, total in zip(windows, sums, strict=True):
        _add(total, window, window.start_us, first_us, _agreed(current, needed))
    for (at_us, who, facts), end_us in zip(changes, ends, strict=False):
        current[who] = facts
        if end_us > at_us:
            agreed = _agreed(current, needed)
            for window, total in zip(windows, sums, strict=True):
                _add(total, window, at_us, end_us, agreed)
    return [Totals(*total) for total in sums]


def _add(total: list[int], window: Window, start_us: int, end_us: int, facts: _Facts) -> None:
    length_us = min(end_us, window.end_us) - max(start_us, window.start_us)
    if length_us > 0:
        for index, holds in enumerate(facts):
            total[index] += length_us * holds


def _agreed(current: Sequence[_Facts], needed: int) -> _Facts:
    sure, down, possible, unknown = (sum(column) for column in zip(*current, strict=True))
    is_down = down >= needed
    return sure >= needed, is_down, possible >= needed, not is_down and down + unknown >= needed


def _region_facts(rows: Sequence[Row], gap_us: int) -> Iterator[tuple[int, _Facts]]:
    """Yield what holds from each instant on, for each two neighbours among the usable rows."""
    usable = [row for row in rows if row.verdict is not Verdict.VOID]
    proven_us = 0  # end of the first result of the run that the row belongs to
    before: Row | None = None
    for row, following in pairwise(usable):
        bad, next_bad = row.verdict is Verdict.BAD, following.verdict is Verdict.BAD
        if before is None or before.verdict is not row.verdict or row.start_us - before.start_us > gap_us:
            proven_us = row.end_us
        before = row
        if following.start_us - row.start_us > gap_us:
            yield row.start_us, _NOTHING
            continue
        turn_us = max(proven_us, row.start_us)
        facts = (bad, bad, bad, False)
        if bad != next_bad:
            turn_us = (row.start_us + following.start_us) // 2
            facts = (False, next_bad, True, False)
        if row.start_us < turn_us:
            yield row.start_us, (False, bad, True, False)
        if turn_us < following.start_us:
            yield turn_us, facts
    if usable:
        yield usable[-1].start_us, _NOTHING
