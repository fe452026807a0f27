"""From rows of a store to evidence: grids left and taken up again, starts, codes, gaps below the longest spacing."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.questions import promised
from support.scripted import DAY_US, HOUR_US, MINUTE_US, S, Script, Stay, Written, seeded_store, write

from checks.core.result import Outcome
from prober.accounts.evidence import Asked, gather
from prober.accounts.runs import extent
from prober.accounts.slicing import sliced
from prober.agent.grid import Grid
from prober.store.base import GapRow, Store, WriteSet
from prober.wire import Kind
from reports.contract import ProbeTerms
from reports.counting import lanes
from reports.evidence import Stretch, Stretches, Verdict, Window
from reports.methods import region_track
from reports.overlay import overlay
from reports.timeline import region_timeline
from reports.track import Era, Track, Tracks

BEGIN = 1_773_532_800 * S  # 2026-03-15T00:00Z
REGIONS = ("fra", "iad", "sin")
KNOWN_US = 5_000
VERDICTS = {Outcome.FAIL: Verdict.BAD, Outcome.VOID: Verdict.VOID}


def stay(from_us: int, to_us: int, interval_us: int = MINUTE_US, schedule: str = "stratified") -> Stay:
    return Stay(
        probe="web", regions=REGIONS, interval_us=interval_us, schedule=schedule, from_us=from_us, to_us=to_us
    )


@asynccontextmanager
async def stored(
    folder: Path, stays: Sequence[Stay], script: Script
) -> AsyncIterator[tuple[Store, list[Written]]]:
    store = await seeded_store(folder / "prober.db")
    try:
        yield store, await write(store, stays, script)
    finally:
        await store.close()


def probe() -> ProbeTerms:
    return promised().probes()[0]


async def gathered(store: Store, from_us: int, to_us: int, gap_us: int | None = None) -> Tracks:
    gaps = {} if gap_us is None else {"web": gap_us}
    return await gather(store, Asked(probes=[probe()], from_us=from_us, to_us=to_us, gaps=gaps))


def attempts(track: Track, window: Window) -> Counter[tuple[int, int]]:
    """Return how often each slot of each series counts."""
    return Counter(
        (lane.era.series, slot)
        for lane in lanes(track)
        for low, high, *_ in lane.within(window.start_us, window.end_us)
        for slot in range(low, high + 1)
    )


async def test_a_grid_that_was_left_and_taken_up_again_counts_every_slot_once(tmp_path: Path) -> None:
    cuts = [BEGIN, BEGIN + 5 * HOUR_US, BEGIN + 9 * HOUR_US, BEGIN + 15 * HOUR_US]
    stays = [
        stay(cuts[0], cuts[1]),
        stay(cuts[1], cuts[2], 2 * MINUTE_US),
        stay(cuts[2], cuts[3]),
    ]
    async with stored(tmp_path, stays, Script(lost_share=0.05, late_share=0.05)) as (store, written):
        recorded = {one.row.number: on_record(one) for one in written}
        # An agent that takes a grid up again accounts for all of the time in which it did not run it.
        away = [gap_between(one, cuts[1], cuts[2]) for one in written if one.row.interval_us == MINUTE_US]
        await store.write(WriteSet(gaps=away))
        found = await gathered(store, BEGIN, cuts[3])
    for region in REGIONS:
        track = found["web", region]
        assert [era.interval_us for era in track.eras] == [MINUTE_US, 2 * MINUTE_US, MINUTE_US]
        counts = attempts(track, Window(BEGIN, cuts[3]))
        assert set(counts.values()) == {1}
        own = {slot for one in written if one.row.region == region for slot in recorded[one.row.number]}
        assert own <= set(counts)
        # Between two grids some slots of the one before are still to be expected, until the next has begun.
        assert len(set(counts) - own) <= 10


def on_record(one: Written) -> set[tuple[int, int]]:
    """Return the slots of a series that ran, or were to run, by the script."""
    gaps = {slot for gap in one.gaps for slot in range(gap.first_slot, gap.last_slot + 1)}
    slots = {record.slot for record in one.records if record.kind == Kind.SCHEDULED} | gaps
    return {(one.row.number, slot) for slot in slots}


def gap_between(one: Written, from_us: int, to_us: int) -> GapRow:
    first, last = one.grid.first_due(from_us), one.grid.first_due(to_us) - 1
    return GapRow(series=one.row.number, first_slot=first, last_slot=last, reason="agent_off")


async def test_two_agents_that_run_two_grids_for_a_while_lose_no_time(tmp_path: Path) -> None:
    """One of a region's agents takes the new configuration a while after the other."""
    stays = [stay(BEGIN, BEGIN + 6 * HOUR_US), stay(BEGIN + 5 * HOUR_US, BEGIN + 10 * HOUR_US, 2 * MINUTE_US)]
    spells = [
        (BEGIN + 5 * HOUR_US + n * 9 * MINUTE_US, BEGIN + 5 * HOUR_US + (n * 9 + 5) * MINUTE_US)
        for n in range(5)
    ]
    async with stored(tmp_path, stays, Script(down={"web": spells})) as (store, _):
        found = await gathered(store, BEGIN, BEGIN + 10 * HOUR_US)
    for track in found.values():
        assert len(track.eras) == 2
        timeline = region_track(promised(interval_us=2 * MINUTE_US), track)
        inside = timeline.spans(Window(BEGIN + 4 * HOUR_US, BEGIN + 9 * HOUR_US))
        assert all(span.mark.name != "UNKNOWN" for span in inside)


