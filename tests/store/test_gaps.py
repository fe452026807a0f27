"""Gaps that are told of slots with results: what they cost, and what of them is kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.store_use import rows
from support.store_values import SLOT, gap, result_row, series_row

from prober.store import gaps
from prober.store.base import WriteSet
from prober.store.cells import BLOCK_US, Lane, block_of, width
from prober.store.sqlite import SqliteStore

NOW_US = 1_790_000_000_000_000
S = 1_000_000


def with_results(lane: Lane, slots: set[int]) -> sqlite3.Connection:
    """Return a store's table of results with some of a series, between those of its neighbours."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE results(cell INTEGER PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID")
    wide = width(lane.interval_us)
    for first in (lane.first - wide, lane.first, lane.first + wide):
        told = Lane(lane.series, lane.interval_us, first, lane.origin)
        connection.executemany("INSERT INTO results VALUES (?, 1)", [(told.cell(slot),) for slot in slots])
    return connection


@given(
    st.sampled_from([S, 7 * S, 30 * S, BLOCK_US - 1, BLOCK_US, BLOCK_US + 1, 3600 * S]),
    st.sets(st.integers(0, 400), max_size=30),
    st.tuples(st.integers(0, 400), st.integers(0, 400)),
)
def test_results_from_one_slot_to_another_are_found_in_order(
    interval_us: int, at: set[int], ends: tuple[int, int]
) -> None:
    base = NOW_US // interval_us
    lane = Lane(1, interval_us, 300, block_of(NOW_US))
    first, last = sorted(ends)
    connection = with_results(lane, {base + each for each in at})
    found = list(gaps.results_within(connection, lane, base + first, base + last))
    assert found == sorted(base + each for each in at if first <= each <= last)
    connection.close()


def test_one_question_is_enough_however_long_the_gap() -> None:
    lane = Lane(1, 30 * S, 300, block_of(NOW_US) - 300_000)
    newest = NOW_US // lane.interval_us
    connection = with_results(lane, {newest - 3, newest})
    asked: list[str] = []
    connection.set_trace_callback(asked.append)
    assert list(gaps.results_within(connection, lane, newest - 1_000_000, newest)) == [newest - 3, newest]
    assert len(asked) == 1
    connection.close()


@pytest.mark.parametrize(("limit", "checked"), [(10, True), (9, False)])
async def test_a_gap_too_long_to_look_for_results_in_is_kept_from_what_follows_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, checked: bool
) -> None:
    monkeypatch.setattr(gaps, "MAX_CHECKED", limit)
    store = SqliteStore(tmp_path / "prober.db")
    await store.open()
    await store.series([series_row(), series_row(region="iad")])
    await store.write(WriteSet(results=[result_row(1, SLOT), result_row(1, SLOT + 9), result_row(2, SLOT)]))
    await store.write(WriteSet(gaps=[gap(1, SLOT - 99, SLOT + 20), gap(2, SLOT + 1, SLOT + 2)]))
    before = [gap(1, SLOT + 1, SLOT + 8), gap(1, SLOT - 99, SLOT - 1)] if checked else []
    assert await store.gaps([1], 9) == [gap(1, SLOT + 10, SLOT + 20), *before]
    assert await store.gaps([2], 9) == [gap(2, SLOT + 1, SLOT + 2)]
    assert [row.slot for row in await rows(store, 1)] == [SLOT + 9, SLOT]
    await store.close()


async def test_what_one_write_looks_for_is_bounded_over_all_its_gaps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gaps, "MAX_CHECKED", 10)
    store = SqliteStore(tmp_path / "prober.db")
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(results=[result_row(1, SLOT), result_row(1, SLOT + 99)]))
    told = [gap(1, SLOT + 10 * at, SLOT + 10 * at + 4) for at in (1, 2, 3)]
    await store.write(WriteSet(gaps=told))
    assert await store.gaps([1], 9) == [told[1], told[0]]
    await store.close()
