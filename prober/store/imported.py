"""Questions about results from elsewhere, each a function of a reading connection. Bringing them in: `importing.py`.

What one import brought of one probe and region is a piece; pieces seldom overlap in time. A piece is read from the
moment on that its import is on record as a whole.
"""

from __future__ import annotations

import heapq
import sqlite3
from typing import TypeAlias

from .base import ImportedRow, ImportRow
from .rows import Row, unpack

IMPORTED_LIST = 5000  # results in one list: about 10 ms of CPU
BEFORE = -1  # lies before every kind: with it, a place lies before all of its instant
_NEXT = f"""SELECT at_us, kind, v, reason FROM imported
    WHERE piece = ? AND (at_us, kind) > (?, ?) AND at_us < ? ORDER BY at_us, kind LIMIT {IMPORTED_LIST}"""
_PIECES = """SELECT number, first_us, last_us FROM pieces
    WHERE probe = ? AND region = ? AND last_us >= ? AND first_us < ? ORDER BY first_us"""

Place: TypeAlias = tuple[int, int]
"""Instant and kind: after this one to go on."""


def imported(
    connection: sqlite3.Connection, pair: tuple[str, str], to_us: int, after: Place
) -> tuple[list[ImportedRow], Place | None]:
    """Return the next results of a probe and region after a place, and the place to go on from; None: the end."""
    pieces = connection.execute(_PIECES, (*pair, after[0], to_us)).fetchall()
    cluster, others = _first_cluster(pieces)
    found = [connection.execute(_NEXT, (piece, *after, to_us)).fetchall() for piece in cluster]
    rows = list(heapq.merge(*found))[:IMPORTED_LIST]
    reasons = _reasons(connection, rows)
    values = [_value(pair, row, reasons) for row in rows]
    if len(rows) == IMPORTED_LIST:
        return values, (rows[-1][0], rows[-1][1])
    return values, (others, BEFORE) if others is not None else None


def _first_cluster(pieces: list[Row]) -> tuple[list[int], int | None]:
    """Return the pieces that lie over each other first in time, and when the next ones begin."""
    cluster: list[int] = []
    end: int | None = None
    for number, first_us, last_us in pieces:
        if end is not None and first_us > end:
            return cluster, first_us
        cluster.append(number)
        end = last_us if end is None else max(end, last_us)
    return cluster, None


def _reasons(connection: sqlite3.Connection, rows: list[Row]) -> dict[int, tuple[str, str]]:
    wanted = {row[3] for row in rows if row[3]}
    found = {
        number: connection.execute("SELECT code, detail FROM reasons WHERE number = ?", (number,)).fetchone()
        for number in wanted
    }
    return {0: ("", ""), **found}


def _value(pair: tuple[str, str], row: Row, reasons: dict[int, tuple[str, str]]) -> ImportedRow:
    at_us, kind, v, reason = row
    duration_us, outcome = unpack(v)
    code, detail = reasons[reason]
    return ImportedRow(
        probe=pair[0],
        region=pair[1],
        at_us=at_us,
        duration_us=duration_us,
        outcome=outcome,
        code=code,
        kind=kind,
        detail=detail,
    )


def sources(connection: sqlite3.Connection) -> list[tuple[str, str, str, int, int]]:
    """Return (probe, region, source, first at, last at) of each piece that is on record."""
    return connection.execute(
        """SELECT probe, region, source, first_us, last_us FROM pieces
        JOIN imports ON imports.number = pieces.import WHERE first_us IS NOT NULL
        ORDER BY probe, region, first_us"""
    ).fetchall()


def pairs(connection: sqlite3.Connection) -> list[tuple[str, str, int, int, int]]:
    """Return (probe, region, first at, last at, rows) of all that is on record, by probe and region."""
    return connection.execute(
        """SELECT probe, region, min(first_us), max(last_us), sum(rows) FROM pieces
        WHERE first_us IS NOT NULL GROUP BY probe, region ORDER BY probe, region"""
    ).fetchall()


def imports(connection: sqlite3.Connection) -> list[ImportRow]:
    """Return the imports that are on record, oldest first."""
    found = connection.execute(
        "SELECT number, source, sha256, at_us, rows FROM imports WHERE rows IS NOT NULL ORDER BY number"
    )
    return [
        ImportRow(number=number, source=source, sha256=sha256, at_us=at_us, rows=rows)
        for number, source, sha256, at_us, rows in found
    ]
