"""From the store to tracks: what was seen of some probes, read once for any number of contracts.

Costs in proportion to runs, gaps and what did not pass, never to results; only pooled sequences ask for single
results, around trouble, and gaps shorter than the schedule's longest spacing do. Not here: what a run is taken for
(`runs`), nor what it means (`reports`).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from checks.core.result import Outcome
from prober.agent.grid import Grid
from prober.hub.plan import grid_of
from prober.hub.series import LATE_KEPT_US
from prober.store.base import GapRow, ResultRow, RunRow, SeriesRow, Store, TroubleRow
from reports.contract import ProbeTerms
from reports.evidence import Verdict
from reports.intervals import union
from reports.track import Era, Fate, Hole, Oddity, Shot, Track, Tracks

from .bygone import imported_eras
from .runs import Piece, extent_of_row, is_wide, pieces_of, stretches_of

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
BEFORE_US = 3 * DAY_US
"""Evidence is read from so long before a period: a run of down minutes that began earlier still counts as one."""
AFTER_US = 2 * DAY_US
"""And so long after it: runs of minutes go on, and the first good result ends an outage."""
_VOID, _FAIL = Outcome.VOID.value, Outcome.FAIL.value
_FATES = {Outcome.PASS.value: Fate.GOOD, Outcome.WARN.value: Fate.GOOD, Outcome.FAIL.value: Fate.BAD}


@dataclass(slots=True)
class _Raw:
    """What the store has of one series."""

    row: SeriesRow
    grid: Grid
    runs: list[RunRow] = field(default_factory=list)
    troubles: list[TroubleRow] = field(default_factory=list)
    gaps: list[GapRow] = field(default_factory=list)
    cuts: dict[int, list[Piece]] = field(default_factory=dict)
    """Pieces of runs that hold a spacing over a contract's gap, by the run's number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which evidence: of these probes, for figures of [from_us, to_us); one by one for those in `pooled`."""

    probes: Sequence[ProbeTerms]
    from_us: int
    to_us: int
    pooled: Collection[str] = ()
    gaps: Mapping[str, int] = field(default_factory=dict)
    """By probe, the shortest gap of any contract that names one; else it is twice the interval."""


async def gather(store: Store, asked: Asked) -> Tracks:
    """Return what was seen of the probes that were asked for, in all of their regions. Raises StoreError."""
    seed = await store.seed()
    wanted = {(probe.name, region): probe for probe in asked.probes for region in probe.regions}
    raw = {
        row.number: _Raw(row, grid_of(row, seed))
        for row in await store.all_series()
        if (row.probe, row.region) in wanted
    }
    await _read(store, raw, asked)
    bounds = await store.slot_bounds()
    eras: defaultdict[tuple[str, str], list[Era]] = defaultdict(list)
    by_pair: defaultdict[tuple[str, str], list[_Raw]] = defaultdict(list)
    for each in raw.values():
        by_pair[each.row.probe, each.row.region].append(each)
    # With thousands of series it takes longer than the loop may be held.
    await asyncio.to_thread(
        lambda: eras.update({pair: list(_eras(raws, bounds)) for pair, raws in by_pair.items()})
    )
    for pair, found in (
        await imported_eras(store, wanted, asked.from_us - BEFORE_US, asked.to_us + AFTER_US, asked.pooled)
    ).items():
        eras[pair][:0] = found
    await _look_closely(store, eras, asked)
    return {pair: Track(probe=pair[0], region=pair[1], eras=tuple(found)) for pair, found in eras.items()}


async def _read(store: Store, raw: dict[int, _Raw], asked: Asked) -> None:
    numbers = sorted(raw)
    from_us, to_us = asked.from_us - BEFORE_US, asked.to_us + AFTER_US
    async for runs in store.runs(from_us, numbers, to_us=to_us):
        for run in runs:
            raw[run.series].runs.append(run)
    async for troubles in store.troubles(numbers, from_us, to_us):
        for trouble in troubles:
            raw[trouble.series].troubles.append(trouble)
    for gap in await store.holes(numbers, from_us, to_us):
        raw[gap.series].gaps.append(gap)
    await _cut(store, raw, asked)


async def _cut(store: Store, raw: dict[int, _Raw], asked: Asked) -> None:
    """Cut the runs that a gap shorter than two intervals makes holes in."""
    for each in raw.values():
        gap_us = asked.gaps.get(each.row.probe)
        if gap_us is None or gap_us >= 2 * each.grid.interval_us:
            continue
        reach_us = 4 * each.grid.interval_us + gap_us
        within = asked.from_us - reach_us, asked.to_us + reach_us
        for run in each.runs:
            if is_wide(run, gap_us) and run.last_us >= within[0] and run.first_us < within[1]:
                each.cuts[run.number] = await pieces_of(store, each.grid, run, gap_us, within)


def _eras(raws: Sequence[_Raw], bounds: dict[int, tuple[int, int]]) -> Iterator[Era]:
    """Yield the eras of one probe and region. A grid that was left and taken up again has several."""
    found = ((raw, runs) for raw in raws for runs in _stays(raw, raws))
    stays = sorted(found, key=lambda stay: stay[1][0].first_us)
    ended: dict[int, int] = {}
    for place, (raw, runs) in enumerate(stays):
        first, last = bounds.get(raw.row.number, (0, -1))
        if raw.row.number in ended:
            begin = _begin(raw, runs, stays[place - 1][1][-1].last_us)
            first = max(first, begin, ended[raw.row.number] + 1)
        if any(other is raw for other, _ in stays[place + 1 :]):
            last = min(last, _end(raw, runs, stays[place + 1][1][0].first_us))
        ended[raw.row.number] = last
        yield _era(raw, runs, first, last)


def _begin(raw: _Raw, runs: Sequence[RunRow], since_us: int) -> int:
    """Return the first slot of a stay: of its first run, or missed just before it and after another grid's last."""
    first = raw.grid.slot_at(runs[0].first_us)
    low = raw.grid.first_due(since_us)
    for gap in reversed(raw.gaps):
        if gap.first_slot < first <= gap.last_slot + 1:
            first = max(gap.first_slot, min(low, first))
    return first


