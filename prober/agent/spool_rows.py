"""The spool's tables and the SQL over them; what is kept, offered and given up is decided in the modules beside.

A batch is a row found by epoch and sequence. The index holds what counting needs, so that no backlog has to be read to
know how much waits. Functions run in the connection's thread; none begins a transaction but `transaction`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prober.wire import Sealed

from .spool_values import Epoch, Head, Row, Sum

VERSION = 1
APPLICATION_ID = 0x50525350  # "PRSP"
# Larger ones hold no more, as an ordinary batch has some kilobytes, and each append writes three
PAGE_SIZE = 4096
CACHE_KIB = 1024
CHECKPOINT_PAGES = 256  # 1 MB of log
BUSY_SECONDS = 5.0
REGION_OF = "region of "  # a name in `meta`, with an agent's name behind it

_TABLES = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE epochs(epoch INTEGER PRIMARY KEY, agent TEXT NOT NULL, hub BLOB NOT NULL, last INTEGER NOT NULL,
        hash BLOB NOT NULL, taken INTEGER NOT NULL, offered INTEGER NOT NULL,
        retold INTEGER NOT NULL, closed INTEGER NOT NULL)""",
    """CREATE TABLE batches(epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, first INTEGER NOT NULL,
        results INTEGER NOT NULL, bytes INTEGER NOT NULL, from_us INTEGER NOT NULL, sealed_us INTEGER NOT NULL,
        hash BLOB NOT NULL, signature BLOB NOT NULL, packed BLOB NOT NULL)""",
    "CREATE INDEX batches_in_order ON batches(epoch, sequence, first, results, bytes, from_us, sealed_us)",
    f"PRAGMA application_id={APPLICATION_ID}",
    f"PRAGMA user_version={VERSION}",
)
_EPOCH = "epoch, agent, hub, last, hash, taken, offered, retold, closed"
_HEAD = "epoch, sequence, first, results, bytes, from_us, sealed_us"
_ROW = "epoch, sequence, first, results, from_us, sealed_us, hash, signature, packed"


def connector(path: Path) -> Callable[[], sqlite3.Connection]:
    """Return what opens the file, made if there is none; nobody but its user may read it."""

    def connect() -> sqlite3.Connection:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        # FULL: what was offered is still here after a power cut, so that no number is given out twice.
        for pragma in (
            f"page_size={PAGE_SIZE}",
            "locking_mode=EXCLUSIVE",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"cache_size=-{CACHE_KIB}",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            db.execute(f"PRAGMA {pragma}")
        return db

    return connect


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
        raise


def prepare(db: sqlite3.Connection) -> int:
    """Make the tables if there are none; return the version of the file."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == 0:
        with transaction(db):
            for statement in _TABLES:
                db.execute(statement)
        return VERSION
    return version


def epochs(db: sqlite3.Connection) -> list[Epoch]:
    """Return every epoch that is known, oldest first."""
    found = []
    for number, agent, hub, last, hash, taken, offered, retold, closed in db.execute(
        f"SELECT {_EPOCH} FROM epochs ORDER BY epoch"
    ).fetchall():
        newest = db.execute(
            "SELECT sequence, hash FROM batches WHERE epoch=? ORDER BY sequence DESC LIMIT 1", (number,)
        ).fetchone() or (0, b"")
        if newest[0] >= last:
            last, hash = newest
        elif taken < last:  # those that came last were in memory only, and went with the process
            last, hash = max(newest, (taken, b""))
        found.append(
            Epoch(number, agent, hub, last, hash, taken, offered, retold, bool(closed), reserved=offered)
        )
    return found


def save_epoch(db: sqlite3.Connection, epoch: Epoch) -> None:
    """Write where an epoch stands."""
    db.execute(
        f"INSERT OR REPLACE INTO epochs({_EPOCH}) VALUES (?,?,?,?,?,?,?,?,?)",
        (
            epoch.number, epoch.agent, epoch.hub, epoch.last, epoch.hash, epoch.taken, epoch.reserved,
            epoch.retold, epoch.closed,
        ),
    )  # fmt: skip


def forget_epoch(db: sqlite3.Connection, number: int) -> None:
    """Remove an epoch that has no rows."""
    db.execute("DELETE FROM epochs WHERE epoch=?", (number,))


def insert(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add rows."""
    db.executemany(
        f"INSERT INTO batches({_ROW}, bytes) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            (
                row.epoch, row.sequence, row.first, row.results, row.from_us, row.sealed_us,
                row.hash, row.signature, row.packed, row.bytes,
            )
            for row in rows
        ),
    )  # fmt: skip


