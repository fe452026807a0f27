"""A store in memory for what is served: rows in lists, newest first, and a way to make it fail."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from prober.store.base import (
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
    announced: list[MaintenanceRow] = field(default_factory=list)  # by start
    reports: list[ClosedRow] = field(default_factory=list)  # by contract, customer, period and revision
    sent: list[DeliveryRow] = field(default_factory=list)  # oldest first
    brought: list[ImportedRow] = field(default_factory=list)  # oldest first

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
        """Keep what reports write, forget the rest."""
        self._check()
        self.announced += writes.maintenance
        self.reports += writes.closed
        self.sent += writes.deliveries

    async def open_runs(self) -> list[RunRow]:
        """Return none."""
        return []

    async def last_slots(self) -> dict[int, int]:
        """Return none."""
        return {}

    async def runs(
        self, from_us: int, series: Sequence[int] | None = None, *, to_us: int | None = None
    ) -> AsyncIterator[list[RunRow]]:
        """Yield none."""
        nothing: list[list[RunRow]] = []
        for rows in nothing:
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

    async def slot_bounds(self) -> dict[int, tuple[int, int]]:
        """Return none."""
        return {}

    async def troubles(
        self, series: Sequence[int], from_us: int, to_us: int
    ) -> AsyncIterator[list[TroubleRow]]:
        """Yield none."""
        nothing: list[list[TroubleRow]] = []
        for rows in nothing:
            yield rows

    async def holes(self, series: Sequence[int], from_us: int, to_us: int) -> list[GapRow]:
        """Return gaps of some series, whatever the time."""
        self._check()
        kept = [row for row in self.missed if row.series in series]
        return sorted(kept, key=lambda row: (row.series, row.first_slot))

    async def shots(self, series: int, spans: Sequence[tuple[int, int]]) -> list[ResultRow]:
        """Return the results of a series in some spans."""
        self._check()
        kept = [row for row, _ in self.found if row.series == series]
        inside = [row for row in kept if any(first <= row.slot <= last for first, last in spans)]
        return sorted(inside, key=lambda row: (row.slot, row.kind, row.started_us))

    async def durations(self, series: int, from_slot: int, to_slot: int) -> AsyncIterator[array[int]]:
        """Yield none."""
        nothing: list[array[int]] = []
        for numbers in nothing:
            yield numbers

    async def imported(
        self, probe: str, region: str, from_us: int, to_us: int
    ) -> AsyncIterator[list[ImportedRow]]:
        """Yield what was brought of a probe and region in a time."""
        self._check()
        pair = probe, region
        yield [
            row for row in self.brought if (row.probe, row.region) == pair and from_us <= row.at_us < to_us
        ]

    async def imported_pairs(self) -> list[tuple[str, str, int, int, int]]:
        """Return what was brought by probe and region."""
        pairs = sorted({(row.probe, row.region) for row in self.brought})
        times = {
            pair: [row.at_us for row in self.brought if (row.probe, row.region) == pair] for pair in pairs
        }
        return [(*pair, min(at), max(at), len(at)) for pair, at in times.items()]

    async def imported_sources(self) -> list[tuple[str, str, str, int, int]]:
        """Return none."""
        return []

    async def imports(self) -> list[ImportRow]:
        """Return none."""
        return []

    async def maintenance(self) -> list[MaintenanceRow]:
        """Return what was announced."""
        self._check()
        return self.announced

    async def closed(
        self, contract: str | None = None, *, from_us: int | None = None, body: bool = False
    ) -> list[ClosedRow]:
        """Return closed reports, with their bodies or without."""
        self._check()
        kept = [
            row for row in self.reports if contract in (None, row.contract) and from_us in (None, row.from_us)
        ]
        return [row if body else replace(row, body=b"") for row in kept]

    async def closed_by_digest(self, digest: str) -> ClosedRow | None:
        """Return one closed report."""
        self._check()
        return next((row for row in self.reports if row.digest == digest), None)

    async def deliveries(self) -> list[DeliveryRow]:
        """Return what became of deliveries."""
        self._check()
        return self.sent
