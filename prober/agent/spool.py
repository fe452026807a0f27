"""Where an agent's batches wait until the hub has them on record: sealed, chained, on disk before they are offered.

Here: who may use it, and the hop to the connection's thread, in which everything is done whole even when the caller is
cancelled. What is done lies in `spool_book.py`, `spool_limits.py` and `spool_meeting.py`, the SQL in `rows.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import msgspec

from checks.core.clock import wall_us
from prober.store.base import StoreError
from prober.store.connections import Connection
from prober.store.lockfile import LockFile
from prober.wire import Position, Sealed, SpoolState

from . import spool_rows as rows
from .errors import AgentError, reason
from .files import FOLDER_HINT, private_folder
from .keys import AgentKey
from .sealing import Content
from .spool_book import Book
from .spool_limits import Limiter, SpoolLimits
from .spool_meeting import Broken, meet, put_aside, resume_retelling, retell
from .spool_values import Sum, total

__all__ = ["Broken", "Spool", "SpoolLimits"]
log = logging.getLogger(__name__)
FILE_NAME = "spool.db"
P = ParamSpec("P")
T = TypeVar("T")


class Spool:
    """One agent's spool, in a folder of its own. All methods but the plain ones are safe to be cancelled."""

    def __init__(
        self,
        folder: Path,
        key: AgentKey,
        name: str,
        limits: SpoolLimits | None = None,
        now_us: Callable[[], int] = wall_us,
        region: str = "",
    ) -> None:
        """`name` and `region` are the agent's.

        What waits under another name is told again under this one if it is by the same key, for the same region. If
        not it is kept, see `held`.
        """
        self.appended = asyncio.Event()
        """Set by every append; whoever waits for it clears it."""
        self._folder = folder
        self._path = folder / FILE_NAME
        self._lock = LockFile(self._path)
        self._book = Book(name, key, now_us)
        self._region = region
        self._limiter = Limiter(limits or SpoolLimits(), now_us)
        self._connection: Connection | None = None

    async def open(self) -> None:
        """Open it, made if there is none, and go on in a new epoch; raises `AgentError`."""
        self._take_folder()
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Write what is left to write and let go; safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                await connection.run(_save, self._book)
            with contextlib.suppress(sqlite3.Error):
                await connection.close()
        self._lock.release()

    @property
    def epoch(self) -> int:
        """The epoch that is appended to."""
        return self._book.standing.epoch

    def state(self) -> SpoolState:
        """Return what waits and what was given up; costs nothing."""
        return self._book.standing.state

    def epochs(self, hub: bytes | None = None) -> list[int]:
        """Return the epochs that have something to offer to a hub (None: to any), oldest first."""
        return [number for number, of in self._book.standing.waiting if hub is None or hub == of]

    def held(self) -> dict[str, int]:
        """Return under which other names results wait that are not offered, and how many."""
        return {name: waiting.results for name, waiting in self._book.standing.held}

    async def waiting_for(self, hub: bytes) -> Sum:
        """Return how much there is to be offered to a hub."""
        return await self._run(_waiting_for, self._book, hub)

    def last_slots(self, hub: bytes | None = None) -> dict[int, int]:
        """Return the highest slot of each series that was appended, as a scheduled result or in a gap.

        Of a hub's series (None: whichever came last). Survives acknowledgement and restart.
        """
        return self._book.slots.of(hub)

    async def begin_epoch(self) -> int:
        """Let what is appended from now on be a chain of its own; returns its number.

        One that is empty stays, and any one while the disk fails.
        """
        return await self._run(_begin_epoch, self._book)

    async def append(self, content: Content) -> Sealed:
        """Seal and keep; once it returns a crash loses nothing of it, unless the disk fails (see `state`)."""
        try:
            return await self._run(_append, self._book, self._limiter, content)
        finally:
            self.appended.set()

    async def unsent(self, epoch: int, after_sequence: int, max_bytes: int) -> list[Sealed]:
        """Return the next batches of an epoch, in order; at least one if there is any, otherwise up to a size."""
        return await self._run(_unsent, self._book, epoch, after_sequence, max_bytes)

    async def acknowledged(self, epoch: int, sequence: int) -> None:
        """Note that the hub has an epoch on record up to a batch."""
        await self._run(_acknowledged, self._book, epoch, sequence)

    async def resume(self, positions: Sequence[Position], hub: bytes | None = None) -> list[Broken]:
        """Take what a hub has on record for granted; returns the epochs whose chain is broken there, for the log.

        What waits in a broken epoch is told again in a new one, which `epochs` lists in its place, and nothing is lost.
        To be called on each new link before anything is offered on it, with the hub's store id.
        """
        return await self._run(_resume, self._book, positions, hub)

    async def put_aside(self, epoch: int, sequence: int) -> None:
        """The hub refused a batch for good and keeps it aside: go on after it in a new epoch.

        The first time it is told once more, there; when it is refused again its slots are accounted for as dropped.
        """
        await self._run(_put_aside, self._book, epoch, sequence)

    def _take_folder(self) -> None:
        private_folder(self._folder)
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise AgentError(f"cannot write in the spool's folder {self._folder}", FOLDER_HINT)
        if self._folder.stat().st_mode & 0o022:
            words = "others may write in the spool's folder, and so replace the agent's key"
            log.warning(words, extra={"spool": str(self._folder), "hint": f"chmod go-w {self._folder}"})
        try:
            self._lock.take()
        except StoreError as error:
            owner = str(error).partition("in use by process ")[2].partition(" ")[0]
            if not owner:
                raise AgentError(f"cannot write in the spool's folder {self._folder}", FOLDER_HINT) from None
            raise AgentError(
                f"the spool {self._folder} is in use by process {owner}",
                "one agent a folder: stop that one, or give this one another --spool",
            ) from None

    async def _open(self) -> None:
        try:
            try:
                self._connection = await self._connect()
            except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
                if not _is_damaged(error):
                    raise
                self._set_aside(error)
                self._connection = await self._connect()
        except (sqlite3.Error, OSError) as error:
            problem = reason(error) if isinstance(error, OSError) else str(error)
            raise AgentError(f"cannot use the spool {self._path}: {problem}", FOLDER_HINT) from None

    async def _connect(self) -> Connection:
        connection = Connection(rows.connector(self._path))
        try:
            await connection
        except BaseException:
            await connection.ended()
            raise
        try:
            if await connection.run(rows.prepare) > rows.VERSION:
                raise AgentError(
                    f"the spool {self._path} was written by a later release", "use that, or another --spool"
                )
            await connection.run(_load, self._book, self._region)
        except BaseException:
            await connection.close()
            raise
        return connection

    def _set_aside(self, error: Exception) -> None:
        """Begin anew beside a damaged file: an agent that nobody looks after has to go on measuring."""
        aside = self._path.with_name(f"{FILE_NAME}.damaged")
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{self._path}{end}", f"{aside}{end}")
        log.error(
            "the spool is damaged: what waited in it is lost to the hub",
            extra={"error": str(error), "kept_as": str(aside)},
        )
        self._book = Book(self._book.agent, self._book.key, self._book.now_us)
        self._book.lose(0, "disk")

    async def _run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._connection is None:
            raise AgentError("the spool is closed")
        return await self._connection.run(function, *args, **kwargs)