def marks(eras: Sequence[Era], gap_us: int, window: Window) -> list[tuple[int, int, str]]:
    spans = overlay([region_timeline(era.stretches, gap_us) for era in eras]).spans(window)
    return [(span.start_us, span.end_us, span.mark.name) for span in spans]


def one_by_one(written: Written) -> Stretches:
    """Return every single result as evidence, with its start as it is known."""
    found = Stretches()
    for record in written.records:
        result = record.result
        start_us, end_us = result.started_us, result.started_us + result.duration_us
        due_us = written.grid.due_us(record.slot)
        if 0 <= start_us - due_us <= KNOWN_US:
            start_us, end_us = due_us, due_us + result.duration_us + KNOWN_US
        verdict = VERDICTS.get(result.outcome, Verdict.GOOD)
        ends = {"first_us": start_us, "first_end_us": end_us, "last_us": start_us, "last_end_us": end_us}
        found.append(Stretch(**ends, verdict=verdict))
    return found


@pytest.mark.parametrize("share", [25, 60, 100, 110, 150, 199, 200])
@pytest.mark.parametrize("schedule", ["stratified", "fixed", "round"])
async def test_a_gap_below_the_longest_spacing_marks_what_single_results_do(
    tmp_path: Path, share: int, schedule: str
) -> None:
    gap_us = MINUTE_US * share // 100
    script = Script(
        down={"web": [(BEGIN + 3 * HOUR_US, BEGIN + 3 * HOUR_US + 11 * MINUTE_US)]},
        off={"iad": [(BEGIN + 5 * HOUR_US, BEGIN + 6 * HOUR_US, "agent_off")]},
        void_share=0.02,
        lost_share=0.02,
        late_share=0.1,
    )
    window = Window(BEGIN + HOUR_US, BEGIN + 20 * HOUR_US)
    async with stored(tmp_path, [stay(BEGIN - DAY_US, BEGIN + DAY_US, schedule=schedule)], script) as (
        store,
        written,
    ):
        found = await gathered(store, window.start_us, window.end_us, gap_us)
    for one in written:
        era = found["web", one.row.region].eras[0]
        single = replace(era, stretches=one_by_one(one))
        assert marks([era], gap_us, window) == marks([single], gap_us, window)


