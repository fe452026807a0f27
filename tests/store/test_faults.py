"""The SQLite store under kill -9, a full disk, damage, and a reader that nobody waits for."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.store_child import RUN_LENGTH, SERIES, write_set
from support.store_use import all_runs, rows
from support.store_values import SLOT, receipt, result_row, run_row, series_row

from prober.store.base import StoreBusy, StoreError, WriteSet
from prober.store.sqlite import SqliteStore

TESTS = Path(__file__).resolve().parent.parent


@contextmanager
def child(path: Path, first: int = 0, limit: int = 0) -> Iterator[Iterator[str]]:
    """Run a writer and yield what it prints; kill -9 at the end."""
    paths = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    process = subprocess.Popen(
        [sys.executable, "-m", "support.store_child", str(path), str(first), str(limit)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stdout is not None
    try:
        yield (line.strip() for line in process.stdout)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def check_whole(path: Path, told: int) -> int:
    """Check that all writes up to one that was told are there, and nothing in part; return the last one there."""
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    store = SqliteStore(path)
    await store.open()
    last = (await store.receipts())[0].sequence
    assert last >= told
    writes = [write_set(number) for number in range(last + 1)]
    stored = await rows(store, *range(1, SERIES + 1))
    assert len(stored) == len(set(stored))
    assert set(stored) == {row for one in writes for row in one.results}
    newest = {(run.series, run.number): run for one in writes for run in one.runs}
    assert {(run.series, run.number): run for run in await all_runs(store)} == newest
    assert sum(run.count for run in newest.values()) == len(stored) == (last + 1) * SERIES
    assert len(await store.open_runs()) == SERIES
    assert set((await store.last_slots()).values()) == {SLOT + last}
    assert (await store.counts())["results"] == len(stored)
    await store.close()
    return last


async def test_what_was_committed_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    path, last = tmp_path / "prober.db", -1
    chance = random.Random(7)
    for _ in range(6):
        with child(path, first=last + 1) as printed:
            told = int([next(printed) for _ in range(chance.randrange(1, 4 * RUN_LENGTH))][-1])
        last = await check_whole(path, told)


@pytest.mark.parametrize("limit", [300_000, 500_001, 1_000_000])
async def test_a_write_that_finds_the_disk_full_is_repeated_and_nothing_is_lost(
    limit: int, tmp_path: Path
) -> None:
    """The kernel itself refuses to let the files grow, at some place in some statement."""
    path = tmp_path / "prober.db"
    with child(path, limit=limit) as printed:
        before = next(line for line in printed if not line.isdigit())
        assert before.startswith("busy: ")
        assert "hint: " in before
        told = int([next(printed) for _ in range(5)][-1])
    await check_whole(path, told)


async def test_a_full_database_is_busy_takes_nothing_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "prober.db")
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(results=[result_row(1, SLOT - 1)]))
    assert store._connection is not None
    await store._connection.execute("PRAGMA max_page_count=40")
    large = WriteSet(
        results=[result_row(1, SLOT + number) for number in range(20_000)],
        runs=[run_row(1, 1)],
        receipts=[receipt(1)],
    )
    for _ in range(2):
        with pytest.raises(StoreBusy, match=r"is full \(hint: free some space"):
            await store.write(large)
        assert (await store.receipts(), await store.open_runs()) == ([], [])
        assert await rows(store, 1) == [result_row(1, SLOT - 1)]
    await store._connection.execute("PRAGMA max_page_count=1000000")
    await store.write(large)
    assert len(await rows(store, 1)) == 20_001
    assert await store.open_runs() == [run_row(1, 1)]
    await store.close()


async def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    store = SqliteStore(path)
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(results=[result_row(1, SLOT + number) for number in range(5000)]))
    await store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)
    store = SqliteStore(path)
    with pytest.raises(StoreError, match="damaged"):
        await store.open()
    await store.close()


async def test_readers_are_lent_again_after_questions_that_nobody_waits_for(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "prober.db")
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(runs=[run_row(1, number) for number in range(1, 5000)]))
    for _ in range(20):
        asking = [asyncio.create_task(anext(store.runs(0))) for _ in range(5)]
        await asyncio.sleep(0)  # they have begun
        for task in asking:
            task.cancel()
        assert all(
            isinstance(end, asyncio.CancelledError)
            for end in await asyncio.gather(*asking, return_exceptions=True)
        )
    assert len(await all_runs(store)) == 4999
    await store.close()
