"""What every store must do for reports: what was seen in a time, what was announced, closed, sent; of `StoreSuite`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_use import StoreCase, all_runs
from support.store_values import INTERVAL_US, SLOT, T0_US, gap, result_row, run_row, series_row

from prober.store.base import (
    ClosedRow,
    DeliveryRow,
    GapRow,
    MaintenanceRow,
    Store,
    TroubleRow,
    WriteSet,
)

BEGIN_US = SLOT * INTERVAL_US
HOUR_US = 3_600_000_000


def announced(key: str = "db-upgrade", **fields: object) -> MaintenanceRow:
    row = MaintenanceRow(
        key=key,
        title="Database upgrade",
        description="Short interruptions.",
        services=("shop", "api"),
        start_us=T0_US,
        end_us=T0_US + HOUR_US,
        announced_us=None,
        noted_us=T0_US - HOUR_US,
        source="cli",
    )
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of many types


def closed_row(contract: str = "shop-gold", revision: int = 1, **fields: object) -> ClosedRow:
    row = ClosedRow(
        contract=contract,
        customer="acme",
        from_us=T0_US,
        to_us=T0_US + HOUR_US,
        revision=revision,
        made_us=T0_US + 2 * HOUR_US,
        digest=f"{contract}-{revision}",
        supersedes=f"{contract}-{revision - 1}" if revision > 1 else "",
        reason="late evidence" if revision > 1 else "",
        body=b'{"finding":"backed"}' * 50,
    )
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of many types


def bare(row: ClosedRow) -> ClosedRow:
    return replace(row, body=b"")


def delivery(digest: str, **fields: object) -> DeliveryRow:
    row = DeliveryRow(target="monthly", digest=digest, at_us=T0_US, attempts=1, state="waiting", error="")
    return replace(row, **fields)  # type: ignore[arg-type]  # fields of many types


async def troubles(store: Store, series: list[int], from_us: int, to_us: int) -> list[TroubleRow]:
    lists = [some async for some in store.troubles(series, from_us, to_us)]
    assert [] not in lists
    return [row for some in lists for row in some]


async def durations(store: Store, series: int, first: int, last: int) -> list[int]:
    return sorted([took async for some in store.durations(series, first, last) for took in some])


def may_be_due(slot: int, from_us: int, to_us: int, interval_us: int = INTERVAL_US) -> bool:
    """Whether a slot, which is due within two intervals after its multiple, may be due in a time."""
    return slot * interval_us < to_us and (slot + 2) * interval_us > from_us


class ReportPromises(StoreCase):
    """What reports are made of and what becomes of them, one promise a test."""

    async def test_slots_on_record_have_a_first_and_a_last(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert await store.slot_bounds() == {}
            await store.write(
                WriteSet(
                    results=[result_row(1, SLOT), result_row(1, SLOT + 4)], gaps=[gap(2, SLOT, SLOT + 5)]
                )
            )
            await store.write(
                WriteSet(results=[result_row(3, SLOT, kind=1, started_us=T0_US)], runs=[run_row(3, 1)])
            )
            await store.write(WriteSet(results=[result_row(1, SLOT - 9)]))
            assert await store.slot_bounds() == {1: (SLOT - 9, SLOT + 4), 2: (SLOT, SLOT + 5)}

    async def test_troubles_are_scheduled_fails_and_voids_by_series_then_slot(self, tmp_path: Path) -> None:
        outcomes = ("pass", "warn", "fail", "void")
        results = [result_row(n, SLOT + k, outcome) for n in (2, 1) for k, outcome in enumerate(outcomes)]
        results += [result_row(1, SLOT + 9, "fail", kind=kind, started_us=T0_US) for kind in (1, 2, 3)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=results))
            wanted = [
                TroubleRow(series=n, slot=SLOT + k, outcome=outcomes[k]) for n in (1, 2) for k in (2, 3)
            ]
            assert await troubles(store, [2, 1, 2, 99], 0, 2 * T0_US) == wanted
            assert await troubles(store, [2], 0, 2 * T0_US) == wanted[2:]
            assert await troubles(store, [], 0, 2 * T0_US) == []

    async def test_a_slot_that_may_be_due_in_a_time_is_told_with_it(self, tmp_path: Path) -> None:
        """Both sides of both borders, for series of different intervals."""
        slow = INTERVAL_US * 40
        async with self.opened(tmp_path, series=1) as store:
            other = (await store.series([series_row("slow", interval_us=slow)]))[0].number
            at = {1: range(SLOT - 5, SLOT + 130), other: range(SLOT // 40 - 5, SLOT // 40 + 9)}
            await store.write(
                WriteSet(results=[result_row(n, slot, "fail") for n, slots in at.items() for slot in slots])
            )
            for from_us, to_us in ((BEGIN_US, BEGIN_US + slow), (BEGIN_US - 1, BEGIN_US + 1)):
                found = {(row.series, row.slot) for row in await troubles(store, [1, other], from_us, to_us)}
                for number, interval_us in ((1, INTERVAL_US), (other, slow)):
                    needed = {slot for slot in at[number] if may_be_due(slot, from_us, to_us, interval_us)}
                    told = {slot for series, slot in found if series == number}
                    near = {slot + d for slot in needed for d in (-1, 0, 1)}
                    assert needed <= told <= near

    async def test_many_troubles_come_in_lists_of_bounded_size_without_a_hole(self, tmp_path: Path) -> None:
        results = [result_row(n, SLOT + k, "fail") for n in (1, 2, 3) for k in range(7000)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=results))
            lists = [some async for some in store.troubles([1, 2, 3], 0, 2 * T0_US)]
            assert max(map(len, lists)) <= 5000
            assert [(row.series, row.slot) for some in lists for row in some] == [
                (row.series, row.slot) for row in results
            ]

    async def test_holes_are_the_gaps_of_a_time_by_series_then_slot(self, tmp_path: Path) -> None:
        told = [gap(2, SLOT + 3, SLOT + 3, "late"), gap(1, SLOT - 900, SLOT - 700), gap(1, SLOT, SLOT + 5)]
        told += [gap(1, SLOT + 9, SLOT + 9, "overrun"), gap(1, SLOT + 500, SLOT + 501)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(gaps=told))
            wanted = [told[2], told[3], told[0]]
            assert await store.holes([1, 2], BEGIN_US, BEGIN_US + 99 * INTERVAL_US) == wanted
            assert await store.holes([1], BEGIN_US, BEGIN_US + 99 * INTERVAL_US) == wanted[:2]
            assert await store.holes([1], BEGIN_US + 2 * INTERVAL_US, BEGIN_US + 2 * INTERVAL_US + 1) == [
                told[2]
            ]
            assert await store.holes([1], 0, 2 * T0_US) == [told[1], *wanted[:2], told[4]]
            assert await store.holes([], 0, 2 * T0_US) == []

    async def test_of_gaps_over_each_other_the_slots_belong_to_the_one_that_begins_first(
        self, tmp_path: Path
    ) -> None:
        told = [
            gap(1, SLOT, SLOT + 20),
            gap(1, SLOT + 5, SLOT + 8, "late"),
            gap(1, SLOT + 6, SLOT + 25, "late"),
        ]
        async with self.opened(tmp_path) as store:
            for row in told:
                await store.write(WriteSet(gaps=[row]))
            assert await store.holes([1], 0, 2 * T0_US) == [told[0], gap(1, SLOT + 21, SLOT + 25, "late")]

    @settings(max_examples=30, deadline=None)
    @given(
        told=st.lists(
            st.tuples(st.integers(0, 60), st.integers(0, 12), st.booleans()), min_size=1, max_size=15
        ),
        window=st.tuples(st.integers(-5, 75), st.integers(1, 40)),
    )
    def test_no_missed_slot_is_told_twice_or_left_out(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        told: list[tuple[int, int, bool]],
        window: tuple[int, int],
    ) -> None:
        async def check() -> None:
            async with self.opened(tmp_path_factory.mktemp("holes")) as store:
                gaps = [
                    gap(1, SLOT + at, SLOT + at + length, "late" if late else "agent_off")
                    for at, length, late in told
                ]
                for row in gaps:
                    await store.write(WriteSet(gaps=[row]))
                from_us = (SLOT + window[0]) * INTERVAL_US
                to_us = from_us + window[1] * INTERVAL_US
                slots = [s for row in await store.holes([1], from_us, to_us) for s in slots_of(row)]
                assert len(slots) == len(set(slots))
                missed = {s for row in gaps for s in slots_of(row)}
                assert {s for s in missed if may_be_due(s, from_us, to_us)} <= set(slots) <= missed

        asyncio.run(check())

    async def test_shots_are_all_evidence_in_some_spans_once_each_by_slot(self, tmp_path: Path) -> None:
        kept = [
            result_row(1, SLOT - 1, kind=2, started_us=T0_US - 1),  # before all that is scheduled
            result_row(1, SLOT, "fail", late_us=7000),
            result_row(1, SLOT, "fail", kind=1, started_us=T0_US + 1, late_us=5),
            result_row(1, SLOT, "pass", kind=2, started_us=T0_US + 2),
            result_row(1, SLOT + 1, "void", late_us=-3),
            result_row(1, SLOT + 3, "warn", duration_us=2**40),
            result_row(1, SLOT + 8),
        ]
        beside = [result_row(1, SLOT + 4), result_row(2, SLOT + 1), result_row(1, SLOT + 9)]
        second = result_row(1, SLOT, "fail", kind=3, started_us=T0_US)
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=[*beside, *kept[::-1], second]))
            spans = [(SLOT + 8, SLOT + 8), (SLOT - 5, SLOT + 1), (SLOT + 1, SLOT + 3), (SLOT + 2, SLOT + 1)]
            assert await store.shots(1, spans) == kept
            assert await store.shots(1, []) == await store.shots(99, spans) == []
            assert len(await store.shots(1, [(-(2**50), 2**50)])) == len(kept) + 2

    async def test_durations_are_those_of_scheduled_passes_and_warnings(self, tmp_path: Path) -> None:
        results = [result_row(1, SLOT + k, duration_us=k) for k in range(50)]
        results += [result_row(1, SLOT + 60, "warn", duration_us=2**40)]
        results += [result_row(1, SLOT + 61 + k, outcome) for k, outcome in enumerate(("fail", "void"))]
        results += [result_row(1, SLOT + 5, kind=1, started_us=T0_US), result_row(2, SLOT + 5)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=results))
            assert await durations(store, 1, 0, 2 * SLOT) == [*range(50), 2**40]
            assert await durations(store, 1, SLOT + 7, SLOT + 9) == [7, 8, 9]
            assert await durations(store, 1, SLOT + 9, SLOT + 7) == await durations(store, 99, 0, SLOT) == []

    async def test_durations_over_a_long_time_come_in_lists_of_bounded_size(self, tmp_path: Path) -> None:
        results = [result_row(1, SLOT + k, duration_us=k) for k in range(45_000)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=results))
            lists = [some async for some in store.durations(1, -(2**50), 2**50)]
            assert max(map(len, lists)) <= 20_000
            assert sorted(took for some in lists for took in some) == list(range(45_000))

    async def test_runs_that_begin_at_or_after_an_end_are_left_out(self, tmp_path: Path) -> None:
        times = [(T0_US + 100 * n, T0_US + 100 * n + 50) for n in range(6)]
        runs = [
            run_row(series, number + 1, first_us=a, first_end_us=a + 5, last_us=b - 5, last_end_us=b)
            for series in (1, 2)
            for number, (a, b) in enumerate(times)
        ]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=runs))
            for only in (None, [1, 2], [2]):
                found = [
                    run async for some in store.runs(T0_US + 150, only, to_us=T0_US + 400) for run in some
                ]
                assert found == [
                    run for run in runs if run.number in (2, 3, 4) and (not only or run.series in only)
                ]
            found = [run async for some in store.runs(T0_US, to_us=T0_US + 401) for run in some]
            assert [run.number for run in found] == [1, 2, 3, 4, 5] * 2

    async def test_runs_of_some_series_come_whole_however_many(self, tmp_path: Path) -> None:
        runs = [run_row(series, number) for series in (1, 2, 3) for number in (-5, *range(1, 1500))]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=runs))
            assert await all_runs(store, series=[3, 1]) == [run for run in runs if run.series != 2]

    async def test_a_maintenance_stays_as_it_was_announced_but_for_its_cancellation(
        self, tmp_path: Path
    ) -> None:
        first = announced(announced_us=T0_US - 5 * HOUR_US)
        async with self.opened(tmp_path) as store:
            assert await store.maintenance() == []
            await store.write(WriteSet(maintenance=[announced("later", start_us=T0_US + 9), first]))
            await store.write(WriteSet(maintenance=[announced(title="Otherwise", end_us=T0_US + 1)]))
            assert await store.maintenance() == [first, announced("later", start_us=T0_US + 9)]
            await store.write(WriteSet(maintenance=[announced(title="Otherwise", cancelled_us=T0_US - 9)]))
            await store.write(WriteSet(maintenance=[announced(cancelled_us=T0_US + 9)]))
            await store.write(WriteSet(maintenance=[announced()]))
        async with self.opened(tmp_path) as store:
            assert (await store.maintenance())[0] == replace(first, cancelled_us=T0_US - 9)

    async def test_a_closed_report_is_never_changed(self, tmp_path: Path) -> None:
        first, second = closed_row(), closed_row(revision=2, body=b"{}")
        async with self.opened(tmp_path) as store:
            assert await store.closed() == []
            await store.write(WriteSet(closed=[first]))
            await store.write(WriteSet(closed=[replace(first, digest="other", body=b"[]"), second]))
        async with self.opened(tmp_path) as store:
            assert await store.closed(body=True) == [first, second]
            assert await store.closed() == [bare(first), bare(second)]

    async def test_closed_reports_are_found_by_contract_start_and_digest(self, tmp_path: Path) -> None:
        rows = [
            closed_row("api", 1, customer=""),
            closed_row("api", 1, digest="mine"),
            closed_row("shop", 1),
            closed_row("shop", 2),
            closed_row("shop", 1, from_us=T0_US + HOUR_US, to_us=T0_US + 3 * HOUR_US, digest="next"),
        ]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(closed=rows[::-1]))
            assert await store.closed() == [bare(row) for row in rows]
            assert await store.closed("shop") == [bare(row) for row in rows[2:]]
            assert await store.closed("shop", from_us=T0_US, body=True) == rows[2:4]
            assert await store.closed(from_us=T0_US + HOUR_US) == [bare(rows[4])]
            assert await store.closed("none") == []
            assert await store.closed_by_digest("mine") == rows[1]
            assert await store.closed_by_digest("none") is None

    async def test_a_delivery_is_replaced_by_target_and_digest(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(deliveries=[delivery("b"), delivery("a", at_us=T0_US + 9)]))
            done = delivery("b", attempts=2, state="done", at_us=T0_US + 20)
            await store.write(WriteSet(deliveries=[done, delivery("b", target="folder", error="disk full")]))
            assert await store.deliveries() == [
                delivery("b", target="folder", error="disk full"),
                delivery("a", at_us=T0_US + 9),
                done,
            ]

    async def test_a_store_without_imports_has_none(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert (await store.imports(), await store.imported_pairs()) == ([], [])
            assert [rows async for rows in store.imported("web", "fra", 0, 2 * T0_US)] == []


def slots_of(row: GapRow) -> range:
    return range(row.first_slot, row.last_slot + 1)
