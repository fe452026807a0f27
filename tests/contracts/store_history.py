"""What every store must do with runs, gaps, changes and receipts, and as a whole; part of `StoreSuite`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_use import DAY_US, Clock, StoreCase, all_runs, content, rows, split
from support.store_values import (
    SLOT,
    T0_US,
    call,
    change,
    detail,
    gap,
    receipt,
    result_row,
    run_row,
    writes,
)

from prober.store.base import (
    ListeningRow,
    StoreError,
    WriteSet,
)


class HistoryPromises(StoreCase):
    """Everything but results, and transactions, one promise a test."""

    async def test_a_write_with_a_fault_takes_nothing(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            good = WriteSet(results=[result_row(1, SLOT)], runs=[run_row(1, 1)], receipts=[receipt(1)])
            for bad in (
                result_row(99, SLOT),
                result_row(1, SLOT, "odd"),
                result_row(1, SLOT + 1, duration_us=2**70),
            ):
                with pytest.raises(StoreError):
                    await store.write(replace(good, results=[*good.results, bad]))
            assert await rows(store, 1) == []
            assert (await store.open_runs(), await store.receipts(), await store.last_slots()) == ([], [], {})
            await store.write(good)
            assert await rows(store, 1) == good.results

    async def test_the_newest_run_is_open_and_those_before_are_closed(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=[run_row(1, 1, count=1), run_row(2, 1)]))
            await store.write(WriteSet(runs=[run_row(1, 1, count=2)]))
            await store.write(
                WriteSet(runs=[run_row(1, 3, count=3), run_row(1, 2, outcome="fail", code="slow")])
            )
            wanted = [
                run_row(1, 1, count=2),
                run_row(1, 2, outcome="fail", code="slow"),
                run_row(1, 3, count=3),
            ]
            assert await store.open_runs() == [wanted[2], run_row(2, 1)]
            assert await all_runs(store) == [*wanted, run_row(2, 1)]
            assert await all_runs(store, series=[2]) == [run_row(2, 1)]
            assert await all_runs(store, series=[]) == []

    async def test_a_closed_run_may_be_written_again(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=[run_row(1, 1), run_row(1, 2), run_row(1, 1, count=8)]))
            await store.write(WriteSet(runs=[run_row(1, 3), run_row(1, 2, count=9)]))
            await store.write(WriteSet(runs=[run_row(1, 1, count=10)]))
            assert [run.count for run in await all_runs(store)] == [10, 9, 2]
            assert await store.open_runs() == [run_row(1, 3)]

    async def test_runs_that_end_before_an_instant_are_left_out(self, tmp_path: Path) -> None:
        runs = [run_row(1, n, last_us=T0_US + 9 * n, last_end_us=T0_US + 10 * n) for n in (1, 2, 3)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=runs))
            assert await all_runs(store, T0_US + 20) == runs[1:]
            assert await all_runs(store, T0_US + 21) == runs[2:]
            assert await all_runs(store, T0_US + 30) == runs[2:]
            assert await all_runs(store, T0_US + 31) == []

    async def test_runs_come_in_lists_of_bounded_size_without_a_hole(self, tmp_path: Path) -> None:
        runs = [run_row(series, number) for series in (1, 2, 3) for number in range(1, 900)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=runs))
            lists = [some async for some in store.runs(0)]
            assert [run for some in lists for run in some] == runs
            assert max(map(len, lists)) <= 1000
            assert [] not in lists

    async def test_a_walk_over_runs_may_be_left_at_any_time(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=[run_row(1, number) for number in range(1, 2000)]))
            for _ in range(5):
                walk = store.runs(0)
                assert await anext(walk)
                await walk.aclose()  # type: ignore[attr-defined]  # stores write it as a generator
            assert len(await store.open_runs()) == 1

    async def test_the_last_slot_is_that_of_a_result_or_of_a_gap(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            assert await store.last_slots() == {}
            await store.write(WriteSet(results=[result_row(1, SLOT)], gaps=[gap(2, SLOT, SLOT + 5)]))
            await store.write(WriteSet(results=[result_row(1, SLOT - 3), result_row(2, SLOT + 4)]))
            recheck = result_row(1, SLOT + 9, kind=2, started_us=T0_US)
            await store.write(
                WriteSet(results=[recheck], gaps=[gap(1, SLOT - 9, SLOT - 8)], runs=[run_row(3, 1)])
            )
            assert await store.last_slots() == {1: SLOT, 2: SLOT + 5}

    async def test_gaps_are_newest_first_and_may_grow(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(gaps=[gap(1, 10, 12), gap(2, 11, 11, "late"), gap(1, 20, 20)]))
            await store.write(WriteSet(gaps=[gap(1, 10, 14), gap(2, 11, 11, "late")]))
            wanted = [gap(1, 20, 20), gap(1, 10, 14), gap(2, 11, 11, "late")]
            assert await store.gaps([1, 2], 10) == wanted
            assert await store.gaps([1, 2], 2) == wanted[:2]
            assert await store.gaps([2], 10) == wanted[2:]

    async def test_changes_are_noted_last_first_by_subject_or_all(self, tmp_path: Path) -> None:
        noted = [
            change(at_us=5),
            change("service:shop", at_us=6),
            change(at_us=4, after="up"),
            change(at_us=9),
        ]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(changes=noted[:2]))
            await store.write(WriteSet(changes=noted[1:]))
            assert await store.changes(None, 10) == noted[::-1]
            assert await store.changes(None, 2) == noted[:1:-1]
            assert await store.changes("probe:web", 10) == [noted[3], noted[2], noted[0]]
            assert await store.changes("probe:none", 10) == []
            assert await store.last_changes() == {"service:shop": noted[1], "probe:web": noted[3]}

    async def test_an_epoch_has_one_receipt_for_thirty_days(self, tmp_path: Path) -> None:
        clock = Clock()
        async with self.opened(tmp_path, clock=clock) as store:
            await store.write(WriteSet(receipts=[receipt(1), receipt(4, epoch=8), receipt(2, agent="iad")]))
            clock.now_us += DAY_US
            await store.write(WriteSet(receipts=[receipt(3)]))
            assert await store.receipts() == [receipt(2, agent="iad"), receipt(3), receipt(4, epoch=8)]
            clock.now_us = T0_US + 30 * DAY_US
            assert len(await store.receipts()) == 3
            clock.now_us += 1
            assert await store.receipts() == [receipt(3)]

    async def test_calls_are_kept_once_by_probe_and_instant(self, tmp_path: Path) -> None:
        calls = [call(at_us=5, verb="start"), call(at_us=9, verb="fail", exit_code=3, output="full")]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(calls=[calls[1], call("other", at_us=9)]))
            await store.write(WriteSet(calls=[*calls, replace(calls[1], output="otherwise")]))
            assert await store.calls("backup") == calls
            assert await store.calls("none") == []
        async with self.opened(tmp_path) as store:
            assert await store.calls("backup") == calls

    @pytest.mark.parametrize(("success_us", "kept"), [(1, 201), (2, 200), (1000, 200)])
    async def test_the_newest_calls_and_the_newest_success_are_kept(
        self, tmp_path: Path, success_us: int, kept: int
    ) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(calls=[call(at_us=success_us, verb="success")]))
            fails = [call(at_us=at_us, verb="fail") for at_us in range(2, 202) if at_us != success_us]
            await store.write(WriteSet(calls=fails))
            await store.write(WriteSet(calls=[call("other", at_us=1, verb="fail")]))
            found = await store.calls("backup")
            assert len(found) == kept
            assert success_us in [row.at_us for row in found]
            assert len(await store.calls("other")) == 1

    async def test_times_of_listening_grow_and_the_oldest_go(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            first = ListeningRow(from_us=5, until_us=6, probes=("backup", "report"))
            await store.write(WriteSet(listening=[first]))
            await store.write(WriteSet(listening=[replace(first, until_us=9)]))
            await store.write(WriteSet(listening=[first]))
            assert await store.listening() == [replace(first, until_us=9)]
            many = [ListeningRow(from_us=at, until_us=at + 1, probes=()) for at in range(10, 1010)]
            await store.write(WriteSet(listening=many))
            assert await store.listening() == many

    async def test_counts_tell_rows_and_bytes(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            empty = await store.counts()
            assert (empty["series"], empty["results"]) == (3, 0)
            assert empty["bytes"] > 0
            await store.write(
                WriteSet(
                    results=[result_row(1, SLOT + k, "fail") for k in range(3)],
                    details=[detail(1, SLOT)],
                    runs=[run_row(1, 1), run_row(1, 2)],
                    gaps=[gap(1, 1, 2)],
                    changes=[change()],
                )
            )
            counts = await store.counts()
            assert [counts[name] for name in ("results", "details", "runs", "gaps", "changes")] == [
                3,
                1,
                2,
                1,
                1,
            ]

    async def test_readers_see_what_is_committed_while_others_write(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:

            async def write() -> None:
                for number in range(1, 60):
                    results = [result_row(series, SLOT + number) for series in (1, 2, 3)]
                    await store.write(WriteSet(results=results, runs=[run_row(1, 1, count=number)]))

            async def read() -> None:
                for _ in range(60):
                    assert len(await rows(store, 1, 2, 3)) % 3 == 0  # a write is seen whole

            async with asyncio.TaskGroup() as group:
                for task in (write(), read(), read(), read()):
                    group.create_task(task)
            assert (await store.open_runs())[0].count == 59

    async def test_close_finishes_the_write_under_way_and_may_come_twice(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            writing = asyncio.create_task(
                store.write(WriteSet(results=[result_row(1, SLOT + k) for k in range(5000)]))
            )
            await asyncio.sleep(0)  # it has begun
            await store.close()
            await store.close()
            await writing
            for use in (store.write(WriteSet()), store.open_runs(), store.seed(), anext(store.runs(0))):
                with pytest.raises(StoreError, match="closed"):
                    await use
        async with self.opened(tmp_path) as store:
            assert len(await rows(store, 1)) == 5000

    async def test_a_cancelled_write_is_whole_or_absent_and_the_next_one_is_right(
        self, tmp_path: Path
    ) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(runs=[run_row(1, 1)]))
            writing = asyncio.create_task(
                store.write(WriteSet(results=[result_row(1, SLOT)], runs=[run_row(1, 2)]))
            )
            await asyncio.sleep(0)  # it has begun
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            await store.write(WriteSet(runs=[run_row(1, 3)]))
            found = await rows(store, 1)
            assert [run.number for run in await all_runs(store)] == ([1, 2, 3] if found else [1, 3])

    @settings(max_examples=25, deadline=None)
    @given(written=writes(), data=st.data())
    def test_the_same_writes_in_other_pieces_and_twice_leave_the_same(
        self, tmp_path_factory: pytest.TempPathFactory, written: list[WriteSet], data: st.DataObject
    ) -> None:
        async def store_all(sets: list[WriteSet]) -> list[object]:
            async with self.opened(tmp_path_factory.mktemp("store")) as store:
                for one in sets:
                    await store.write(one)
                return await content(store, 3)

        pieces = [piece for one in written for piece in split(one, data.draw(st.integers(0, 12)))]
        twice = [one for one in written for _ in range(2)]
        whole = asyncio.run(store_all(written))
        assert asyncio.run(store_all(pieces)) == whole
        assert asyncio.run(store_all(twice)) == whole
