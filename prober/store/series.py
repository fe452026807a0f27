"""Making series: each gets a number, and a lane for its results. A function of the writing connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from .base import SeriesRow, StoreError
from .cells import LANE_CELLS, block_of, width
from .rows import Row, series_key, series_value

_COLUMNS = "number, probe, region, interval_us, schedule, regions, created_us"


def add_series(connection: sqlite3.Connection, wanted: Sequence[SeriesRow]) -> list[SeriesRow]:
    """Return the stored series of these in the same order, making what is missing, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        known = {row[1:6]: row for row in connection.execute(f"SELECT {_COLUMNS} FROM series")}
        for asked in wanted:
            key = series_key(asked)
            if key not in known:
                known[key] = _make(connection, key, asked.created_us)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return [series_value(known[series_key(asked)]) for asked in wanted]


def _make(connection: sqlite3.Connection, key: Row, created_us: int) -> Row:
    interval_us = key[2]
    if interval_us <= 0:
        raise StoreError(f"an interval of {interval_us} us cannot be stored")
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('origin', ?)", (block_of(created_us),))
    newest = connection.execute(
        "SELECT number, lane, interval_us FROM series ORDER BY number DESC LIMIT 1"
    ).fetchone()
    number, lane = (newest[0] + 1, newest[1] + width(newest[2])) if newest else (1, 0)
    if lane + width(interval_us) > LANE_CELLS:
        raise StoreError(
            "the store has no room for one more series (hint: begin a new store.url; keep the old file)"
        )
    connection.execute("INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (number, *key, created_us, lane))
    return (number, *key, created_us)