async def test_wider_gaps_of_other_contracts_are_as_if_nothing_had_been_cut(tmp_path: Path) -> None:
    window = Window(BEGIN, BEGIN + 10 * HOUR_US)
    script = Script(lost_share=0.02, void_share=0.02, down={"web": [(BEGIN + HOUR_US, BEGIN + 2 * HOUR_US)]})
    async with stored(tmp_path, [stay(BEGIN - DAY_US, BEGIN + DAY_US)], script) as (store, _):
        cut = await gathered(store, window.start_us, window.end_us, 70 * S)
        whole = await gathered(store, window.start_us, window.end_us)
    for pair, track in cut.items():
        assert len(track.eras[0].stretches) > len(whole[pair].eras[0].stretches)
        for gap_us in (2 * MINUTE_US, 3 * MINUTE_US):
            assert marks(track.eras, gap_us, window) == marks(whole[pair].eras, gap_us, window)


async def test_a_failed_run_has_its_own_code_and_not_that_of_its_retry(tmp_path: Path) -> None:
    script = Script(down={"web": [(BEGIN + HOUR_US, BEGIN + 3 * HOUR_US)]}, late_share=0.2)
    async with stored(tmp_path, [stay(BEGIN, BEGIN + 5 * HOUR_US)], script) as (store, written):
        found = await gathered(store, BEGIN, BEGIN + 5 * HOUR_US)
    for one in written:
        own = {
            record.slot: record.result.failures[0].code
            for record in one.records
            if record.kind == Kind.SCHEDULED and record.result.outcome is Outcome.FAIL
        }
        told = {odd.slot: odd.code for odd in found["web", one.row.region].eras[0].oddities}
        assert told == own
        assert len(set(own.values())) > 1


@pytest.mark.parametrize("schedule", ["stratified", "fixed", "round"])
def test_a_start_is_known_to_five_milliseconds_and_the_end_gives_way(schedule: str) -> None:
    grid = Grid(bytes(32), "web", "fra", REGIONS, MINUTE_US, schedule)
    due_us = grid.due_us(grid.slot_at(BEGIN))
    for late_us in (0, 1, KNOWN_US):
        assert extent(grid, due_us + late_us, due_us + late_us + 70) == (due_us, due_us + 70 + KNOWN_US)
    for late_us in (-1, KNOWN_US + 1):
        assert extent(grid, due_us + late_us, due_us + late_us + 70) == (
            due_us + late_us,
            due_us + late_us + 70,
        )


async def test_a_part_of_what_was_read_says_the_same_of_its_time(tmp_path: Path) -> None:
    script = Script(
        down={
            "web": [(BEGIN + n * 7 * HOUR_US, BEGIN + n * 7 * HOUR_US + 40 * MINUTE_US) for n in range(12)]
        },
        void_share=0.02,
        lost_share=0.03,
    )
    stays = [stay(BEGIN, BEGIN + 2 * DAY_US), stay(BEGIN + 2 * DAY_US, BEGIN + 4 * DAY_US, 2 * MINUTE_US)]
    async with stored(tmp_path, stays, script) as (store, _):
        whole = await gathered(store, BEGIN, BEGIN + 4 * DAY_US)
    for hour in range(0, 90, 9):
        window = Window(BEGIN + hour * HOUR_US, BEGIN + (hour + 5) * HOUR_US)
        part = sliced(whole, window.start_us - HOUR_US, window.end_us + HOUR_US)
        for pair, track in whole.items():
            assert attempts(part[pair], window) == attempts(track, window)
            for gap_us in (2 * MINUTE_US, 4 * MINUTE_US):
                assert marks(part[pair].eras, gap_us, window) == marks(track.eras, gap_us, window)
        assert sum(len(t.eras[0].oddities) for t in part.values()) < sum(
            len(t.eras[0].oddities) for t in whole.values()
        )
