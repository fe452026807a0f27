"""A store in memory for what is served: rows in lists, newest first, and a way to make it fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from prober.store.base import (
    AsideRow,
    CallRow,
    ChangeRow,
    Detail,
    GapRow,
    ListeningRow,
    Page,
    Receipt,
    ResultQuery,
    ResultRow,
    RunRow,
    SeriesRow,
    StoreError,
    WriteSet,
)

SEED = bytes(32)


@dataclass(slots=True)
class FakeStore:
    """Rows in lists; `problem` makes every method fail."""

    rows: list[SeriesRow] = field(default_factory=list)
    found: list[tuple[ResultRow, Detail | None]] = field(default_factory=list)  # newest first
    noted: list[ChangeRow] = field(default_factory=list)  # newest first
    missed: list[GapRow] = field(default_factory=list)  # newest first
    problem: str | None = None
    asked: list[ResultQuery] = field(default_factory=list)
    refused: list[AsideRow] = field(default_factory=list)  # newest first

    def _check(self) -> None:
        if self.problem is not None:
            raise StoreError(self.problem)

    async def open(self) -> None:
        """Do nothing."""

    async def close(self) -> None:
        """Do nothing."""

    async def seed(self) -> bytes:
        """Return a fixed seed."""
        return SEED

    async def series(self, wanted: Sequence[SeriesRow]) -> list[SeriesRow]:
        """Return the series as they were asked for."""
        return list(wanted)

    async def all_series(self) -> list[SeriesRow]:
        """Return every series."""
        self._check()
        return self.rows

    async def write(self, writes: WriteSet) -> None:
        """Forget it."""
        self._check()

    async def open_runs(self) -> list[RunRow]:
        """Return none."""
        return []

    async def last_slots(self) -> dict[int, int]:
        """Return none."""
        return {}

    async def runs(self, from_us: int, series: Sequence[int] | None = None) -> AsyncIterator[list[RunRow]]:
        """Yield none."""
        for rows in ():
            yield rows

    async def changes(self, subject: str | None, limit: int) -> list[ChangeRow]:
        """Return changes of a subject or all."""
        self._check()
        return [row for row in self.noted if subject in (None, row.subject)][:limit]

    async def last_changes(self) -> dict[str, ChangeRow]:
        """Return the newest change of each subject."""
        return {row.subject: row for row in reversed(self.noted)}

    async def receipts(self) -> list[Receipt]:
        """Return none."""
        return []

    async def results(self, query: ResultQuery) -> Page:
        """Return a page; the key is the place in the list."""
        self._check()
        self.asked.append(query)
        slots = {one.series: one for one in query.series}
        matching = [
            (row, detail)
            for row, detail in self.found
            if row.series in slots
            and slots[row.series].from_slot <= row.slot <= slots[row.series].to_slot
            and (not query.outcomes or row.outcome in query.outcomes)
        ]
        start = int(query.after or 0)
        end = start + query.limit
        page = matching[start:end]
        after = str(end) if end < len(matching) else None
        return Page(
            rows=[row for row, _ in page],
            details=[detail for _, detail in page],
            after=after,
            agents=["local-1" if detail is None else detail.agent for _, detail in page],
        )

    async def gaps(self, series: Sequence[int], limit: int) -> list[GapRow]:
        """Return gaps of some series."""
        self._check()
        return [row for row in self.missed if row.series in series][:limit]

    async def aside(self, limit: int, *, data: bool = True) -> list[AsideRow]:
        """Return the newest batches that were kept aside, with their bytes or without."""
        self._check()
        return [row if data else replace(row, data=b"") for row in self.refused[:limit]]

    async def calls(self, probe: str) -> list[CallRow]:
        """Return none."""
        return []

    async def listening(self) -> list[ListeningRow]:
        """Return none."""
        return []

    async def counts(self) -> dict[str, int]:
        """Return nothing."""
        return {}
