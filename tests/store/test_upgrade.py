"""A store of an older version is brought to the newest with everything in it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from support.store_values import change

from prober.store.schema import MIGRATIONS, prepare
from prober.store.sqlite import SqliteStore


def old_store(path: Path, version: int) -> sqlite3.Connection:
    """Make a store as a prober of that version left it."""
    connection = sqlite3.connect(path, isolation_level=None)
    prepare(connection, path, MIGRATIONS[:version])
    return connection


async def test_states_on_record_before_revisions_were_known_stand(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    connection = old_store(path, 2)
    down, up = change(at_us=10), change(at_us=20, before="down", after="up")
    for row in (down, up):
        connection.execute(
            "INSERT INTO changes(at_us, noted_us, subject, before, after, because) VALUES (?, ?, ?, ?, ?, ?)",
            (row.at_us, row.noted_us, row.subject, row.before, row.after, row.because),
        )
    connection.close()
    store = SqliteStore(path)
    await store.open()
    assert await store.changes(None, 9) == [up, down]
    assert await store.states(["probe:web"], 0) == [down, up]
    assert (await store.revision(), await store.agents(), await store.marks()) == (0, [], {})
    await store.close()


async def test_a_store_from_before_reports_has_none_and_keeps_what_it_had(tmp_path: Path) -> None:
    path = tmp_path / "prober.db"
    connection = old_store(path, 3)
    connection.execute("INSERT INTO series VALUES (1, 'web', 'fra', 30000000, 'fixed', '[\"fra\"]', 0, 0)")
    connection.execute("INSERT INTO meta VALUES ('origin', 0)")
    connection.execute("INSERT INTO troubles VALUES (1, 7, 4802)")
    connection.execute("INSERT INTO gaps VALUES (1, 9, 12, 'late')")
    connection.close()
    store = SqliteStore(path)
    await store.open()
    found = [row async for some in store.troubles([1], 0, 10**9) for row in some]
    assert [(row.slot, row.outcome) for row in found] == [(7, "fail")]
    assert [row.first_slot for row in await store.holes([1], 0, 10**9)] == [9]
    assert (await store.closed(), await store.maintenance(), await store.imports()) == ([], [], [])
    await store.close()
