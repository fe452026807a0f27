"""A store that is only read, by another process than the daemon's and beside it: no lock is taken, nothing is written.

A file that a newer or an older prober wrote is refused: its tables may mean something else.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from . import reader
from .base import StoreError
from .schema import APPLICATION_ID, MIGRATIONS
from .sqlite import SqliteStore


class ReadingStore(SqliteStore):
    """The reading half of the `Store` contract over one file; writes raise StoreError."""

    async def open(self) -> None:
        """Open for reading; raises StoreError where there is no store, or one of another version."""
        if not self._path.is_file():
            raise StoreError(
                f"there is no store {self._path} (hint: `prober run` makes it; is store.url right?)"
            )
        try:
            await self._readers.open()
            await self._readers.run(_check, self._path)
            self._lanes = await self._readers.run(reader.lanes)
        except sqlite3.Error as error:
            await self.close()
            raise StoreError(
                f"the store {self._path} cannot be read: {error} (hint: is store.url right?)"
            ) from None
        except BaseException:
            await self.close()
            raise

    async def seed(self) -> bytes:
        """Return the seed of the schedule; of a store in which nothing was ever scheduled, one that dates nothing."""
        if self._seed is None:
            self._seed = await self._readers.run(_seed)
        return self._seed


def reading_store(path: Path) -> ReadingStore:
    """Return the store in a file, for reading, not yet opened."""
    return ReadingStore(path)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} is no store of prober (hint: is store.url right?)")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != len(MIGRATIONS):
        raise StoreError(
            f"the store {path} has version {version}, this prober reads {len(MIGRATIONS)} "
            "(hint: start the daemon of this version on it once, or use the prober that wrote it)"
        )


def _seed(connection: sqlite3.Connection) -> bytes:
    row = connection.execute("SELECT value FROM meta WHERE name = 'seed'").fetchone()
    return bytes(row[0]) if row is not None else bytes(32)
