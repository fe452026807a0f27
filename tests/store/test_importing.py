"""Results from elsewhere in the SQLite store: on record as a whole or not at all, and beside a running daemon."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.store_use import rows as stored_rows
from support.store_values import SLOT, T0_US, result_row, series_row

from prober.store.base import ImportedRow, ImportRow, StoreError, WriteSet
from prober.store.importing import Importing
from prober.store.lockfile import LockFile
from prober.store.schema import MIGRATIONS, prepare
from prober.store.sqlite import SqliteStore

TESTS = Path(__file__).resolve().parent.parent
FOREVER = 2**60


def row(at: int, outcome: str = "pass", probe: str = "web", **fields: object) -> ImportedRow:
    made = ImportedRow(
        probe=probe, region="fra", at_us=T0_US + at, duration_us=900, outcome=outcome, code="", kind=0
    )
    return replace(made, **fields)  # type: ignore[arg-type]  # fields of many types


def bring(path: Path, rows: Sequence[ImportedRow], source: str = "old.jsonl") -> tuple[int, list[int]]:
    """Import some rows; return how many were new, and the places of those that contradict."""
    with Importing(path, source, T0_US) as importing:
        bad = importing.add(rows)
        return importing.finish("d" * 64), bad


async def read(path: Path, probe: str = "web", from_us: int = 0, to_us: int = FOREVER) -> list[ImportedRow]:
    store = SqliteStore(path)
    await store.open()
    try:
        lists = [some async for some in store.imported(probe, "fra", from_us, to_us)]
        assert [] not in lists
        return [one for some in lists for one in some]
    finally:
        await store.close()


def left(path: Path) -> list[int]:
    """Return how many rows each table of imports has."""
    connection = sqlite3.connect(path)
    try:
        names = ("imports", "pieces", "imported", "reasons")
        return [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names]
    finally:
        connection.close()


async def test_what_was_brought_comes_back_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    wanted = [
        row(0),
        row(0, "fail", kind=1, code="http_status", detail="status 500"),
        row(0, kind=2, duration_us=0),
        row(7, "warn", code="slow", duration_us=2**36),
        row(9, "void", code="imported", detail="maintenance"),
    ]
    assert bring(path, [*wanted[::-1], row(3, probe="db")]) == (6, [])
    assert await read(path) == wanted
    assert await read(path, "db") == [row(3, probe="db")]
    assert await read(path, "none") == []


async def test_a_time_has_its_begin_and_not_its_end(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    bring(path, [row(at, kind=kind) for at in range(4) for kind in (0, 1)])
    assert await read(path, from_us=T0_US + 1, to_us=T0_US + 3) == [
        row(at, kind=kind) for at in (1, 2) for kind in (0, 1)
    ]
    assert await read(path, from_us=T0_US + 4) == await read(path, to_us=T0_US) == []


async def test_an_import_is_told_with_what_it_brought(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    bring(path, [row(5), row(2), row(3, probe="db")])
    bring(path, [row(5), row(9)], "later.csv")
    bring(path, [row(9)], "nothing-new.csv")
    store = SqliteStore(path)
    await store.open()
    first = ImportRow(number=1, source="old.jsonl", sha256="d" * 64, at_us=T0_US, rows=3)
    assert await store.imports() == [first, replace(first, number=2, source="later.csv", rows=1)]
    assert await store.imported_pairs() == [
        ("db", "fra", T0_US + 3, T0_US + 3, 1),
        ("web", "fra", T0_US + 2, T0_US + 9, 3),
    ]
    assert (await store.counts())["imported"] == 4
    await store.close()


async def test_the_same_twice_is_the_same_as_once_also_within_an_import(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    rows = [row(at, "fail", code="http_status", detail=f"no. {at}") for at in range(50)]
    assert bring(path, [*rows, *rows[:9]]) == (50, [])
    assert bring(path, [*rows, row(99)]) == (1, [])
    assert await read(path) == [*rows, row(99)]


async def test_a_contradiction_is_refused_and_what_is_on_record_stays(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    first = row(1, "fail", code="slow")
    bring(path, [first, row(2)])
    others = [row(1), replace(first, code="http_status"), replace(first, duration_us=901)]
    again = replace(first, detail="told otherwise")
    assert bring(path, [row(3), *others, again, row(3, "void"), row(1, kind=1)]) == (2, [1, 2, 3, 5])
    assert await read(path) == [first, row(1, kind=1), row(2), row(3)]


async def test_imports_that_follow_each_other_without_a_gap_are_read_through(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    for some in ([0, 1], [2], [4, 5], [3]):
        bring(path, [row(at, kind=kind) for at in some for kind in (0, 1)])
    assert await read(path) == [row(at, kind=kind) for at in range(6) for kind in (0, 1)]


async def test_many_come_in_lists_of_bounded_size_and_over_many_imports(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    wanted = [row(at) for at in range(12_000)]
    assert bring(path, wanted[::2])[0] == 6000
    assert bring(path, wanted[1::2])[0] == 6000
    assert bring(path, [row(20_000)])[0] == 1
    store = SqliteStore(path)
    await store.open()
    lists = [some async for some in store.imported("web", "fra", 0, FOREVER)]
    assert max(map(len, lists)) <= 5000
    assert [one for some in lists for one in some] == [*wanted, row(20_000)]
    await store.close()


@settings(max_examples=25, deadline=None)
@given(
    imports=st.lists(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2)), max_size=12), min_size=1, max_size=6
    ),
    window=st.tuples(st.integers(0, 31), st.integers(0, 31)),
)
def test_whatever_the_imports_all_of_it_is_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    imports: list[list[tuple[int, int]]],
    window: tuple[int, int],
) -> None:
    path = tmp_path_factory.mktemp("imports") / "prober.db"
    told: set[tuple[int, int]] = set()
    for some in imports:
        assert bring(path, [row(at, kind=kind) for at, kind in some]) == (len(set(some) - told), [])
        told |= set(some)
    low, high = sorted(window)
    found = asyncio.run(read(path, from_us=T0_US + low, to_us=T0_US + high))
    assert found == [row(at, kind=kind) for at, kind in sorted(told) if low <= at < high]


async def test_an_import_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    bring(path, [row(1, "fail", code="slow")])
    before = left(path)
    with Importing(path, "half", T0_US) as importing:
        importing.add([row(at, "fail", code="slow", detail=str(at)) for at in range(2, 9000)])
        assert await read(path) == [row(1, "fail", code="slow")]  # the daemon's lock is free
    assert left(path) == before
    assert bring(path, [row(2)]) == (1, [])


def test_an_import_that_was_killed_is_taken_away_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom store.test_importing import Importing, row, T0_US\n"
        "importing = Importing(Path(sys.argv[1]), 'half', T0_US).__enter__()\n"
        "importing.add([row(at, detail=str(at)) for at in range(20000)])\nprint('added', flush=True)\ntime.sleep(60)"
    )
    paths = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "added\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert left(path)[:3] == [1, 1, 20_000]
    assert asyncio.run(read(path)) == []
    assert bring(path, [row(5)]) == (1, [])
    assert left(path)[:3] == [1, 1, 1]


async def test_a_daemon_goes_on_writing_while_results_are_brought(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    store = SqliteStore(path)
    await store.open()
    await store.series([series_row()])
    many = [row(at) for at in range(60_000)]
    importing = asyncio.create_task(asyncio.to_thread(bring, path, many))
    longest, slot = 0.0, SLOT
    while not importing.done():
        begin = time.monotonic()
        await store.write(WriteSet(results=[result_row(1, slot)]))
        longest, slot = max(longest, time.monotonic() - begin), slot + 1
    assert await importing == (60_000, [])
    assert slot > SLOT + 5
    assert longest < 2.0
    assert len(await stored_rows(store, 1)) == slot - SLOT
    assert sum([len(some) async for some in store.imported("web", "fra", 0, FOREVER)]) == 60_000
    await store.close()


def test_two_imports_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    with Importing(path, "first", T0_US) as importing:
        with (
            pytest.raises(StoreError, match=rf"under way, process {os.getpid()} \(hint: wait"),
            Importing(path, "second", T0_US),
        ):
            pass
        importing.add([row(1)])
        assert importing.finish("") == 1
    bring(path, [row(2)])


def test_a_store_of_an_older_version_is_migrated_unless_its_daemon_runs(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path, MIGRATIONS[:3])
    connection.close()
    daemon = LockFile(path)
    daemon.take()
    with pytest.raises(StoreError, match=r"of another version than this command \(hint: restart it"):
        bring(path, [row(1)])
    daemon.release()
    assert bring(path, [row(1)]) == (1, [])


@pytest.mark.parametrize(
    ("name", "words"), [("none/prober.db", "does not exist"), ("text", "is not a database")]
)
def test_what_is_no_store_is_refused(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "text").write_bytes(b"not a database at all\n" * 300)
    with pytest.raises(StoreError, match=words):
        bring(tmp_path / name, [row(1)])


def test_a_full_disk_is_told_and_nothing_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    bring(path, [row(1)])
    with Importing(path, "large", T0_US) as importing:
        assert importing._connection is not None
        importing._connection.execute("PRAGMA max_page_count=60")
        with pytest.raises(StoreError, match="is full"):
            importing.add([row(at) for at in range(2, 20_000)])
    assert left(path)[:3] == [1, 1, 1]


def test_a_closed_report_cannot_be_changed_by_any_statement(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "prober.db", isolation_level=None)
    prepare(connection, tmp_path / "prober.db")
    connection.execute("INSERT INTO closed VALUES (1, 'c', '', 0, 1, 1, 2, 'd', '', '', x'00')")
    for statement in ("UPDATE closed SET body = x''", "DELETE FROM closed"):
        with pytest.raises(sqlite3.IntegrityError, match="a closed report is"):
            connection.execute(statement)
    connection.close()
