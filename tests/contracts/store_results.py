"""What every store must do with series and results; part of `StoreSuite`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.store_use import FOREVER, StoreCase, pages, rows
from support.store_values import (
    INTERVAL_US,
    SLOT,
    T0_US,
    detail,
    result_row,
    series_row,
)

from prober.store.base import (
    ResultQuery,
    SeriesSlots,
    StoreError,
    WriteSet,
)


class ResultPromises(StoreCase):
    """Series, results, details and pages, one promise a test."""

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
            replace(base, interval_us=15_000_000),
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
            at_once = [result_row(2, SLOT, "fail", duration_us=9), result_row(2, SLOT, "pass", duration_us=8)]
            await store.write(WriteSet(results=at_once))
            assert await rows(store, 2) == at_once[:1]
            counts = await store.counts()
            assert (counts["results"], counts["extras"]) == (2, 1)

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

    async def test_series_that_do_not_exist_have_no_results_however_many_are_asked(
        self, tmp_path: Path
    ) -> None:
        """So many that each may be looked at only a little for one page."""
        written = [result_row(1, SLOT, "fail", kind=2, started_us=T0_US + k) for k in range(1200)]
        async with self.opened(tmp_path) as store:
            await store.write(WriteSet(results=written))
            assert await rows(store, *range(100, 12_000), 1) == written[::-1]

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
