"""The SQLite store: the contract of every store, and how it treats files, locks, versions and its keys."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from contracts.store_suite import StoreSuite
from hypothesis import given
from hypothesis import strategies as st
from support.store_use import Clock, rows
from support.store_values import SLOT, T0_US, result_row, series_row

from prober.store import open_store
from prober.store.base import Store, StoreError, WriteSet
from prober.store.cells import BLOCK_US, LANE_CELLS, Lane, block_of, width
from prober.store.schema import APPLICATION_ID, MIGRATIONS, prepare
from prober.store.sqlite import SqliteStore


class TestSqlite(StoreSuite):
    def make(self, folder: Path, clock: Clock) -> Store:
        return SqliteStore(folder / "prober.db", now_us=clock)


async def opening_fails(path: Path) -> str:
    """Return the words that a store is refused with, after which the file can be used by others."""
    store = SqliteStore(path)
    with pytest.raises(StoreError) as refused:
        await store.open()
    await store.close()
    return str(refused.value)


async def made(path: Path) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(results=[result_row(1, SLOT)]))
    await store.close()


def pragma(path: Path, name: str) -> object:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


@pytest.mark.parametrize("url", ["sqlite:///some.db", "sqlite:////{}/some.db"])
async def test_a_url_names_a_relative_or_an_absolute_file(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_store(url.format(str(tmp_path).lstrip("/")))
    await store.open()
    await store.close()
    assert (tmp_path / "some.db").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "prober.db",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://:memory:",
        "sqlite:///:memory:",
        "pg:///x",
    ],
)
def test_a_url_that_names_no_store_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(StoreError, match=r"hint: .*sqlite:///"):
        open_store(url)


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert "does not exist (hint: create it" in await opening_fails(tmp_path / "none" / "prober.db")


async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    path.write_bytes(b"not a database at all\n" * 300)
    before = path.read_bytes()
    assert "is not a database" in await opening_fails(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["CREATE TABLE results(a)", "PRAGMA application_id=7"])
async def test_a_database_of_another_program_is_refused_and_left_alone(
    statement: str, tmp_path: Path
) -> None:
    path = tmp_path / "prober.db"
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()
    before = path.read_bytes()
    assert "another program" in await opening_fails(path)
    assert path.read_bytes() == before


async def test_a_newer_version_is_refused_and_the_known_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    await made(path)
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert pragma(path, "application_id") == APPLICATION_ID
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    connection.close()
    assert f"has version {len(MIGRATIONS) + 1}, this prober knows up to" in await opening_fails(path)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
    connection.close()
    await made(path)


def test_a_migration_that_fails_leaves_the_version_before_and_runs_again(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path)
    broken = (*MIGRATIONS, ("CREATE TABLE next(a)", "CREATE TABLE results(a)"))
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        prepare(connection, path, broken)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
    prepare(connection, path, (*MIGRATIONS, ("CREATE TABLE next(a)",)))
    assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
    connection.close()


async def test_a_store_in_use_is_refused_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    first = SqliteStore(path)
    await first.open()
    assert "in use by process" in await opening_fails(path)
    await first.open_runs()  # the one that was refused took nothing from the first
    await first.close()
    await made(path)


async def test_another_program_may_read_while_the_store_is_open(tmp_path: Path) -> None:
    """A backup is a plain reader, and after a close the file alone is the whole store."""
    path = tmp_path / "prober.db"
    store = SqliteStore(path)
    await store.open()
    await store.series([series_row()])
    await store.write(WriteSet(results=[result_row(1, SLOT)]))
    connection = sqlite3.connect(path)
    connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.db"),))
    connection.close()
    await store.close()
    assert not (tmp_path / "prober.db-wal").exists()
    for name in ("copy.db", "prober.db"):
        store = SqliteStore(tmp_path / name)
        await store.open()
        assert await rows(store, 1) == [result_row(1, SLOT)]
        await store.close()


async def test_settings_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    await made(path)
    assert (pragma(path, "journal_mode"), pragma(path, "page_size")) == ("wal", 4096)


async def test_series_are_refused_when_the_lanes_are_used_up(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "prober.db")
    await store.open()
    cells = LANE_CELLS // width(1000) - 1
    await store.series([series_row(str(number), interval_us=1000) for number in range(cells)])
    room = LANE_CELLS - cells * width(1000)
    fits = BLOCK_US // (room - 1) + 1
    with pytest.raises(StoreError, match="no room for one more series"):
        await store.series([series_row("last", interval_us=1)])
    last = (await store.series([series_row("last", interval_us=fits)]))[0].number
    slot = T0_US // fits
    await store.write(WriteSet(results=[result_row(last, slot + k) for k in range(2)]))
    assert len(await rows(store, last)) == 2
    await store.close()


@given(
    st.integers(10, 2 * BLOCK_US) | st.integers(10, 10**11),
    st.integers(-(10**15), 4 * 10**15),
    st.integers(0, 1000),
    st.integers(0, 10**15),
)
def test_a_cell_gives_its_slot_back_and_stays_in_its_lane(
    interval_us: int, at_us: int, lane: int, origin_us: int
) -> None:
    own = Lane(1, interval_us, lane, block_of(origin_us))
    last_of_block = own.first_slot(block_of(at_us)) - 1
    for slot in (at_us // interval_us, last_of_block):
        cell = own.cell(slot)
        assert own.slot(cell) == slot
        assert own.cell(slot + 1) > cell
        assert lane <= cell % LANE_CELLS < lane + width(interval_us)


def test_a_key_of_some_years_fits_in_six_bytes() -> None:
    own = Lane(1, 30_000_000, LANE_CELLS - 5, block_of(T0_US))
    year = 365 * 86_400_000_000 // 30_000_000
    assert own.cell(SLOT + 7 * year) < 2**47
