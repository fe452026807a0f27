"""The tables, as numbered migrations, and the check that a file is a store of ours. No queries.

`PRAGMA user_version` counts the migrations that a file has had. A migration that was released is never edited.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path

from .base import StoreError

APPLICATION_ID = 0x50524F42  # "PROB"
PAGE_SIZE = 4096  # 8192: 1 % smaller, but a third more CPU a row and 1.5 times the writes

_FIRST = (
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID",
    """CREATE TABLE series(number INTEGER PRIMARY KEY, probe TEXT NOT NULL, region TEXT NOT NULL,
        interval_us INTEGER NOT NULL, schedule TEXT NOT NULL, regions TEXT NOT NULL, created_us INTEGER NOT NULL,
        lane INTEGER NOT NULL, UNIQUE(probe, region, interval_us, schedule, regions))""",
    # v is duration_us << 2 | outcome: three bytes up to 2 s
    "CREATE TABLE results(cell INTEGER PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE late(cell INTEGER PRIMARY KEY, late_us INTEGER NOT NULL) WITHOUT ROWID",
    # the results that are no plain pass once more: found without reading those that are
    """CREATE TABLE troubles(series INTEGER, slot INTEGER, v INTEGER NOT NULL,
        PRIMARY KEY(series, slot)) WITHOUT ROWID""",
    """CREATE TABLE extras(series INTEGER, slot INTEGER, started_us INTEGER, kind INTEGER NOT NULL,
        late_us INTEGER NOT NULL, v INTEGER NOT NULL, PRIMARY KEY(series, slot, started_us)) WITHOUT ROWID""",
    "CREATE TABLE details(cell INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    """CREATE TABLE extra_details(series INTEGER, slot INTEGER, started_us INTEGER, body BLOB NOT NULL,
        PRIMARY KEY(series, slot, started_us)) WITHOUT ROWID""",
    # What the store knows of a series, and its open run (number NULL: none yet), in two rows: `heads` changes with
    # the run, `tails` with every result, and is therefore small.
    """CREATE TABLE heads(series INTEGER PRIMARY KEY, first_slot INTEGER, number INTEGER, outcome INTEGER,
        code TEXT, first_us INTEGER, first_took_us INTEGER)""",
    """CREATE TABLE tails(series INTEGER PRIMARY KEY, last_slot INTEGER, last_end_us INTEGER, last_took_us INTEGER,
        count INTEGER, longest_gap_us INTEGER)""",
    """CREATE TABLE runs(series INTEGER, number INTEGER, outcome INTEGER NOT NULL, code TEXT,
        first_us INTEGER NOT NULL, first_took_us INTEGER NOT NULL, last_end_us INTEGER NOT NULL,
        last_took_us INTEGER NOT NULL, count INTEGER NOT NULL, longest_gap_us INTEGER NOT NULL,
        PRIMARY KEY(series, number)) WITHOUT ROWID""",
    """CREATE TABLE gaps(series INTEGER, first_slot INTEGER, last_slot INTEGER NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY(series, first_slot)) WITHOUT ROWID""",
    """CREATE TABLE changes(number INTEGER PRIMARY KEY, subject TEXT NOT NULL, at_us INTEGER NOT NULL,
        noted_us INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, because TEXT NOT NULL,
        UNIQUE(subject, noted_us, at_us, after))""",
    "CREATE INDEX changes_by_subject ON changes(subject, number)",
    """CREATE TABLE receipts(agent TEXT, epoch INTEGER, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
        noted_us INTEGER NOT NULL, PRIMARY KEY(agent, epoch)) WITHOUT ROWID""",
    # rows of the large tables: to count them would read them
    "CREATE TABLE totals(name TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO totals VALUES ('results', 0), ('details', 0), ('extras', 0), ('extra_details', 0)",
)

_CALLS = (
    """CREATE TABLE calls(probe TEXT, at_us INTEGER, verb TEXT NOT NULL, exit_code INTEGER, output TEXT NOT NULL,
        PRIMARY KEY(probe, at_us)) WITHOUT ROWID""",
    """CREATE TABLE listening(from_us INTEGER PRIMARY KEY, until_us INTEGER NOT NULL,
        probes TEXT NOT NULL)""",
)

# Remote agents: who they are, what of them could not be taken, and changes of states that late results revise.
_REGIONS = (
    """CREATE TABLE agents(name TEXT PRIMARY KEY, region TEXT NOT NULL, key BLOB NOT NULL,
        enrolled_us INTEGER NOT NULL, seen_us INTEGER NOT NULL, software TEXT NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE aside(number INTEGER PRIMARY KEY, agent TEXT NOT NULL, region TEXT NOT NULL,
        epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, noted_us INTEGER NOT NULL, reason TEXT NOT NULL,
        data BLOB NOT NULL, UNIQUE(agent, epoch, sequence, reason))""",
    """CREATE TABLE shifts(series INTEGER, slot INTEGER, agent TEXT NOT NULL,
        PRIMARY KEY(series, slot)) WITHOUT ROWID""",
    "CREATE TABLE marks(probe TEXT PRIMARY KEY, from_us INTEGER NOT NULL) WITHOUT ROWID",
    # anew, because what makes a change the same as another now includes the revision it came with
    "ALTER TABLE changes RENAME TO changes_before",
    """CREATE TABLE changes(number INTEGER PRIMARY KEY, subject TEXT NOT NULL, at_us INTEGER NOT NULL,
        noted_us INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, because TEXT NOT NULL,
        revision INTEGER NOT NULL, withdrawn INTEGER NOT NULL,
        UNIQUE(subject, noted_us, at_us, after, before, revision, withdrawn))""",
    """INSERT INTO changes SELECT number, subject, at_us, noted_us, before, after, because, 0, 0
        FROM changes_before""",
    "DROP TABLE changes_before",
    "CREATE INDEX changes_by_subject ON changes(subject, number)",
    "CREATE INDEX changes_that_stand ON changes(subject, at_us, number) WHERE withdrawn = 0",
)

# What reports need: results from elsewhere, announced interruptions, closed reports and where they were sent.
_REPORTS = (
    # A run of an import is on record when `rows` is known; until then nobody reads what belongs to it.
    """CREATE TABLE imports(number INTEGER PRIMARY KEY, source TEXT NOT NULL, sha256 TEXT, at_us INTEGER NOT NULL,
        rows INTEGER)""",
    # what one import brought of one probe and region; `first_us` NULL: not on record (yet)
    """CREATE TABLE pieces(number INTEGER PRIMARY KEY, import INTEGER NOT NULL, probe TEXT NOT NULL,
        region TEXT NOT NULL, first_us INTEGER, last_us INTEGER, rows INTEGER, UNIQUE(probe, region, import))""",
    # v as in `results`; reason 0: none
    """CREATE TABLE imported(piece INTEGER, at_us INTEGER, kind INTEGER, v INTEGER NOT NULL, reason INTEGER NOT NULL,
        PRIMARY KEY(piece, at_us, kind)) WITHOUT ROWID""",
    """CREATE TABLE reasons(number INTEGER PRIMARY KEY, code TEXT NOT NULL, detail TEXT NOT NULL,
        UNIQUE(code, detail))""",
    """CREATE TABLE maintenance(key TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT NOT NULL,
        services TEXT NOT NULL, start_us INTEGER NOT NULL, end_us INTEGER NOT NULL, announced_us INTEGER,
        noted_us INTEGER NOT NULL, source TEXT NOT NULL, cancelled_us INTEGER) WITHOUT ROWID""",
    """CREATE TABLE closed(number INTEGER PRIMARY KEY, contract TEXT NOT NULL, customer TEXT NOT NULL,
        from_us INTEGER NOT NULL, to_us INTEGER NOT NULL, revision INTEGER NOT NULL, made_us INTEGER NOT NULL,
        digest TEXT NOT NULL, supersedes TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL,
        UNIQUE(contract, customer, from_us, to_us, revision))""",
    "CREATE INDEX closed_by_digest ON closed(digest)",
    """CREATE TRIGGER closed_stays BEFORE UPDATE ON closed
        BEGIN SELECT raise(ABORT, 'a closed report is never changed'); END""",
    """CREATE TRIGGER closed_is_kept BEFORE DELETE ON closed
        BEGIN SELECT raise(ABORT, 'a closed report is kept'); END""",
    """CREATE TABLE deliveries(target TEXT, digest TEXT, at_us INTEGER NOT NULL, attempts INTEGER NOT NULL,
        state TEXT NOT NULL, error TEXT NOT NULL, PRIMARY KEY(target, digest)) WITHOUT ROWID""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _CALLS, _REGIONS, _REPORTS)


