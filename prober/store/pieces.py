"""Statements of an import and of its pieces: what it brought of one probe and region. Deciding is `importing.py`.

A piece without `first_us` is not on record: an import is under way, or was given up. Functions of the connection that
imports; each transaction is one call and short.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from .rows import Row

Pair: TypeAlias = tuple[str, str]
"""Probe and region."""
SWEPT_AT_ONCE = 5000  # rows that one transaction takes away: some 10 ms


@dataclass(frozen=True, slots=True)
class Piece:
    """What this import brings of a pair: its number; and those on record before, as (number, first, last)."""

    number: int
    before: Sequence[tuple[int, int, int]]


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # SQLite itself rolls back on some errors, such as a full disk
            connection.execute("ROLLBACK")
        raise


def begin(connection: sqlite3.Connection, source: str, at_us: int) -> int:
    """Return the number of a new import."""
    with transaction(connection):
        cursor = connection.execute("INSERT INTO imports(source, at_us) VALUES (?, ?)", (source, at_us))
    return int(cursor.lastrowid or 0)


def make(connection: sqlite3.Connection, number: int, pairs: Collection[Pair]) -> dict[Pair, Piece]:
    """Make the pieces of an import for some pairs."""
    made: dict[Pair, Piece] = {}
    with transaction(connection):
        for pair in sorted(pairs):
            before = connection.execute(
                """SELECT number, first_us, last_us FROM pieces
                WHERE probe = ? AND region = ? AND first_us IS NOT NULL ORDER BY number""",
                pair,
            ).fetchall()
            cursor = connection.execute(
                "INSERT INTO pieces(import, probe, region) VALUES (?, ?, ?)", (number, *pair)
            )
            made[pair] = Piece(int(cursor.lastrowid or 0), before)
    return made


def reasons(
    connection: sqlite3.Connection, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """Return the numbers of some (code, detail), made where they are new."""
    with transaction(connection):
        connection.executemany("INSERT OR IGNORE INTO reasons(code, detail) VALUES (?, ?)", sorted(wanted))
    sql = "SELECT number FROM reasons WHERE code = ? AND detail = ?"
    return {each: connection.execute(sql, each).fetchone()[0] for each in wanted}


def insert(connection: sqlite3.Connection, rows: list[Row]) -> int:
    """Add rows (piece, at_us, kind, v, reason); return how many were new."""
    with transaction(connection):
        cursor = connection.executemany("INSERT OR IGNORE INTO imported VALUES (?, ?, ?, ?, ?)", rows)
    return cursor.rowcount


def said(connection: sqlite3.Connection, piece: int, at_us: int, kind: int) -> Row | None:
    """Return what a piece says of an instant: v and code; None if nothing."""
    found: Row | None = connection.execute(
        """SELECT v, ifnull(code, '') FROM imported LEFT JOIN reasons ON number = reason
        WHERE piece = ? AND at_us = ? AND kind = ?""",
        (piece, at_us, kind),
    ).fetchone()
    return found


def extent(connection: sqlite3.Connection, piece: int) -> Row:
    """Return first and last instant and the number of rows of a piece."""
    found: Row = connection.execute(
        "SELECT min(at_us), max(at_us), count(*) FROM imported WHERE piece = ?", (piece,)
    ).fetchone()
    return found


def publish(connection: sqlite3.Connection, number: int, sha256: str, extents: dict[int, Row]) -> None:
    """Put an import on record. A crash before this leaves nothing that is read; after it, all of it."""
    total = sum(rows for _, _, rows in extents.values())
    values = [(*extent, piece) for piece, extent in extents.items()]
    with transaction(connection):
        connection.executemany(
            "UPDATE pieces SET first_us = ?, last_us = ?, rows = ? WHERE number = ?", values
        )
        connection.execute("DELETE FROM pieces WHERE import = ? AND rows = 0", (number,))
        connection.execute(
            "UPDATE imports SET sha256 = ?, rows = ? WHERE number = ?", (sha256, total, number)
        )


def sweep(connection: sqlite3.Connection, rest: Callable[[], None]) -> None:
    """Take away what was brought and is not on record; `rest` is called between transactions."""
    unfinished = "SELECT number FROM imports WHERE rows IS NULL"
    pieces = connection.execute(f"SELECT number FROM pieces WHERE import IN ({unfinished})").fetchall()
    for (piece,) in pieces:
        while _sweep(connection, piece):
            rest()
    with transaction(connection):
        connection.execute(f"DELETE FROM pieces WHERE import IN ({unfinished})")
        connection.execute("DELETE FROM imports WHERE rows IS NULL")


def _sweep(connection: sqlite3.Connection, piece: int) -> int:
    with transaction(connection):
        cursor = connection.execute(
            """DELETE FROM imported WHERE piece = ?1 AND at_us <= ifnull(
                (SELECT at_us FROM imported WHERE piece = ?1 ORDER BY at_us LIMIT 1 OFFSET ?2), 9223372036854775807)""",
            (piece, SWEPT_AT_ONCE),
        )
    return cursor.rowcount


def forget_reasons(connection: sqlite3.Connection, after: int) -> None:
    """Take away the reasons that were made since one, which are those of a single import."""
    with transaction(connection):
        connection.execute("DELETE FROM reasons WHERE number > ?", (after,))


def last_reason(connection: sqlite3.Connection) -> int:
    """Return the number of the newest reason."""
    return int(connection.execute("SELECT ifnull(max(number), 0) FROM reasons").fetchone()[0])
