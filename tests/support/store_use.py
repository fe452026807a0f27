"""How store tests use a store of any kind: opened in a folder, asked for all that it has."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from support.store_values import T0_US, series_row

from prober.store.base import (
    ChangeRow,
    GapRow,
    Page,
    Receipt,
    ResultQuery,
    ResultRow,
    RunRow,
    SeriesSlots,
    Store,
    WriteSet,
)

FOREVER = 2**60
DAY_US = 86_400_000_000


class Clock:
    """The clock that receipts are dated by, set by hand."""

    def __init__(self) -> None:
        self.now_us = T0_US

    def __call__(self) -> int:
        return self.now_us


async def pages(store: Store, query: ResultQuery) -> list[Page]:
    """Return every page of a query."""
    found = [await store.results(query)]
    while found[-1].after is not None:
        found.append(await store.results(replace(query, after=found[-1].after)))
    return found


async def rows(
    store: Store, *series: int, limit: int = 1000, outcomes: frozenset[str] = frozenset()
) -> list[ResultRow]:
    asked = [SeriesSlots(series=number, from_slot=-FOREVER, to_slot=FOREVER) for number in series]
    found = await pages(store, ResultQuery(series=asked, limit=limit, outcomes=outcomes))
    return [row for page in found for row in page.rows]


async def all_runs(store: Store, from_us: int = 0, series: list[int] | None = None) -> list[RunRow]:
    return [run async for some in store.runs(from_us, series) for run in some]


async def content(store: Store, series: int) -> list[object]:
    """Return all that can be asked of a store with so many series."""
    asked = [SeriesSlots(series=n, from_slot=-FOREVER, to_slot=FOREVER) for n in range(1, series + 1)]
    changes: list[ChangeRow] = await store.changes(None, 1000)
    gaps: list[GapRow] = await store.gaps(range(1, series + 1), 1000)
    receipts: list[Receipt] = await store.receipts()
    counts = await store.counts()
    del counts["bytes"]
    return [
        await pages(store, ResultQuery(series=asked, limit=7)),
        await all_runs(store),
        await store.open_runs(),
        await store.last_slots(),
        changes,
        await store.last_changes(),
        gaps,
        receipts,
        counts,
    ]


class StoreCase:
    """A store made in a folder, any number of times."""

    def make(self, folder: Path, clock: Clock) -> Store:
        """Return the store that lives in a folder; made again, it finds what was written before."""
        raise NotImplementedError

    @asynccontextmanager
    async def opened(self, folder: Path, series: int = 3, clock: Clock | None = None) -> AsyncIterator[Store]:
        store = self.make(folder, clock or Clock())
        await store.open()
        try:
            await store.series([series_row(f"probe-{number}") for number in range(series)])
            yield store
        finally:
            await store.close()


def split(one: WriteSet, at: int) -> list[WriteSet]:
    """Cut every list of a write at a place; what comes first stays first."""
    return [
        WriteSet(
            results=one.results[part],
            details=one.details[part],
            runs=one.runs[part],
            gaps=one.gaps[part],
            changes=one.changes[part],
            receipts=one.receipts[part],
            calls=one.calls[part],
            listening=one.listening[part],
        )
        for part in (slice(None, at), slice(at, None))
    ]