def prepare(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Refuse what is not a store of ours, else bring it to the newest version and to write-ahead logging."""
    fresh = _is_fresh(connection, path)
    version = _pragma(connection, "user_version")
    if version > len(migrations):
        raise StoreError(
            f"the store {path} has version {version}, this prober knows up to {len(migrations)} "
            "(hint: it was used by a newer prober; run that one, or restore a backup)"
        )
    if fresh:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
    if connection.execute("PRAGMA journal_mode=WAL").fetchone()[0] != "wal":
        raise StoreError(f"the store {path} cannot keep a write-ahead log (hint: put it on a local disk)")
    for number in range(version, len(migrations)):
        _migrate(connection, number + 1, migrations[number])


def _is_fresh(connection: sqlite3.Connection, path: Path) -> bool:
    application = _pragma(connection, "application_id")
    if application == APPLICATION_ID:
        return False
    if application or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StoreError(f"{path} is a database of another program (hint: give store.url a file of its own)")
    return True


def _migrate(connection: sqlite3.Connection, version: int, statements: Sequence[str]) -> None:
    """Run one migration and its number as one transaction: a crash within leaves the version before."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        if version == 1:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute("INSERT INTO meta VALUES ('store', ?)", (uuid.uuid4().hex,))
        connection.execute(f"PRAGMA user_version={version}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
