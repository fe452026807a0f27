"""What storing costs: CPU a result, bytes a row, restart and reading; each beside its reference or target.

Reference of the CPU: the same results alone, by a bare `executemany` of the standard library, into a table by
(series, slot) and into the store's own layout. Rounds alternate; medians. `--minutes` sets how much is written.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import uvloop

from prober.store.base import (
    Receipt,
    ResultQuery,
    ResultRow,
    RunRow,
    SeriesRow,
    SeriesSlots,
    Store,
    WriteSet,
)
from prober.store.cells import Lane, block_of
from prober.store.sqlite import SqliteStore

SERIES = 3000
INTERVAL_US = 30_000_000
BATCH = 100
BEGIN_US = 1_790_000_000_000_000
MADE_US = BEGIN_US - 365 * 86_400_000_000  # a store of some age: its keys are longer than a new one's
FIRST_SLOT = BEGIN_US // INTERVAL_US
RUNS = 120_000
WARM_UP_ROUNDS = 4


class Load:
    """Series, their open runs, and the results of one slot after another in the order that they come."""

    def __init__(self, series: list[SeriesRow]) -> None:
        self._random = random.Random(1)
        self._runs = {row.number: _run(row.number, 1) for row in series}

    def round(self, number: int) -> list[WriteSet]:
        """Return the batches of one slot of all series."""
        order = list(self._runs)
        self._random.shuffle(order)
        return [self._batch(number, order[at : at + BATCH]) for at in range(0, len(order), BATCH)]

    def _batch(self, number: int, series: list[int]) -> WriteSet:
        writes = WriteSet(receipts=[Receipt(agent="local", epoch=1, sequence=number, hash=bytes(32))])
        for one in series:
            took_us = self._random.randrange(800, 300_000)
            writes.results.append(_result(one, FIRST_SLOT + number, took_us))
            run = self._runs[one]
            run.last_us = BEGIN_US + number * INTERVAL_US + self._random.randrange(INTERVAL_US)
            run.last_end_us = run.last_us + took_us
            run.count += 1
            writes.runs.append(run)
        return writes


class Bare:
    """The reference: one table, nothing but results."""

    def __init__(self, path: Path, table: str, row: Callable[[ResultRow], tuple[int, ...]]) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "cache_size=-8192",
            "wal_autocheckpoint=4000",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(f"CREATE TABLE results({table}) WITHOUT ROWID")
        self._insert = f"INSERT OR IGNORE INTO results VALUES ({', '.join('?' * len(table.split(',')[:3]))})"
        self._row = row

    def spent(self, batches: Iterable[WriteSet]) -> float:
        """Write the results of some batches; return the CPU seconds of writing alone."""
        total = 0.0
        for batch in batches:
            rows = sorted(self._row(result) for result in batch.results)
            begin = time.process_time()
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(self._insert, rows)
            self._connection.execute("COMMIT")
            total += time.process_time() - begin
        return total

    def close(self) -> None:
        self._connection.close()


def references(folder: Path, series: list[SeriesRow]) -> dict[str, Bare]:
    lanes = {row.number: Lane(row.number, INTERVAL_US, 5 * row.number, block_of(MADE_US)) for row in series}

    def own(result: ResultRow) -> tuple[int, ...]:
        return lanes[result.series].cell(result.slot), result.duration_us << 2

    def plain(result: ResultRow) -> tuple[int, ...]:
        return result.series, result.slot - FIRST_SLOT, result.duration_us << 2

    return {
        "bare executemany, own layout": Bare(folder / "own.db", "cell INTEGER PRIMARY KEY, v INTEGER", own),
        "bare executemany, (series, slot)": Bare(
            folder / "plain.db", "series INTEGER, slot INTEGER, v INTEGER, PRIMARY KEY(series, slot)", plain
        ),
    }


async def measure_writes(store: Store, folder: Path, series: list[SeriesRow], rounds: int) -> None:
    load, bare = Load(series), references(folder, series)
    spent: dict[str, list[float]] = {"store: results, runs, receipt": []} | {name: [] for name in bare}
    for number in range(rounds):
        batches = load.round(number)
        begin = time.process_time()
        for batch in batches:
            await store.write(batch)
        spent["store: results, runs, receipt"].append(time.process_time() - begin)
        for name, reference in bare.items():
            spent[name].append(reference.spent(batches))
    for reference in bare.values():
        reference.close()
    print(
        f"CPU a result, {SERIES} series, batches of {BATCH}, median of {rounds} rounds (target: store < 8 us)"
    )
    for name, seconds in spent.items():
        print(f"  {name:36} {statistics.median(seconds[WARM_UP_ROUNDS:]) / SERIES * 1e6:6.2f} us")


def measure_bytes(folder: Path) -> None:
    print("bytes a row of the results table, and of the whole file (target: 17)")
    for name in ("store.db", "own.db", "plain.db"):
        connection = sqlite3.connect(folder / name)
        rows = connection.execute("SELECT count(*) FROM results").fetchone()[0]
        connection.close()
        file = (folder / name).stat().st_size
        print(f"  {name:12} {rows} rows: {_table_bytes(folder / name, file) / rows:6.2f}, {file / rows:6.2f}")


def _table_bytes(path: Path, otherwise: int) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name = 'results'").fetchone()[0])
    except (
        sqlite3.OperationalError
    ):  # this SQLite was built without dbstat: the whole file is the upper bound
        return otherwise
    finally:
        connection.close()


async def measure_reading(store: Store, series: list[SeriesRow], rounds: int) -> None:
    each = RUNS // len(series)
    for row in series:
        await store.write(WriteSet(runs=[_run(row.number, number) for number in range(2, each + 2)]))
    print("reading, CPU and wall of one question, best of 5")
    numbers = [row.number for row in series]
    top = FIRST_SLOT + rounds
    few = [SeriesSlots(series=number, from_slot=0, to_slot=top) for number in numbers[:3]]
    every = [SeriesSlots(series=number, from_slot=0, to_slot=top) for number in numbers]
    await _best(f"runs: {RUNS} and more (target 0.3 s)", lambda: _all_runs(store))
    await _best("open_runs (target 0.03 s)", store.open_runs)
    await _best("last_slots (target 0.03 s)", store.last_slots)
    await _best("page of 100, 3 series", lambda: store.results(ResultQuery(series=few)))
    await _best(f"page of 100, {len(series)} series", lambda: store.results(ResultQuery(series=every)))
    failed = frozenset({"fail"})
    await _best(
        f"page of failures, {len(series)} series",
        lambda: store.results(ResultQuery(series=every, outcomes=failed)),
    )


async def _best(name: str, ask: Callable[[], object]) -> None:
    spent = []
    for _ in range(5):
        begin, wall = time.process_time(), time.perf_counter()
        await ask()  # type: ignore[misc]  # each of them is a coroutine function
        spent.append((time.process_time() - begin, time.perf_counter() - wall))
    cpu, wall = min(spent)
    print(f"  {name:44} {cpu * 1e3:8.2f} ms CPU {wall * 1e3:8.2f} ms")


async def _all_runs(store: Store) -> int:
    count = 0
    async for rows in store.runs(0):
        count += len(rows)
    return count


def _result(series: int, slot: int, took_us: int) -> ResultRow:
    return ResultRow(
        series=series, slot=slot, kind=0, late_us=90, started_us=0, duration_us=took_us, outcome="pass"
    )


def _run(series: int, number: int) -> RunRow:
    first = BEGIN_US + number * 60_000_000
    return RunRow(
        series=series,
        number=number,
        outcome="fail" if number % 2 == 0 else "pass",
        code="connect_refused" if number % 2 == 0 else None,
        first_us=first,
        first_end_us=first + 1500,
        last_us=first + INTERVAL_US,
        last_end_us=first + INTERVAL_US + 1600,
        count=2,
        longest_gap_us=INTERVAL_US,
    )


async def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=int, default=60, help="of results to write")
    minutes = options.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = SqliteStore(folder / "store.db")
        await store.open()
        wanted = [
            SeriesRow(
                number=0,
                probe=f"probe-{n // 3}",
                region="abc"[n % 3],
                interval_us=INTERVAL_US,
                schedule="stratified",
                regions=("a", "b", "c"),
                created_us=MADE_US,
            )
            for n in range(SERIES)
        ]
        series = await store.series(wanted)
        await measure_writes(store, folder, series, minutes * 2)
        await store.close()
        measure_bytes(folder)
        store = SqliteStore(folder / "store.db")
        await store.open()
        await measure_reading(store, series, minutes * 2)
        await store.close()


if __name__ == "__main__":
    uvloop.run(main())  # as the daemon does
