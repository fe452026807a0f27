"""Time that went by in a store, as a hub would have left it: a script of outages, losses and late starts, no daemon.

Results become runs by the hub's own rule, slot by slot; every slot ends as a result or in a gap. Everything follows
from a seed. Shares nothing with `reports`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from random import Random

from checks.core.result import Failure, Outcome, Result
from prober.agent.grid import Grid
from prober.hub.plan import grid_of
from prober.hub.series import LATE_KEPT_US, SeriesState, continues, grow, new_run
from prober.store.base import Detail, GapRow, ResultRow, RunRow, SeriesRow, Store, WriteSet
from prober.store.sqlite import SqliteStore
from prober.wire import Kind, Record

S = 1_000_000
MINUTE_US = 60 * S
HOUR_US = 3_600 * S
DAY_US = 24 * HOUR_US
ROWS_AT_ONCE = 20_000
Spell = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A probe on one grid from an instant to another: it begins with its first due slot."""

    probe: str
    regions: tuple[str, ...]
    interval_us: int
    schedule: str
    from_us: int
    to_us: int


@dataclass(slots=True, kw_only=True)
class Script:
    """What was true, and what went wrong on our side. Spells are by probe, by region, or by (probe, region)."""

    seed: int = 1
    down: dict[object, list[Spell]] = field(default_factory=dict)
    off: dict[object, list[tuple[int, int, str]]] = field(default_factory=dict)  # and why
    void_share: float = 0.0
    lost_share: float = 0.0
    late_share: float = 0.0
    retries: bool = True
    longest_us: int = 900_000
    codes: Sequence[str] = ("connect_refused", "http_status", "timeout_headers")


@dataclass(slots=True)
class Written:
    """What one series came to."""

    row: SeriesRow
    grid: Grid
    records: list[Record]
    gaps: list[GapRow]


async def seeded_store(path: Path, seed: int = 7) -> Store:
    """Return an open store whose schedule is drawn from a seed that is told: the same dues in every run."""
    store = SqliteStore(path)
    await store.open()
    await store.close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO meta VALUES ('seed', ?)", (seed.to_bytes(32, "big"),))
    connection.commit()
    connection.close()
    store = SqliteStore(path)
    await store.open()
    return store


async def write(store: Store, stays: Sequence[Stay], script: Script) -> list[Written]:
    """Write all stays into an open store; return what each series came to."""
    rows = [
        SeriesRow(
            number=0,
            probe=stay.probe,
            region=region,
            interval_us=stay.interval_us,
            schedule=stay.schedule,
            regions=stay.regions,
            created_us=min(each.from_us for each in stays),
        )
        for stay in stays
        for region in stay.regions
    ]
    # One that is taken up again is the same series.
    numbered = await store.series(rows)
    seed = await store.seed()
    found: dict[int, Written] = {}
    of_row = [stay for stay in stays for _ in stay.regions]
    for row, stay in sorted(zip(numbered, of_row, strict=True), key=lambda pair: pair[1].from_us):
        one = _played(row, grid_of(row, seed), stay, script)
        known = found.setdefault(row.number, Written(row, one.grid, [], []))
        known.records += one.records
        known.gaps += one.gaps
    for one in found.values():
        await _put(store, one)
    return list(found.values())


def _played(row: SeriesRow, grid: Grid, stay: Stay, script: Script) -> Written:
    chance = Random(f"{script.seed} {row.probe} {row.region} {stay.from_us}")
    found = Written(row, grid, [], [])
    down = _spells(script.down, row)
    off = sorted(_spells(script.off, row))
    off_at = lambda at_us: next((why for a, b, why in off if a <= at_us < b), None)  # noqa: E731
    is_down = lambda at_us: any(a <= at_us < b for a, b in down)  # noqa: E731
    slot, free_us = grid.first_due(stay.from_us), 0
    failing = 0
    while (due_us := grid.due_us(slot)) < stay.to_us:
        why = off_at(due_us)
        if why is None and chance.random() < script.lost_share:
            why = chance.choice(["late", "overrun", "dropped", "clock"])
        if why is None and due_us < free_us:
            why = "overrun"
        if why is not None:
            _miss(found, slot, why)
        else:
            free_us = _run(found, slot, due_us, chance, script, is_down)
            failing = _rerun(found, slot, free_us, chance, script, is_down, failing)
        slot += 1
    return found


def _spells(by: dict[object, list], row: SeriesRow) -> list:
    return list(
        chain.from_iterable(by.get(key, ()) for key in (row.probe, row.region, (row.probe, row.region)))
    )