def _end(raw: _Raw, runs: Sequence[RunRow], until_us: int) -> int:
    """Return the last slot of a stay: of its last run, or missed just after it and before another grid's first."""
    last = raw.grid.slot_at(runs[-1].last_us)
    high = raw.grid.first_due(until_us) - 1
    for gap in raw.gaps:
        if gap.first_slot - 1 <= last < gap.last_slot:
            last = min(gap.last_slot, max(high, last))
    return last


def _stays(raw: _Raw, raws: Sequence[_Raw]) -> Iterator[list[RunRow]]:
    """Yield the runs of each stay on a grid: it was left where it is silent and another one begins to tell."""
    others = sorted(run.first_us for other in raws if other is not raw for run in other.runs)
    stay: list[RunRow] = []
    for run in sorted(raw.runs, key=lambda run: (run.first_us, run.last_us)):
        silent_us = run.first_us - stay[-1].last_us if stay else 0
        if silent_us > 2 * raw.grid.interval_us:
            place = bisect_right(others, stay[-1].last_us)
            if place < len(others) and others[place] < run.first_us:
                yield stay
                stay = []
        stay.append(run)
    if stay:
        yield stay


def _era(raw: _Raw, runs: Sequence[RunRow], first: int, last: int) -> Era:
    grid = raw.grid
    return Era(
        interval_us=grid.interval_us,
        schedule=grid.schedule,
        regions=len(grid.regions),
        stretches=stretches_of(grid, runs, raw.cuts),
        first_slot=first,
        last_slot=last,
        due_us=grid.due_us,
        slot_at=grid.slot_at,
        oddities=tuple(_oddities(raw, runs, first, last)),
        holes=tuple(_holes(raw.gaps, first, last)),
        from_us=min(runs[0].first_us, grid.due_us(first)),
        series=raw.row.number,
    )


