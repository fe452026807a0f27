"""Connections to SQLite through aiosqlite, each with its own thread, and what its errors mean. No tables here.

A whole transaction runs as one function in the connection's thread: one hop instead of one a statement (a hop costs
as much as 20 rows), and a caller that is cancelled cannot leave a transaction half done.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import aiosqlite

from .base import StoreBusy, StoreError

P = ParamSpec("P")
T = TypeVar("T")
BUSY_SECONDS = 5.0  # how long SQLite waits for a lock of another process (a backup)
READ_SECONDS = 30.0  # from asking to the answer
READERS = 2
WRITER_CACHE_KIB = 8192  # the pages of the current block of 3,000 series, and the heads
READER_CACHE_KIB = 2048
CHECKPOINT_PAGES = 4000  # 16 MB of log: a page that many batches touch is copied back once

_AGAIN = {
    sqlite3.SQLITE_FULL: "the disk of the store {path} is full (hint: free some space; it goes on by itself)",
    sqlite3.SQLITE_IOERR: "the disk failed the store {path}: {error} (hint: see the kernel's log, and free space)",
    sqlite3.SQLITE_BUSY: "the store {path} is locked by another program (hint: end what has it open for writing)",
    sqlite3.SQLITE_LOCKED: "the store {path} is locked (hint: it is tried again)",
    sqlite3.SQLITE_PROTOCOL: "the store {path} is locked (hint: it is tried again)",
    sqlite3.SQLITE_READONLY: "the store {path} cannot be written (hint: is its disk mounted read-only, or full?)",
    sqlite3.SQLITE_CANTOPEN: "a file of the store {path} cannot be opened (hint: check rights and open files)",
    sqlite3.SQLITE_NOMEM: "no memory left for the store {path} (hint: it is tried again)",
}


def explain(error: Exception, path: Path) -> StoreError:
    """Return what an error of SQLite means for the store's callers."""
    if isinstance(error, OverflowError):
        return StoreError("a number does not fit into 64 bits")
    code = getattr(error, "sqlite_errorcode", None)
    words = _AGAIN.get(code & 0xFF) if code is not None else None
    if words:
        return StoreBusy(words.format(path=path, error=error))
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreError(f"{path} is not a database or is damaged: {error} (hint: restore a backup)")
    return StoreError(f"the store {path} failed: {error}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite into the store's own."""
    try:
        yield
    except (sqlite3.Error, OverflowError) as error:
        raise explain(error, path) from error


class Connection(aiosqlite.Connection):
    """A connection that runs whole functions in its thread."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        # A process that dies by an exception without closing must end, not wait for this thread for ever: what is
        # committed is safe, what is not was never acknowledged.
        self._thread.daemon = True

    async def ended(self) -> None:
        """Wait for the thread of a connection that could not be made: its last word needs the event loop."""
        await asyncio.to_thread(self._thread.join, BUSY_SECONDS)

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a function of the plain connection returns."""
        # `_execute` is how aiosqlite's own methods run in its thread; none of them takes a function.
        return await self._execute(function, self._conn, *args, **kwargs)  # type: ignore[no-untyped-call,no-any-return]


def _connector(path: Path, pragmas: tuple[str, ...]) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    return connect


async def writer(path: Path) -> Connection:
    """Open the one connection that writes; nothing is read or written yet."""
    return await _open(
        path,
        # NORMAL: a power cut may take the last seconds of results, never the store's soundness.
        ("synchronous=NORMAL", f"cache_size=-{WRITER_CACHE_KIB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"),
    )


async def _open(path: Path, pragmas: tuple[str, ...]) -> Connection:
    connection = Connection(_connector(path, pragmas))
    try:
        await connection
    except BaseException:
        await connection.ended()
        raise
    return connection


class Readers:
    """Some reading connections, lent one question at a time. They see what is committed and wait for no writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: list[Connection] = []
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()

    async def open(self) -> None:
        """Open them all."""
        for _ in range(READERS):
            connection = await _open(self._path, ("query_only=ON", f"cache_size=-{READER_CACHE_KIB}"))
            self._all.append(connection)
            self._free.put_nowait(connection)

    async def close(self) -> None:
        """Close them after the questions under way."""
        while self._all:
            await self._all.pop().close()

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what a function of a reading connection returns, within one snapshot; raises `StoreError`."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                connection = await self._free.get()
                try:
                    return await self._ask(connection, function, *args, **kwargs)
                finally:
                    self._free.put_nowait(connection)
        except TimeoutError:
            raise StoreError(
                f"the store did not answer within {READ_SECONDS:.0f} s (hint: ask for less)"
            ) from None

    async def _ask(
        self,
        connection: Connection,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if connection not in self._all:
            raise StoreError("the store is closed")
        try:
            with explained(self._path):
                return await connection.run(_in_snapshot, function, *args, **kwargs)
        except asyncio.CancelledError:
            await connection.interrupt()  # nobody waits for the answer any more
            raise


def _in_snapshot(
    connection: sqlite3.Connection,
    function: Callable[Concatenate[sqlite3.Connection, P], T],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    connection.execute("BEGIN")
    try:
        return function(connection, *args, **kwargs)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
