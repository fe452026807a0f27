"""What every store must do. A store's own test module subclasses `StoreSuite` under a name that starts with Test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prober.store.base import (
    ChangeRow,
    GapRow,
    Page,
    Receipt,
    ResultQuery,
    ResultRow,
    RunRow,
    SeriesSlots,
    Store,
    StoreError,
    WriteSet,
)
from support.store_values import (
    INTERVAL_US,
    SLOT,
    T0_US,
    change,
    detail,
    gap,
    receipt,
    result_row,
    run_row,
    series_row,
    writes,
)

FOREVER = 2**40
DAY_US = 86_400_000_000


class Clock:
    """The clock that receipts are dated by, set by hand."""

    def __init__(self) -> None:
        self.now_us = T0_US

    def __call__(self) -> int:
        return self.now_us


async def pages(store: Store, query: ResultQuery) -> list[Page]:
    """Return every page of a query."""
    found = [await store.results(query)]
    while found[-1].after is not None:
        found.append(await store.results(replace(query, after=found[-1].after)))
    return found


async def rows(
    store: Store, *series: int, limit: int = 1000, outcomes: frozenset[str] = frozenset()
) -> list[ResultRow]:
    asked = [SeriesSlots(series=number, from_slot=-FOREVER, to_slot=FOREVER) for number in series]
    found = await pages(store, ResultQuery(series=asked, limit=limit, outcomes=outcomes))
    return [row for page in found for row in page.rows]


async def all_runs(store: Store, from_us: int = 0, series: list[int] | None = None) -> list[RunRow]:
    return [run async for some in store.runs(from_us, series) for run in some]


async def content(store: Store, series: int) -> list[object]:
    """Return all that can be asked of a store with so many series."""
    asked = [SeriesSlots(series=n, from_slot=-FOREVER, to_slot=FOREVER) for n in range(1, series + 1)]
    changes: list[ChangeRow] = await store.changes(None, 1000)
    gaps: list[GapRow] = await store.gaps(range(1, series + 1), 1000)
    receipts: list[Receipt] = await store.receipts()
    counts = await store.counts()
    del counts["bytes"]
    return [
        await pages(store, ResultQuery(series=asked, limit=7)),
        await all_runs(store),
        await store.open_runs(),
        await store.last_slots(),
        changes,
        await store.last_changes(),
        gaps,
        receipts,
        counts,
    ]


class StoreSuite:
    """The promises of `prober/store/base.py`, one a test."""

    def make(self, folder: Path, clock: Clock) -> Store:
        """Return the store that lives in a folder; made again, it finds what was written before."""
        raise NotImplementedError

    @asynccontextmanager
    async def opened(self, folder: Path, series: int = 3, clock: Clock | None = None) -> AsyncIterator[Store]:
        store = self.make(folder, clock or Clock())
        await store.open()
        try:
            await store.series([series_row(f"probe-{number}") for number in range(series)])
            yield store
        finally:
            await store.close()

    async def test_the_seed_is_made_once_and_kept(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            seed = await store.seed()
            assert len(seed) == 32
            assert await store.seed() == seed
        async with self.opened(tmp_path) as store:
            assert await store.seed() == seed

    async def test_a_series_is_found_again_and_any_change_makes_a_new_one(self, tmp_path: Path) -> None:
        base = series_row("web")
        others = [
            replace(base, probe="db"),
            replace(base, region="iad"),
            replace(base, interval_us=1),
            replace(base, schedule="fixed"),
            replace(base, regions=("iad", "fra")),
        ]
        async with self.opened(tmp_path, series=0) as store:
            made = await store.series([base, *others])
            assert len({row.number for row in made}) == 6
            assert [replace(row, number=0) for row in made] == [base, *others]
            again = await store.series([others[0], replace(base, created_us=T0_US + 1, number=99), others[0]])
            assert again == [made[1], made[0], made[1]]
        async with self.opened(tmp_path, series=0) as store:
            assert await store.all_series() == sorted(made, key=lambda row: row.number)

    async def test_a_series_without_an_interval_is_refused(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            with pytest.raises(StoreError, match="interval of 0"):
                await store.series([series_row("web"), series_row("new", interval_us=0)])
            assert "web" not in {row.probe for row in await store.all_series()}

    async def test_results_come_back_as_written(self, tmp_path: Path) -> None:
        wanted = [
            result_row(1, SLOT + 2, "void", duration_us=0),
            result_row(1, SLOT + 1, "fail", kind=2, started_us=T0_US + 9, late_us=1234),
            result_row(1, SLOT + 1, "fail", kind=1, started_us=T0_US + 8, late_us=-7),
            result_row(1, SLOT + 1, "fail", late_us=5001),
            result_row(1, SLOT, "warn", duration_us=2**40),
            result_row(1, SLOT - 1_000_000, "pass", late_us=-1),
        ]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=wanted[::-1]))
            assert await rows(store, 1) == wanted
        async with self.opened(tmp_path) as store:
            assert await rows(store, 1) == wanted

    async def test_lateness_up_to_5_ms_may_be_forgotten_and_no_more(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            late = [-1, 0, 1, 5000, 5001]
            await store.write(
                WriteSet(results=[result_row(1, SLOT + n, late_us=us) for n, us in enumerate(late)])
            )
            kept = [row.late_us for row in await rows(store, 1)][::-1]
            assert all(kept[n] == us for n, us in enumerate(late) if not 0 <= us <= 5000)
            assert all(abs(kept[n] - us) <= 5000 for n, us in enumerate(late))

    async def test_a_result_that_comes_twice_is_kept_as_it_first_came(self, tmp_path: Path) -> None:
        first = [result_row(1, SLOT, "pass"), result_row(1, SLOT, "fail", kind=1, started_us=T0_US)]
        second = [result_row(1, SLOT, "fail", duration_us=9), replace(first[1], outcome="pass")]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=first))
            await store.write(WriteSet(results=second))
            assert await rows(store, 1) == [first[1], first[0]]
            assert await rows(store, 1, outcomes=frozenset({"fail"})) == [first[1]]
            counts = await store.counts()
            assert (counts["results"], counts["extras"]) == (1, 1)

    async def test_details_stand_beside_their_results(self, tmp_path: Path) -> None:
        kept = [
            detail(1, SLOT),
            detail(1, SLOT, 1, T0_US + 1, "connect_refused"),
            detail(1, SLOT, 2, T0_US + 2, "slow"),
        ]
        results = [
            result_row(1, SLOT, "fail"),
            result_row(1, SLOT, "fail", kind=1, started_us=T0_US + 1),
            result_row(1, SLOT, "warn", kind=2, started_us=T0_US + 2),
            result_row(1, SLOT + 1),
        ]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=results, details=kept))
            page = (
                await pages(
                    store, ResultQuery(series=[SeriesSlots(series=1, from_slot=SLOT, to_slot=SLOT + 1)])
                )
            )[0]
            assert page.rows == results[::-1]
            assert page.details == [None, *kept[::-1]]

    async def test_pages_are_newest_first_over_all_series_and_tile(self, tmp_path: Path) -> None:
        """Series of different intervals are ordered by the instant that their slots begin."""
        async with self.opened(tmp_path, series=2) as store:
            slow = (await store.series([series_row("slow", interval_us=INTERVAL_US * 40)]))[0].number
            written = [result_row(n, SLOT + k) for n in (1, 2) for k in range(90)]
            written += [result_row(slow, SLOT // 40 + k) for k in range(3)]
            written += [result_row(2, SLOT + 3, kind=2, started_us=T0_US + k) for k in range(5)]
            await store.write(WriteSet(results=written))
            step = {1: 1, 2: 1, slow: 40}
            wanted = sorted(
                written, key=lambda row: (-row.slot * step[row.series], row.series, -row.started_us)
            )
            for limit in (1, 2, 7, 188, 189, 1000):
                assert await rows(store, 1, 2, slow, limit=limit) == wanted

    async def test_a_full_last_page_says_that_it_is_the_last(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=[result_row(1, SLOT + k) for k in range(4)]))
            query = ResultQuery(series=[SeriesSlots(series=1, from_slot=0, to_slot=FOREVER)], limit=4)
            assert (await store.results(query)).after is None
            assert (await store.results(replace(query, limit=3))).after is not None

    async def test_slots_narrow_a_query_with_both_ends_included(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as store:
            for outcome, series in (("pass", 1), ("fail", 2)):
                await store.write(
                    WriteSet(results=[result_row(series, SLOT + k, outcome) for k in range(30)])
                )
            asked = [SeriesSlots(series=n, from_slot=SLOT + 3, to_slot=SLOT + 17) for n in (1, 2)]
            for outcomes in (frozenset[str](), frozenset({"fail", "void"})):
                page = await store.results(ResultQuery(series=asked, outcomes=outcomes))
                assert {row.slot for row in page.rows} == set(range(SLOT + 3, SLOT + 18))

    async def test_outcomes_narrow_a_query(self, tmp_path: Path) -> None:
        outcomes = ["pass", "warn", "fail", "void"]
        written = [result_row(1, SLOT + k, outcomes[k % 4]) for k in range(250)]
        written += [result_row(1, SLOT, o, kind=1, started_us=T0_US + n) for n, o in enumerate(outcomes)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=written))
            for wanted in ({"pass"}, {"fail"}, {"warn", "void"}, {"pass", "void"}):
                found = await rows(store, 1, outcomes=frozenset(wanted), limit=9)
                assert {(row.slot, row.started_us) for row in found} == {
                    (row.slot, row.started_us) for row in written if row.outcome in wanted
                }
                assert len(found) == len(set(found))

    async def test_a_query_over_long_empty_times_ends(self, tmp_path: Path) -> None:
        """Two results lie a year apart; pages may be short in between, and each gets further."""
        async with self.opened(tmp_path) as store:
            ends = [result_row(1, SLOT + 365 * 2880), result_row(1, SLOT)]
            await store.write(WriteSet(results=[*ends, result_row(2, SLOT)]))
            assert await rows(store, 1) == ends
            assert await rows(store, 2, 1, 3) == [ends[0], ends[1], result_row(2, SLOT)]

    async def test_more_rechecks_of_a_slot_than_a_page_holds_are_all_found(self, tmp_path: Path) -> None:
        written = [result_row(1, SLOT, "fail", kind=2, started_us=T0_US + k) for k in range(250)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=written))
            assert await rows(store, 1, limit=60) == written[::-1]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"limit": 0}, "1 to 1000"),
            ({"limit": 1001}, "1 to 1000"),
            ({"after": "x.y"}, "not a page's key"),
            ({"after": "1.2"}, "not a page's key"),
            ({"outcomes": frozenset({"bad"})}, "no outcome is called 'bad'"),
        ],
    )
    async def test_an_unusable_query_is_refused(
        self, tmp_path: Path, fields: dict[str, object], words: str
    ) -> None:
        async with self.opened(tmp_path) as store:
            with pytest.raises(StoreError, match=words):
                await store.results(replace(ResultQuery(series=[]), **fields))  # type: ignore[arg-type]
            assert (await store.results(ResultQuery(series=[], limit=1000))).rows == []

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
                    results = [result_row(1, SLOT + 2 * number), result_row(1, SLOT + 2 * number + 1)]
                    await store.write(WriteSet(results=results, runs=[run_row(1, 1, count=2 * number)]))

            async def read() -> None:
                for _ in range(60):
                    found = await rows(store, 1)
                    assert len(found) % 2 == 0  # a write is seen whole

            async with asyncio.TaskGroup() as group:
                for task in (write(), read(), read(), read()):
                    group.create_task(task)
            assert (await store.open_runs())[0].count == 118

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

        pieces = [piece for one in written for piece in _split(one, data.draw(st.integers(0, 12)))]
        twice = [one for one in written for _ in range(2)]
        whole = asyncio.run(store_all(written))
        assert asyncio.run(store_all(pieces)) == whole
        assert asyncio.run(store_all(twice)) == whole


def _split(one: WriteSet, at: int) -> list[WriteSet]:
    """Cut every list of a write at a place; what comes first stays first."""
    return [
        WriteSet(
            results=one.results[part],
            details=one.details[part],
            runs=one.runs[part],
            gaps=one.gaps[part],
            changes=one.changes[part],
            receipts=one.receipts[part],
        )
        for part in (slice(None, at), slice(at, None))
    ]
