"""Bringing results from elsewhere into a store's file, beside a running daemon or without one.

What an import brought is read by nobody until `finish` puts all of it on record, in one short transaction; what was
left half done is taken away by the next import. Every transaction is short, and the lock is free in between: the
daemon, whose writes wait for it, goes on. Not here: reading lines and judging them (`prober/imports`).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from . import pieces
from .base import ImportedRow, StoreError
from .connections import explained
from .lockfile import LockFile, StoreInUse
from .pieces import Pair, Piece
from .rows import PLACES, Row
from .schema import APPLICATION_ID, MIGRATIONS, prepare

T = TypeVar("T")
BATCH = 2000
"""Rows of one transaction: it holds the lock for some 5 ms."""
REST_SECONDS = 0.002  # between transactions that nothing else lies between
WAIT_SECONDS = 30.0  # for the lock, which the daemon takes for milliseconds at a time
CACHE_KIB = 16_384
CHECKPOINT_PAGES = 1000  # before the daemon's 4000, so that the log of an import is copied back by the import
REASONS_KNOWN = 20_000  # by heart; more are looked up
_BUSY = "another import into the store {store} is under way, process {owner} (hint: wait until it has ended)"


class Importing:
    """One import, to be used as a context: what was not finished is taken back at its end. For one thread."""

    def __init__(self, path: Path, source: str, now_us: int) -> None:
        self._path = path
        self._source = source
        self._now_us = now_us
        self._lock = LockFile(path, ".import-lock", _BUSY)
        self._connection: sqlite3.Connection | None = None
        self._number = 0
        self._pieces: dict[Pair, Piece] = {}
        self._reasons: dict[tuple[str, str], int] = {("", ""): 0}
        self._last_reason = 0

    def __enter__(self) -> Importing:
        """Open the store's file, made or migrated if no daemon runs; raises StoreError where that cannot be."""
        if not self._path.parent.is_dir():
            raise StoreError(
                f"the folder {self._path.parent} of the store does not exist (hint: create it, or change store.url)"
            )
        self._lock.take()
        try:
            with explained(self._path):
                self._connection = connection = _connect(self._path)
                _make_ready(connection, self._path)
                pieces.sweep(connection, _rest)
                self._last_reason = pieces.last_reason(connection)
                self._number = pieces.begin(connection, self._source, self._now_us)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take back what is not on record, and let go."""
        try:
            # Where even that fails (a full disk), nobody reads what is left, and the next import takes it away.
            with suppress(StoreError):
                self._do(self._take_back)
        finally:
            self._close()

    def add(self, rows: Sequence[ImportedRow]) -> list[int]:
        """Take some rows; return the places of those that contradict what is on record, which are not taken.

        A row that says what is on record already is passed over. Of a failure only its code is compared. A row that
        came earlier in the same import counts as on record. Raises StoreError.
        """
        contradicting: list[int] = []
        for start in range(0, len(rows), BATCH):
            found = self._do(self._add, rows[start : start + BATCH])
            contradicting += [start + place for place in found]
        return contradicting

    def finish(self, sha256: str) -> int:
        """Put all of it on record at once; return how many rows were new. Without any, nothing is put on record."""
        return self._do(self._finish, sha256)

    def _add(self, connection: sqlite3.Connection, rows: Sequence[ImportedRow]) -> list[int]:
        self._learn(connection, rows)
        taken, bad = [], []
        for place, row in enumerate(rows):
            piece = self._pieces[row.probe, row.region]
            stored = _said_before(connection, piece, row) if piece.before else None
            if stored is None:
                taken.append((place, self._packed(piece, row)))
            elif stored != _says(row):
                bad.append(place)
        taken.sort(
            key=lambda each: each[1][:3]
        )  # neighbours go to the same page; of equals the first stays first
        if pieces.insert(connection, [packed for _, packed in taken]) < len(taken):
            bad += [
                place for place, packed in taken if pieces.said(connection, *packed[:3]) != _says(rows[place])
            ]
        return sorted(bad)

    def _packed(self, piece: Piece, row: ImportedRow) -> Row:
        return piece.number, row.at_us, row.kind, _says(row)[0], self._reasons[row.code, row.detail]

    def _learn(self, connection: sqlite3.Connection, rows: Sequence[ImportedRow]) -> None:
        """Know the pieces and the reasons of some rows by their numbers."""
        if len(self._reasons) > REASONS_KNOWN:
            self._reasons = {("", ""): 0}
        reasons = {(row.code, row.detail) for row in rows} - self._reasons.keys()
        if reasons:
            self._reasons |= pieces.reasons(connection, reasons)
        pairs = {(row.probe, row.region) for row in rows} - self._pieces.keys()
        if pairs:
            self._pieces |= pieces.make(connection, self._number, pairs)

    def _finish(self, connection: sqlite3.Connection, sha256: str) -> int:
        extents = {piece.number: pieces.extent(connection, piece.number) for piece in self._pieces.values()}
        total = sum(int(rows) for _, _, rows in extents.values())
        if total:
            pieces.publish(connection, self._number, sha256, extents)
            self._last_reason = pieces.last_reason(connection)
        return total

    def _take_back(self, connection: sqlite3.Connection) -> None:
        pieces.sweep(connection, _rest)
        pieces.forget_reasons(connection, self._last_reason)

    def _do(self, function: Callable[..., T], *values: object) -> T:
        if self._connection is None:
            raise StoreError("the import has ended")
        with explained(self._path):
            return function(self._connection, *values)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()


def _says(row: ImportedRow) -> Row:
    """Return what two rows of the same instant must have in common: v and code."""
    return row.duration_us << 2 | PLACES[row.outcome], row.code


def _said_before(connection: sqlite3.Connection, piece: Piece, row: ImportedRow) -> Row | None:
    for number, first_us, last_us in piece.before:
        if first_us <= row.at_us <= last_us:
            stored = pieces.said(connection, number, row.at_us, row.kind)
            if stored is not None:
                return stored
    return None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
    for pragma in (
        "synchronous=NORMAL",
        f"cache_size=-{CACHE_KIB}",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _make_ready(connection: sqlite3.Connection, path: Path) -> None:
    """Make or migrate the store if nobody uses it; beside a daemon it has to be of our version already."""
    daemon = LockFile(path)
    try:
        daemon.take()
    except StoreInUse:
        _check(connection, path)
        return
    try:
        prepare(connection, path)
    finally:
        daemon.release()


def _check(connection: sqlite3.Connection, path: Path) -> None:
    found = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if found != [APPLICATION_ID, len(MIGRATIONS)]:
        raise StoreError(
            f"the daemon that uses the store {path} is of another version than this command (hint: restart it first)"
        )


def _rest() -> None:
    """Leave the lock to others for a moment."""
    time.sleep(REST_SECONDS)
