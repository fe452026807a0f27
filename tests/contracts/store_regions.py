"""What every store must do for remote agents and for late results; part of `StoreSuite`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_use import StoreCase, all_runs, rows
from support.store_values import INTERVAL_US, SLOT, T0_US, change, detail, gap, result_row, run_row

from prober.store.base import AgentRow, AsideRow, ResultQuery, SeriesSlots, WriteSet


def agent(name: str = "iad-1", **fields: object) -> AgentRow:
    row = AgentRow(name=name, region="iad", key=b"k" * 32, enrolled_us=T0_US, seen_us=T0_US, software="1.0")
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of many types


def aside(sequence: int, reason: str = "a hole") -> AsideRow:
    return AsideRow(
        agent="iad-1",
        region="iad",
        epoch=3,
        sequence=sequence,
        noted_us=T0_US,
        reason=reason,
        data=b"\0batch",
    )


def late(*slots: int) -> WriteSet:
    """Results of the first series that come after others."""
    return WriteSet(results=[result_row(1, slot) for slot in slots], late_slots=[(1, slot) for slot in slots])


class RegionPromises(StoreCase):
    """Agents, batches kept aside, states that are revised, results that come late; one promise a test."""

    async def test_an_agent_is_known_by_its_name_until_it_is_forgotten(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(agents=[agent(), agent("fra-1", region="fra")]))
            await store.write(WriteSet(agents=[agent(seen_us=T0_US + 5)]))
            assert await store.agents() == [agent("fra-1", region="fra"), agent(seen_us=T0_US + 5)]
            await store.write(WriteSet(forgotten=["iad-1", "nobody"]))
            assert await store.agents() == [agent("fra-1", region="fra")]

    async def test_batches_kept_aside_are_newest_first_once_each_and_bounded(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(aside=[aside(1), aside(2)]))
            await store.write(WriteSet(aside=[aside(2), aside(2, "another fault")]))
            assert await store.aside(10) == [aside(2, "another fault"), aside(2), aside(1)]
            assert await store.aside(1) == [aside(2, "another fault")]
            assert await store.aside(1, data=False) == [replace(aside(2, "another fault"), data=b"")]
            await store.write(WriteSet(aside=[aside(number) for number in range(3, 1500)]))
            kept = await store.aside(2000)
            assert (len(kept), kept[0], kept[-1].sequence) == (1000, aside(1499), 500)

    async def test_a_store_keeps_its_name_and_no_other_has_it(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            name = await store.store_id()
        async with self.opened(tmp_path) as store:
            assert await store.store_id() == name
        (tmp_path / "other").mkdir()
        async with self.opened(tmp_path / "other") as store:
            assert await store.store_id() != name
        assert len(name) == 16

    async def test_a_change_that_is_withdrawn_stays_on_record_and_no_longer_stands(
        self, tmp_path: Path
    ) -> None:
        down, up = change(at_us=10), change(at_us=20, after="up", before="down")
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(changes=[down, up, change("service:shop", at_us=10)]))
            revised = change(at_us=15, noted_us=99, revision=1)
            await store.write(WriteSet(withdrawn=[replace(down, withdrawn=1)], changes=[revised]))
            assert await store.changes("probe:web", 9) == [revised, up, replace(down, withdrawn=1)]
            assert (await store.last_changes())["probe:web"] == up
            assert await store.states(["probe:web"], 0) == [revised, up]
            assert await store.revision() == 1
            # The same may become true again, live.
            await store.write(WriteSet(withdrawn=[replace(revised, withdrawn=2)], changes=[down]))
            assert await store.states(["probe:web"], 0) == [down, up]
            assert await store.revision() == 2

    async def test_states_since_an_instant_come_with_the_one_that_stood_there(self, tmp_path: Path) -> None:
        rows = [change(at_us=at, after=after) for at, after in ((10, "down"), (20, "up"), (30, "down"))]
        other = change("probe:db", at_us=12)
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(changes=[*rows, other]))
            assert await store.states(["probe:web", "probe:db"], 20) == [rows[0], other, rows[1], rows[2]]
            assert await store.states(["probe:web"], 21) == [rows[1], rows[2]]
            assert await store.states(["probe:web"], 5) == rows
            assert await store.states([], 5) == []

    async def test_the_evidence_of_a_series_is_the_first_failures_of_each_span(self, tmp_path: Path) -> None:
        failed = [
            detail(1, SLOT, started_us=T0_US + 5),
            detail(1, SLOT, kind=1, started_us=T0_US + 9),
            detail(1, SLOT + 1, started_us=T0_US + INTERVAL_US),
        ]
        second = detail(1, SLOT, kind=3, started_us=T0_US + 7)
        async with self.opened(tmp_path) as store:
            results = [
                result_row(1, one.slot, "fail", kind=one.kind, started_us=one.result.started_us)
                for one in (*failed, second)
            ]
            await store.write(WriteSet(results=results, details=[*failed, second]))
            await store.write(WriteSet(results=[result_row(2, SLOT, "fail")], details=[detail(2, SLOT)]))
            end_us = T0_US + 9 * INTERVAL_US
            assert await store.evidence(1, [(T0_US, end_us)], 9) == failed
            assert await store.evidence(1, [(T0_US, end_us)], 2) == failed[:2]
            assert await store.evidence(1, [(T0_US + 6, T0_US + 9)], 9) == failed[1:2]
            assert (
                await store.evidence(1, [(T0_US, T0_US + 5), (T0_US + INTERVAL_US, end_us)], 1) == failed[::2]
            )
            assert await store.evidence(1, [], 9) == await store.evidence(99, [(0, end_us)], 9) == []

    async def test_better_evidence_takes_a_slot_and_what_was_there_is_kept_as_none(
        self, tmp_path: Path
    ) -> None:
        first = result_row(1, SLOT, "fail", duration_us=100)
        better = result_row(1, SLOT, duration_us=200, started_us=T0_US + 3)
        async with self.opened(tmp_path) as store:
            assert await store.taken([(1, SLOT), (99, SLOT)]) == {}
            await store.write(WriteSet(results=[first], details=[detail(1, SLOT)]))
            assert await store.taken([(1, SLOT), (1, SLOT + 1)]) == {(1, SLOT): "fail"}
            for _ in range(2):  # the same write twice is the same as once
                await store.write(WriteSet(better=[better]))
                assert await rows(store, 1) == [
                    replace(first, kind=3, started_us=T0_US + 3),
                    replace(better, started_us=0),
                ]
                assert await store.taken([(1, SLOT)]) == {(1, SLOT): "pass"}
                counts = await store.counts()
                assert [counts[name] for name in ("results", "details", "extras", "extra_details")] == [
                    1,
                    0,
                    1,
                    1,
                ]
            troubles = ResultQuery(
                series=[SeriesSlots(series=1, from_slot=0, to_slot=SLOT)], outcomes=frozenset({"fail"})
            )
            (kept,) = (await store.results(troubles)).details
            assert kept is not None
            assert kept.result.failures[0].code == "http_status"
            assert await store.evidence(1, [(0, 2 * T0_US)], 9) == []

    async def test_runs_of_late_results_lie_beside_the_open_one_and_may_go(self, tmp_path: Path) -> None:
        piece = run_row(1, -T0_US)
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=[run_row(1, 1, first_us=T0_US + 99 * INTERVAL_US)]))
            await store.write(WriteSet(runs=[piece]))
            await store.write(WriteSet(runs=[replace(piece, count=5)]))
            assert [run.count for run in await all_runs(store, series=[1])] == [5, 2]
            assert [run.number for run in await store.open_runs()] == [1]
            await store.write(WriteSet(dropped_runs=[(1, -T0_US)]))
            assert [run.number for run in await all_runs(store)] == [1]

    async def test_every_result_names_its_agent_also_where_agents_took_over(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            results = [result_row(1, SLOT + at) for at in range(4)]
            shifts = [(1, SLOT + 1, "a"), (1, SLOT + 3, "b"), (2, SLOT, "c")]
            await store.write(WriteSet(results=results, shifts=shifts))
            await store.write(
                WriteSet(results=[result_row(1, SLOT + 4, "fail")], details=[detail(1, SLOT + 4)])
            )
            asked = SeriesSlots(series=1, from_slot=0, to_slot=SLOT + 9)
            page = await store.results(ResultQuery(series=[asked]))
            assert page.agents == ["local", "b", "a", "a", ""]

    async def test_what_has_to_be_worked_out_is_remembered_from_the_earliest_instant(
        self, tmp_path: Path
    ) -> None:
        async with self.opened(tmp_path) as store:
            assert await store.marks() == {}
            await store.write(WriteSet(marks=[("web", 50), ("db", 70)]))
            await store.write(WriteSet(marks=[("web", 40), ("db", 80)]))
        async with self.opened(tmp_path) as store:
            assert await store.marks() == {"web": 40, "db": 70}
            await store.write(WriteSet(unmarked=["web"], marks=[("web", 60)]))
            assert await store.marks() == {"web": 60, "db": 70}

    async def test_a_result_that_comes_late_takes_its_slot_out_of_the_gap(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(gaps=[gap(1, SLOT, SLOT + 9), gap(2, SLOT, SLOT + 9)]))
            await store.write(late(SLOT + 4))
            assert await store.gaps([1], 9) == [gap(1, SLOT + 5, SLOT + 9), gap(1, SLOT, SLOT + 3)]
            await store.write(late(SLOT, SLOT + 9, SLOT + 5))
            assert await store.gaps([1], 9) == [gap(1, SLOT + 6, SLOT + 8), gap(1, SLOT + 1, SLOT + 3)]
            assert await store.gaps([2], 9) == [gap(2, SLOT, SLOT + 9)]

    async def test_a_gap_that_comes_late_leaves_out_the_slots_that_have_results(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=[result_row(1, SLOT + at) for at in (0, 3, 4, 20)]))
            await store.write(WriteSet(gaps=[gap(1, SLOT, SLOT + 6)]))
            assert await store.gaps([1], 9) == [gap(1, SLOT + 5, SLOT + 6), gap(1, SLOT + 1, SLOT + 2)]

    @given(
        told=st.lists(
            st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=8
        )
    )
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_no_slot_has_two_fates_whatever_the_order(
        self, tmp_path_factory: pytest.TempPathFactory, told: list[tuple[bool, int, int]]
    ) -> None:
        async def check() -> None:
            async with self.opened(tmp_path_factory.mktemp("fates")) as store:
                results, missed = set(), set()
                for is_gap, one, other in told:
                    first, last = min(one, other), max(one, other)
                    if is_gap:
                        await store.write(WriteSet(gaps=[gap(1, SLOT + first, SLOT + last)]))
                        missed |= set(range(first, last + 1))
                    else:
                        await store.write(late(SLOT + one))
                        results.add(one)
                gaps = await store.gaps([1], 100)
                shown = [slot - SLOT for row in gaps for slot in range(row.first_slot, row.last_slot + 1)]
                assert set(shown) == missed - results
                assert {row.slot - SLOT for row in await rows(store, 1)} == results

        asyncio.run(check())