def _miss(found: Written, slot: int, why: str) -> None:
    last = found.gaps[-1] if found.gaps else None
    if last is not None and last.last_slot == slot - 1 and last.reason == why:
        found.gaps[-1] = GapRow(series=last.series, first_slot=last.first_slot, last_slot=slot, reason=why)
    else:
        found.gaps.append(GapRow(series=found.row.number, first_slot=slot, last_slot=slot, reason=why))


def _run(
    found: Written, slot: int, due_us: int, chance: Random, script: Script, is_down: Callable[[int], bool]
) -> int:
    """Run a slot; return when it was over."""
    late_us = chance.randrange(LATE_KEPT_US + 1)
    if chance.random() < script.late_share:
        late_us = chance.randrange(LATE_KEPT_US + 1, max(found.grid.interval_us // 20, LATE_KEPT_US + 2))
    result = _looked(due_us + late_us, chance, script, is_down)
    found.records.append(Record(found.row.number, slot, int(Kind.SCHEDULED), late_us, result))
    return result.started_us + result.duration_us


def _looked(start_us: int, chance: Random, script: Script, is_down: Callable[[int], bool]) -> Result:
    took_us = chance.randrange(20_000, script.longest_us)
    bad = is_down(start_us + chance.randrange(took_us))
    outcome = Outcome.FAIL if bad else Outcome.WARN if chance.random() < 0.01 else Outcome.PASS
    if chance.random() < script.void_share:
        outcome = Outcome.VOID
    codes = {Outcome.FAIL: chance.choice(script.codes), Outcome.VOID: "agent_stalled"}
    failures = (Failure(codes[outcome], "as the script says"),) if outcome in codes else ()
    return Result(
        outcome=outcome,
        started_us=start_us,
        duration_us=took_us,
        phases_us={"connect": took_us},
        failures=failures,
    )


def _rerun(
    found: Written,
    slot: int,
    free_us: int,
    chance: Random,
    script: Script,
    is_down: Callable[[int], bool],
    failing: int,
) -> int:
    """Retry once after a failure, then look again now and then; return how often it failed in a row."""
    next_us = found.grid.due_us(slot + 1)
    last = found.records[-1].result
    failing = failing + 1 if last.outcome is Outcome.FAIL else 0
    kind = Kind.RETRY if failing == 1 else Kind.RECHECK
    at_us = free_us + (2 * S if kind is Kind.RETRY else 20 * S)
    while script.retries and failing and at_us + script.longest_us < next_us:
        result = _looked(at_us, chance, script, is_down)
        found.records.append(Record(found.row.number, found.grid.slot_at(at_us), int(kind), 0, result))
        failing = failing + 1 if result.outcome is Outcome.FAIL else 0
        kind, at_us = Kind.RECHECK, at_us + result.duration_us + 20 * S
    return failing


async def _put(store: Store, one: Written) -> None:
    """Write the runs, results, details and gaps of a series."""
    state = SeriesState(row=one.row, grid=one.grid)
    runs, details = list(_runs(state, one.records)), list(_details(one.records))
    for first in range(0, len(one.records), ROWS_AT_ONCE):
        rows = [_row(record) for record in one.records[first : first + ROWS_AT_ONCE]]
        await store.write(WriteSet(results=rows))
    await store.write(WriteSet(runs=runs, details=details, gaps=one.gaps))


def _runs(state: SeriesState, records: Iterable[Record]) -> Iterator[RunRow]:
    """Yield the runs that a hub makes of records in order of time."""
    run, number = None, 0
    for record in records:
        if run is not None and continues(record, state, run):
            grow(run, record, state)
            continue
        if run is not None:
            yield run
        number += 1
        run = new_run(state, record, number)
    if run is not None:
        yield run


def _details(records: Iterable[Record]) -> Iterator[Detail]:
    """Yield what is kept in full: all but plain passes, what began late, and the first pass after trouble."""
    before = Outcome.VOID
    for record in records:
        outcome = record.result.outcome
        if outcome is not Outcome.PASS or before is not Outcome.PASS or record.late_us > LATE_KEPT_US:
            yield Detail(
                series=record.series,
                slot=record.slot,
                kind=record.kind,
                digest="d",
                agent="local-0",
                result=record.result,
            )
        before = outcome


def _row(record: Record) -> ResultRow:
    result = record.result
    return ResultRow(
        series=record.series,
        slot=record.slot,
        kind=record.kind,
        started_us=result.started_us,
        late_us=record.late_us,
        duration_us=result.duration_us,
        outcome=result.outcome.value,
    )
