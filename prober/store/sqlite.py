"""The store in one SQLite file: one connection writes, others read; who may use them and when. SQL lies beside."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sqlite3
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from checks.core.clock import wall_us

from . import imported, papers, reader, windows
from .base import (
    AgentRow,
    AsideRow,
    CallRow,
    ChangeRow,
    ClosedRow,
    DeliveryRow,
    Detail,
    GapRow,
    ImportedRow,
    ImportRow,
    ListeningRow,
    MaintenanceRow,
    Page,
    Receipt,
    ResultQuery,
    ResultRow,
    RunRow,
    SeriesRow,
    StoreError,
    TroubleRow,
    WriteSet,
)
from .cells import Lane
from .connections import Connection, Readers, explained, writer
from .lockfile import LockFile
from .paging import page
from .schema import prepare
from .series import add_series
from .writer import Head, apply, plan

T = TypeVar("T")
A = TypeVar("A")
RECEIPT_DAYS = 30
DAY_US = 86_400_000_000
SEED_BYTES = 32


class SqliteStore:
    """The `Store` contract over one file. `now_us` only dates receipts."""

    def __init__(self, path: Path, now_us: Callable[[], int] = wall_us) -> None:
        self._path = path
        self._now_us = now_us
        self._lock = LockFile(path)
        self._writing = asyncio.Lock()
        self._connection: Connection | None = None
        self._readers = Readers(path)
        self._seed: bytes | None = None
        self._lanes: dict[int, Lane] = {}
        self._heads: dict[int, Head] | None = None  # None: to be read from the file

    async def open(self) -> None:
        """Open, migrate, check the schema's version. Refuses a store of a newer version, or one in use."""
        if not self._path.parent.is_dir():
            raise StoreError(
                f"the folder {self._path.parent} of the store does not exist (hint: create it, or change store.url)"
            )
        self._lock.take()
        try:
            with explained(self._path):
                await self._open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what is under way, copy the log into the file and close; safe to call twice."""
        async with self._writing:
            await self._readers.close()
            connection, self._connection = self._connection, None
            if connection is not None:
                # On a full disk the log stays as it is; the next start reads it.
                with contextlib.suppress(sqlite3.Error):
                    await connection.run(_checkpoint)
                with contextlib.suppress(sqlite3.Error):
                    await connection.close()
            self._lock.release()

    async def seed(self) -> bytes:
        """Return the 32 byte seed of the schedule, made at first use and kept for good."""
        if self._seed is None:
            self._seed = await self._change(_seed, secrets.token_bytes(SEED_BYTES))
        return self._seed

    async def series(self, wanted: Sequence[SeriesRow]) -> list[SeriesRow]:
        """Return stored series for these (number ignored), making what is missing; same order."""
        rows = await self._change(add_series, wanted)
        self._lanes = await self._readers.run(reader.lanes)
        return rows

    async def all_series(self) -> list[SeriesRow]:
        """Return every series ever made, by number."""
        return await self._readers.run(reader.all_series)

    async def write(self, writes: WriteSet) -> None:
        """Commit all of it or nothing.

        There is no deadline: a disk that hangs cannot be left waiting without doubt about what it took.
        """
        async with self._writing:
            connection = self._writer()
            with explained(self._path):
                if self._heads is None:
                    self._heads = await connection.run(reader.heads)
                heads = self._heads
                planned = plan(writes, self._lanes, heads, self._now_us())
                # Whoever is cancelled here does not know whether it was committed: the next write looks.
                self._heads = None
                await connection.run(apply, planned)
            heads.update(planned.heads)
            self._heads = heads

    async def open_runs(self) -> list[RunRow]:
        """Return the newest run of each series."""
        return await self._readers.run(reader.open_runs)

    async def last_slots(self) -> dict[int, int]:
        """Return the highest slot on record (result or gap) of each series."""
        return await self._readers.run(reader.last_slots)

    async def runs(
        self, from_us: int, series: Sequence[int] | None = None, *, to_us: int | None = None
    ) -> AsyncIterator[list[RunRow]]:
        """Yield runs that end at or after an instant (and begin before another), by series then number."""
        after = (-1, -1)
        while True:
            # One question a list: who stops half-way, or is slow, holds no snapshot that the log must outlive.
            rows = await self._readers.run(reader.runs, from_us, to_us, series, after)
            if rows:
                yield rows
            if len(rows) < reader.RUNS_LIST:
                return
            after = (rows[-1].series, rows[-1].number)

    async def changes(self, subject: str | None, limit: int) -> list[ChangeRow]:
        """Return the changes noted last first, of one subject or all."""
        return await self._readers.run(reader.changes, subject, limit)

    async def last_changes(self) -> dict[str, ChangeRow]:
        """Return each subject's change that was noted last."""
        return await self._readers.run(reader.last_changes)

    async def states(self, subjects: Sequence[str], from_us: int) -> list[ChangeRow]:
        """Return the changes that stand since an instant, and of each subject the last before; oldest first."""
        return await self._readers.run(reader.states, subjects, from_us)

    async def evidence(self, series: int, spans: Sequence[tuple[int, int]], limit: int) -> list[Detail]:
        """Return the first failed results of one series that began within each span, oldest first."""
        lane = self._lanes.get(series)
        if lane is None or not spans:
            return []
        return await self._readers.run(reader.evidence, series, spans, limit, lane)

    async def taken(self, slots: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """Return the outcome on record of these (series, slot)."""
        return await self._readers.run(reader.taken, slots, self._lanes) if slots else {}

    async def agents(self) -> list[AgentRow]:
        """Return the remote agents whose keys are pinned, by name."""
        return await self._readers.run(reader.agents)

    async def aside(self, limit: int, *, data: bool = True) -> list[AsideRow]:
        """Return the batches kept aside, newest first; without their bytes, which may be many, if not asked for."""
        return await self._readers.run(reader.aside, limit, data)

    async def marks(self) -> dict[str, int]:
        """Return from when the past of probes has yet to be worked out."""
        return await self._readers.run(reader.marks)

    async def revision(self) -> int:
        """Return the newest revision of the past; 0: there was none."""
        return await self._readers.run(reader.revision)

    async def store_id(self) -> bytes:
        """Return 16 bytes that name this store for good."""
        return await self._readers.run(reader.store_id)

    async def receipts(self) -> list[Receipt]:
        """Return the receipts that were written in the last 30 days, one an epoch."""
        return await self._readers.run(reader.receipts, self._now_us() - RECEIPT_DAYS * DAY_US)

    async def results(self, query: ResultQuery) -> Page:
        """Return one page of results."""
        return await self._readers.run(page, query, self._lanes)

    async def gaps(self, series: Sequence[int], limit: int) -> list[GapRow]:
        """Return the newest gaps first."""
        return await self._readers.run(reader.gaps, series, limit)

    async def calls(self, probe: str) -> list[CallRow]:
        """Return the calls of a probe that are kept, oldest first."""
        return await self._readers.run(reader.calls, probe)

    async def listening(self) -> list[ListeningRow]:
        """Return when calls could reach us, oldest first."""
        return await self._readers.run(reader.listening)

    async def counts(self) -> dict[str, int]:
        """Return rows by table, and `bytes` on disk of them all, for health pages."""
        found = await self._readers.run(reader.counts)
        return found | {
            "bytes": sum(map(_size, (self._path, self._path.with_name(self._path.name + "-wal"))))
        }

    async def slot_bounds(self) -> dict[int, tuple[int, int]]:
        """Return the first and last slot on record (result or gap) of each series that has one."""
        return await self._readers.run(windows.slot_bounds)

    async def troubles(
        self, series: Sequence[int], from_us: int, to_us: int
    ) -> AsyncIterator[list[TroubleRow]]:
        """Yield the scheduled fails and voids with a slot that may be due in a time, by series then slot."""
        left, after = sorted(set(series)), (-1, 0)
        while left:
            rows = await self._readers.run(windows.troubles, left, from_us, to_us, after)
            if rows:
                yield rows
            if len(rows) < windows.TROUBLES_LIST:
                return
            after = (rows[-1].series, rows[-1].slot)

    async def holes(self, series: Sequence[int], from_us: int, to_us: int) -> list[GapRow]:
        """Return the gaps with a slot that may be due in a time, by series then slot; not cut at the ends."""
        return await self._readers.run(windows.holes, series, from_us, to_us)

    async def shots(self, series: int, spans: Sequence[tuple[int, int]]) -> list[ResultRow]:
        """Return every result that is evidence with slots in these spans (both ends included), by slot."""
        lane = self._lanes.get(series)
        return await self._readers.run(windows.shots, lane, spans) if lane is not None and spans else []

    async def durations(self, series: int, from_slot: int, to_slot: int) -> AsyncIterator[array[int]]:
        """Yield the durations of the scheduled passes and warnings of some slots, both ends included."""
        lane = self._lanes.get(series)
        if lane is None:
            return
        low, high = await self._readers.run(windows.bounds_of, series)
        low, high = max(low, from_slot), min(high, to_slot)
        for first in range(low, high + 1, windows.DURATIONS_SLOTS):
            last = min(first + windows.DURATIONS_SLOTS - 1, high)
            found = await self._readers.run(windows.durations, lane, first, last)
            if found:
                yield found

    async def imported(
        self, probe: str, region: str, from_us: int, to_us: int
    ) -> AsyncIterator[list[ImportedRow]]:
        """Yield what was imported of a probe and region in a time, oldest first."""
        after: imported.Place | None = (from_us, imported.BEFORE)
        while after is not None:
            rows, after = await self._readers.run(imported.imported, (probe, region), to_us, after)
            if rows:
                yield rows

    async def imported_pairs(self) -> list[tuple[str, str, int, int, int]]:
        """Return (probe, region, first at, last at, rows) of all that was imported."""
        return await self._readers.run(imported.pairs)

    async def imported_sources(self) -> list[tuple[str, str, str, int, int]]:
        """Return (probe, region, source, first at, last at) of each import and what it brought results of."""
        return await self._readers.run(imported.sources)

    async def imports(self) -> list[ImportRow]:
        """Return the imports, oldest first."""
        return await self._readers.run(imported.imports)

    async def maintenance(self) -> list[MaintenanceRow]:
        """Return every maintenance on record, by start."""
        return await self._readers.run(papers.maintenance)

    async def closed(
        self, contract: str | None = None, *, from_us: int | None = None, body: bool = False
    ) -> list[ClosedRow]:
        """Return closed reports by contract, customer, period and revision; of one contract and start if asked."""
        return await self._readers.run(papers.closed, contract, from_us, body)

    async def closed_by_digest(self, digest: str) -> ClosedRow | None:
        """Return one closed report with its body."""
        return await self._readers.run(papers.closed_by_digest, digest)

    async def deliveries(self) -> list[DeliveryRow]:
        """Return what became of deliveries, the newest 10,000, oldest first."""
        return await self._readers.run(papers.deliveries)

    async def _open(self) -> None:
        self._connection = await writer(self._path)
        await self._connection.run(prepare, self._path)
        await self._readers.open()
        self._lanes = await self._readers.run(reader.lanes)
        self._heads = None

    def _writer(self) -> Connection:
        if self._connection is None:
            raise StoreError("the store is closed")
        return self._connection

    async def _change(self, function: Callable[[sqlite3.Connection, A], T], argument: A) -> T:
        async with self._writing:
            connection = self._writer()
            with explained(self._path):
                return await connection.run(function, argument)


def _seed(connection: sqlite3.Connection, fresh: bytes) -> bytes:
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('seed', ?)", (fresh,))
    return bytes(connection.execute("SELECT value FROM meta WHERE name = 'seed'").fetchone()[0])


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