def delete(db: sqlite3.Connection, epoch: int, first: int, last: int) -> None:
    """Remove the rows of an epoch that end from `first` to `last`."""
    db.execute("DELETE FROM batches WHERE epoch=? AND sequence BETWEEN ? AND ?", (epoch, first, last))


def heads(
    db: sqlite3.Connection, epoch: int, after: int, upto: int | None = None, limit: int = -1
) -> list[Head]:
    """Return the heads of rows of an epoch that end after `after`, up to `upto`, in order."""
    rows = db.execute(
        f"SELECT {_HEAD} FROM batches WHERE epoch=? AND sequence>? AND sequence<=? ORDER BY sequence LIMIT ?",
        (epoch, after, 2**62 if upto is None else upto, limit),
    )
    return [Head(*row) for row in rows]


def read(db: sqlite3.Connection, epoch: int, after: int, limit: int, upto: int = 2**62) -> list[Row]:
    """Return rows of an epoch that end after `after`, in order."""
    rows = db.execute(
        f"SELECT {_ROW} FROM batches WHERE epoch=? AND sequence>? AND sequence<=? ORDER BY sequence LIMIT ?",
        (epoch, after, upto, limit),
    )
    return [Row(*row) for row in rows]


def sealed(db: sqlite3.Connection, epoch: int, after: int, max_bytes: int) -> tuple[list[Sealed], bool]:
    """Return the batches of an epoch after a sequence, at least one; and whether those are all that there are."""
    cursor = db.execute(
        "SELECT epoch, sequence, packed, signature FROM batches WHERE epoch=? AND sequence>? ORDER BY sequence",
        (epoch, after),
    )
    found: list[Sealed] = []
    size = 0
    with contextlib.closing(cursor):
        for row in cursor:
            size += len(row[2])
            if found and size > max_bytes:
                return found, False
            found.append(Sealed(*row))
    return found, True


def since(db: sqlite3.Connection, epoch: int, sequence: int) -> Iterator[Row]:
    """Yield the rows that come after a batch, of its epoch and later ones."""
    after = epoch, sequence
    while rows := [
        Row(*row)
        for row in db.execute(
            f"SELECT {_ROW} FROM batches WHERE (epoch, sequence) > (?, ?) ORDER BY epoch, sequence LIMIT 32",
            after,
        )
    ]:
        yield from rows
        after = rows[-1].epoch, rows[-1].sequence


def summed(db: sqlite3.Connection, epoch: int, after: int, upto: int) -> Sum:
    """Return how much the rows of an epoch are that end after `after`, up to `upto`."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(results), 0), coalesce(sum(bytes), 0) FROM batches"
        " WHERE epoch=? AND sequence>? AND sequence<=?",
        (epoch, after, upto),
    ).fetchone()
    return Sum(*row)


def oldest_start(db: sqlite3.Connection, epoch: int, after: int) -> int:
    """Return the start of the first result of an epoch after a sequence; 0: there is none."""
    row = db.execute(
        "SELECT from_us FROM batches WHERE epoch=? AND sequence>? AND from_us>0 ORDER BY sequence LIMIT 1",
        (epoch, after),
    ).fetchone()
    return int(row[0]) if row else 0


def meta(db: sqlite3.Connection, name: str) -> bytes | None:
    """Return a value that belongs to no row."""
    row = db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
    return bytes(row[0]) if row else None


def save_meta(db: sqlite3.Connection, name: str, value: bytes) -> None:
    """Write one of them."""
    db.execute("INSERT OR REPLACE INTO meta(name, value) VALUES (?, ?)", (name, value))


def used_bytes(db: sqlite3.Connection) -> int:
    """Return how much of the file is in use; it never shrinks, what is free in it is used again."""
    pages, free = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count")
    )
    return (pages - free) * PAGE_SIZE


def checkpoint(db: sqlite3.Connection) -> None:
    """Copy the log into the file."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
