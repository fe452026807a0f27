"""What importing costs: a million results by `import results`, beside a bare `executemany` of the same rows.

The reference writes rows that are made already into the store's own table, in one transaction: no file is read, no
line judged. Rounds alternate. Then what a daemon that writes meanwhile has to wait. `--lines` sets how many results.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from prober.imports.results import Names, import_results
from prober.store.base import ResultRow, SeriesRow, WriteSet
from prober.store.schema import prepare
from prober.store.sqlite import SqliteStore

ROUNDS = 3
PROBES, REGIONS = 100, ("fra", "iad", "nrt")
INTERVAL_US = 30_000_000
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
NOW_US = time.time_ns() // 1000
TARGET_SECONDS = 30.0
_CHILD = """
import sys
from pathlib import Path
from prober.imports.results import Names, import_results
with open(sys.argv[1], "rb") as stream:
    import_results(stream, Path(sys.argv[2]), source="bench", names=Names(), now_us=int(sys.argv[3]))
"""


def write_lines(path: Path, count: int) -> None:
    """Write results as another monitor would export them: by time, one in a hundred failed."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            slot, place = divmod(number, PROBES * len(REGIONS))
            at = BEGIN + timedelta(microseconds=slot * INTERVAL_US + chance.randrange(INTERVAL_US))
            line = {
                "probe": f"probe-{place // len(REGIONS)}",
                "region": REGIONS[place % len(REGIONS)],
                "at": at.isoformat().replace("+00:00", "Z"),
                "outcome": "pass",
                "duration_us": chance.randrange(1000, 300_000),
            }
            if chance.random() < 0.01:
                line |= {"outcome": "fail", "failure": {"code": "http_status", "detail": "status 500"}}
            file.write(json.dumps(line) + "\n")


def rows_of(path: Path) -> list[tuple[int, ...]]:
    """Return the rows that an import made of those lines."""
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT * FROM imported ORDER BY at_us").fetchall()
    connection.close()
    return found


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def bring(lines: Path, store: Path) -> None:
    with lines.open("rb") as stream:
        tally = import_results(stream, store, source="bench", names=Names(), now_us=NOW_US)
    assert tally.refused == 0


def bare(rows: list[tuple[int, ...]], path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO imported VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("COMMIT")
    connection.close()


def measure(folder: Path, lines: Path, count: int) -> None:
    took: dict[str, list[tuple[float, float]]] = {
        "import results": [],
        "again, all known": [],
        "bare executemany": [],
    }
    for number in range(ROUNDS):
        store = folder / f"store-{number}.db"
        took["import results"].append(spent(lambda store=store: bring(lines, store)))  # type: ignore[misc]
        took["again, all known"].append(spent(lambda store=store: bring(lines, store)))  # type: ignore[misc]
        rows = rows_of(store)
        took["bare executemany"].append(
            spent(lambda rows=rows, number=number: bare(rows, folder / f"bare-{number}.db"))  # type: ignore[misc]
        )
        size = store.stat().st_size
        store.unlink()
        (folder / f"bare-{number}.db").unlink()
    print(f"{count:,} lines of JSON, median of {ROUNDS} rounds (target: 1,000,000 in {TARGET_SECONDS:.0f} s)")
    for name, values in took.items():
        wall, cpu = (statistics.median(value[place] for value in values) for place in (0, 1))
        print(f"  {name:20} {wall:6.2f} s  CPU {cpu:6.2f} s  {wall / count * 1e6:6.2f} us a line")
    print(f"  the store's file: {size / count:.1f} bytes a result")


async def measure_beside(folder: Path, lines: Path) -> None:
    """Write as a daemon of 100 series does, alone and while another process imports."""
    path = folder / "beside.db"
    store = SqliteStore(path)
    await store.open()
    wanted = [
        SeriesRow(
            number=0,
            probe=f"probe-{number}",
            region="fra",
            interval_us=INTERVAL_US,
            schedule="stratified",
            regions=("fra",),
            created_us=NOW_US,
        )
        for number in range(PROBES)
    ]
    series = [row.number for row in await store.series(wanted)]
    slot = NOW_US // INTERVAL_US
    print("a write of 100 results by the daemon's store")
    for name in ("alone", "beside an import"):
        arguments = [sys.executable, "-c", _CHILD, str(lines), str(path), str(NOW_US)]
        process = subprocess.Popen(arguments) if name != "alone" else None  # noqa: ASYNC220  # nobody else waits
        waited: list[float] = []
        while process.poll() is None if process else len(waited) < 300:
            begin = time.perf_counter()
            await store.write(WriteSet(results=[_result(number, slot) for number in series]))
            waited.append((time.perf_counter() - begin) * 1e3)
            slot += 1
        waited.sort()
        middle, late = waited[len(waited) // 2], waited[len(waited) * 99 // 100]
        print(f"  {name:20} median {middle:6.2f} ms  p99 {late:6.2f} ms  longest {waited[-1]:6.2f} ms")
    await store.close()


def _result(series: int, slot: int) -> ResultRow:
    return ResultRow(
        series=series, slot=slot, kind=0, late_us=0, started_us=0, duration_us=900, outcome="pass"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=1_000_000, help="how many results to import")
    count = options.parse_args().lines
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lines(folder / "old.jsonl", count)
        measure(folder, folder / "old.jsonl", count)
        uvloop.run(measure_beside(folder, folder / "old.jsonl"))


if __name__ == "__main__":
    main()