def _oddities(raw: _Raw, runs: Sequence[RunRow], first: int, last: int) -> Iterator[Oddity]:
    """Yield the slots that did not pass; most failures lie in a run that is alone around their slot."""
    grid, starts, place = raw.grid, [run.first_us for run in runs], 0
    for trouble in raw.troubles:
        if not first <= trouble.slot <= last:
            continue
        if trouble.outcome == _VOID:
            yield Oddity(trouble.slot, Fate.UNKNOWN)
            continue
        begin_us = grid.start_us(trouble.slot)
        while place < len(runs) and runs[place].last_us < begin_us:
            place += 1
        end_us = begin_us + grid.interval_us + trouble.late_us
        if place < len(runs) and (place + 1 == len(runs) or starts[place + 1] > end_us):
            code = runs[place].code
        else:
            code = _code(trouble, grid, starts, runs)
        yield Oddity(trouble.slot, Fate.BAD, code or "")


def _code(trouble: TroubleRow, grid: Grid, starts: Sequence[int], runs: Sequence[RunRow]) -> str:
    """Return the code of the run that a failed result is in.

    Retries and rechecks of its slot may have failed another way: only then the instant is asked for, which costs a
    hash.
    """
    begin_us = grid.start_us(trouble.slot)
    found = _around(starts, runs, begin_us, begin_us + grid.interval_us + max(trouble.late_us, 0))
    codes = {run.code for run in found}
    if len(codes) > 1:
        at_us = grid.due_us(trouble.slot) + trouble.late_us
        found = _around(starts, runs, at_us, at_us + LATE_KEPT_US)
    return (found[0].code or "") if found else ""


def _around(starts: Sequence[int], runs: Sequence[RunRow], low_us: int, high_us: int) -> list[RunRow]:
    """Return the failed runs that go on at some instant between two."""
    found = []
    for place in range(bisect_right(starts, high_us) - 1, -1, -1):
        if runs[place].last_us < low_us:
            break
        if runs[place].outcome == _FAIL:
            found.append(runs[place])
    return found


def _holes(gaps: Sequence[GapRow], first: int, last: int) -> Iterator[Hole]:
    for gap in gaps:
        low, high = max(gap.first_slot, first), min(gap.last_slot, last)
        if low <= high:
            yield Hole(low, high, gap.reason)


async def _look_closely(store: Store, eras: dict[tuple[str, str], list[Era]], asked: Asked) -> None:
    """Add the single results around trouble to the eras of pooled probes."""
    for name in asked.pooled:
        pairs = [pair for pair in eras if pair[0] == name]
        spans = _around_trouble([era for pair in pairs for era in eras[pair]])
        for pair in pairs:
            eras[pair] = [await _with_shots(store, era, spans) for era in eras[pair]]


def _around_trouble(eras: Sequence[Era]) -> list[tuple[int, int]]:
    """Return the times in which some region failed, out to the good results of every region beside them."""
    reach = 4 * max((era.interval_us for era in eras), default=0)
    return [
        (stretch.first_us - reach, stretch.last_end_us + reach)
        for era in eras
        for stretch in era.stretches
        if stretch.verdict is Verdict.BAD
    ]


async def _with_shots(store: Store, era: Era, spans: Sequence[tuple[int, int]]) -> Era:
    merged = union(spans)
    if era.imported:
        starts = [shot.start_us for shot in era.shots]
        inside = (era.shots[bisect_left(starts, a) : bisect_left(starts, b)] for a, b in merged)
        return replace(era, shots=tuple(chain.from_iterable(inside)), shot_spans=merged)
    slots = [(era.slot_at(a), era.slot_at(b) + 1) for a, b in merged]
    rows = await store.shots(era.series, [span for span in slots if span[0] <= span[1]]) if slots else []
    shots = sorted(
        (_shot(era, row) for row in rows if row.outcome in _FATES),
        key=lambda shot: (shot.start_us, shot.end_us),
    )
    return replace(era, shots=tuple(shots), shot_spans=merged)


def _shot(era: Era, row: ResultRow) -> Shot:
    return Shot(*extent_of_row(era, row), _FATES[row.outcome])