def _is_damaged(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _load(db: sqlite3.Connection, book: Book, region: str) -> None:
    book.load(db)
    resume_retelling(book, db, region)
    with contextlib.suppress(sqlite3.Error):  # a full disk keeps nobody from starting
        rows.save_meta(db, rows.REGION_OF + book.agent, region.encode())
    book.publish(db)


def _waiting_for(db: sqlite3.Connection, book: Book, hub: bytes) -> Sum:
    """What is to be told again is among it."""
    epochs = [one for one in book.epochs.values() if one.agent == book.agent and one.hub == hub]
    found = total(row for row in book.memory if book.epochs[row.epoch] in epochs)
    for epoch in epochs:
        with contextlib.suppress(sqlite3.Error):
            found += rows.summed(db, epoch.number, epoch.taken, epoch.last)
    return found


def _save(db: sqlite3.Connection, book: Book) -> None:
    book.save(db)
    rows.checkpoint(db)


def _begin_epoch(db: sqlite3.Connection, book: Book) -> int:
    number = book.begin_epoch()
    book.publish(db)
    return number


def _append(db: sqlite3.Connection, book: Book, limiter: Limiter, content: Content) -> Sealed:
    sealed = book.append(db, content)
    limiter.enforce(book, db)
    book.publish(db)
    return sealed


def _unsent(db: sqlite3.Connection, book: Book, epoch: int, after: int, max_bytes: int) -> list[Sealed]:
    retell(book, db, epoch)
    found = book.unsent(db, epoch, after, max_bytes)
    book.publish(db)
    return found


def _acknowledged(db: sqlite3.Connection, book: Book, epoch: int, sequence: int) -> None:
    book.acknowledged(db, epoch, sequence)
    book.publish(db)


def _resume(
    db: sqlite3.Connection, book: Book, positions: Sequence[Position], hub: bytes | None
) -> list[Broken]:
    broken = meet(book, db, positions, hub)
    book.publish(db)
    return broken


def _put_aside(db: sqlite3.Connection, book: Book, epoch: int, sequence: int) -> None:
    put_aside(book, db, epoch, sequence)
    book.publish(db)
