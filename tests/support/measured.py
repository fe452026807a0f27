"""A store in a file with results of some months in it, as a hub would have put them there, and offices that close them.

Coarse probes (one result in half an hour) keep a month small. What was measured can be added to later, as late results.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from prober.accounts.accounts import Accounts
from prober.accounts.closer import Closer
from prober.accounts.courier import Courier
from prober.config import Config, load_text
from prober.hub.plan import grid_of, wanted_series
from prober.store import open_store
from prober.store.base import ClosedRow, DeliveryRow, GapRow, ImportedRow, ResultRow, RunRow, Store, WriteSet
from prober.store.importing import Importing
from reports.document import ContractReport
from reports.render.json_format import read

S = 1_000_000
MINUTE_US = 60 * S
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
TOOK_US = 120_000
Outcome = Callable[[str, int], str | None]
"""(region, due) -> pass, warn, fail, void; None: nobody measured."""

CONFIG = """\
regions: {fra: {local: true}, iad: {token: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}
defaults: {interval: 30m, timeout: 10s, schedule: fixed}
probes:
  - {name: web, title: Shop front, tcp: {address: "web.example:443"}}
  - {name: api, title: Interface, tcp: {address: "api.example:443"}}
services:
  - {name: shop, title: Web shop, probes: [web]}
  - {name: rest, title: Public API, probes: [api]}
contracts:
  - {name: gold, title: Gold, service: shop, customers: [acme, beta], claim: "99%"}
  - {name: silver, title: Silver, service: rest, customers: [beta], claim: "95%"}
customers:
  - {name: acme, title: Acme GmbH, language: de, email: [sla@acme.example], fee: "1234.56 EUR",
     brand: {name: Acme Brand, footer: Only for Acme}}
  - {name: beta, title: Beta Corp, email: [ops@beta.example], brand: {name: Beta Brand, footer: Only for Beta}}
"""
"""Two customers; one contract of both, one of the second alone."""


def us(text: str) -> int:
    """Return the instant of a UTC time such as 2026-03-01T00:00."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


MARCH, APRIL, MAY = us("2026-03-01T00:00"), us("2026-04-01T00:00"), us("2026-05-01T00:00")


def always(_region: str, _due_us: int) -> str | None:
    """Everything passes."""
    return "pass"


def down(*spans: tuple[int, int]) -> Outcome:
    """It fails within these spans, in every region."""
    return lambda _region, due_us: "fail" if any(a <= due_us < b for a, b in spans) else "pass"


@dataclass(slots=True)
class Measured:
    """A store that is open, and what was put into it."""

    path: Path
    store: Store
    seed: bytes
    seen: dict[int, dict[int, str]] = field(default_factory=dict)
    """Outcome by slot, by series."""
    numbers: dict[int, list[int]] = field(default_factory=dict)
    next_run: int = 1

    async def measure(
        self,
        config: Config,
        from_us: int,
        to_us: int,
        outcome: Outcome = always,
        *,
        probes: Sequence[str] = (),
        regions: Sequence[str] = (),
        created_us: int | None = None,
    ) -> None:
        """Put on record what was measured in [from, to); slots that nobody measured become gaps."""
        writes = WriteSet()
        rows = await self.store.series(wanted_series(config, from_us if created_us is None else created_us))
        for row in rows:
            if (probes and row.probe not in probes) or (regions and row.region not in regions):
                continue
            grid, seen = grid_of(row, self.seed), self.seen.setdefault(row.number, {})
            for slot in range(grid.first_due(from_us), grid.first_due(to_us)):
                said = outcome(row.region, grid.due_us(slot))
                if said is None:
                    writes.gaps.append(
                        GapRow(series=row.number, first_slot=slot, last_slot=slot, reason="agent_off")
                    )
                    continue
                seen[slot] = said
                writes.late_slots.append((row.number, slot))
                writes.results.append(
                    ResultRow(
                        series=row.number, slot=slot, kind=0, late_us=0, started_us=0, duration_us=TOOK_US,
                        outcome=said,
                    )
                )  # fmt: skip
            self._runs(row.number, grid.due_us, row.interval_us, writes)
        await self.store.write(writes)

    def _runs(self, series: int, due_us: Callable[[int], int], interval_us: int, writes: WriteSet) -> None:
        """Put all runs of a series anew."""
        writes.dropped_runs += [(series, number) for number in self.numbers.get(series, [])]
        made: list[RunRow] = []
        for slot, outcome in sorted(self.seen[series].items()):
            at_us = due_us(slot)
            run = made[-1] if made else None
            if run is None or run.outcome != outcome or at_us - run.last_us > 2 * interval_us:
                code = "connect_refused" if outcome == "fail" else None
                made.append(
                    RunRow(
                        series=series, number=self.next_run, outcome=outcome, code=code, first_us=at_us,
                        first_end_us=at_us + TOOK_US, last_us=at_us, last_end_us=at_us + TOOK_US, count=1,
                        longest_gap_us=0,
                    )
                )  # fmt: skip
                self.next_run += 1
                continue
            run.longest_gap_us = max(run.longest_gap_us, at_us - run.last_us)
            run.last_us, run.last_end_us, run.count = at_us, at_us + TOOK_US, run.count + 1
        self.numbers[series] = [run.number for run in made]
        writes.runs += made

    def bring(self, source: str, rows: Iterable[ImportedRow], now_us: int) -> None:
        """Import results from elsewhere."""
        with Importing(self.path, source, now_us) as importing:
            assert importing.add(list(rows)) == []
            importing.finish("00" * 32)


@asynccontextmanager
async def measured(folder: Path) -> AsyncIterator[Measured]:
    """Open a store in a folder."""
    path = folder / "prober.db"
    store = open_store(f"sqlite:///{path.absolute()}")
    await store.open()
    try:
        yield Measured(path, store, await store.seed())
    finally:
        await store.close()


@dataclass(slots=True)
class Desk:
    """A closer and a courier over a store, with a clock and watermarks set by hand."""

    store: Store
    accounts: Accounts
    now_us: int
    marks: dict[str, int] = field(default_factory=dict)
    closer: Closer = field(init=False)
    courier: Courier = field(init=False)
    fail_after: int | None = None
    """So many rows are stored, then the process is as good as dead."""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget all but the store."""
        self.closer = Closer(
            lambda: self.accounts, self.store, self.write, lambda: self.marks, lambda: self.now_us
        )
        self.courier = Courier(
            lambda: self.accounts, self.store, self.write, lambda: self.now_us, self.closer.closed
        )

    def take(self, text: str, folder: Path | None = None) -> Config:
        """Take another configuration, as if it lay in a folder."""
        config = load_text(text, str((folder or Path()) / "probes.yaml"), {})
        self.accounts = Accounts(config, self.store, lambda _from_us, _to_us: ())
        return config

    async def write(
        self, closed: tuple[ClosedRow, ...] = (), deliveries: tuple[DeliveryRow, ...] = ()
    ) -> None:
        """Commit, as the pipeline does: one transaction."""
        if self.fail_after is not None:
            self.fail_after -= len(closed) + len(deliveries)
            if self.fail_after < 0:
                raise Killed
        await self.store.write(WriteSet(closed=list(closed), deliveries=list(deliveries)))

    async def at(self, now_us: int, marks_us: int | None = None) -> int:
        """Do a round at an instant; every region is complete up to then, or up to another instant."""
        self.now_us = now_us
        self.marks = dict.fromkeys(("fra", "iad"), now_us if marks_us is None else marks_us)
        return await self.closer.round()

    async def send(self, now_us: int | None = None) -> int:
        """Let the courier do a round at an instant; returns how many reports were delivered."""
        self.now_us = self.now_us if now_us is None else now_us
        return await self.courier.round()

    async def sent(self) -> list[tuple[str, str, str, int]]:
        """Return what became of deliveries: target, customer, state, attempts."""
        names = {row.digest: row.customer for row in await self.store.closed()}
        found = [
            (row.target, names[row.digest], row.state, row.attempts) for row in await self.store.deliveries()
        ]
        return sorted(found)

    async def rows(self, contract: str | None = None) -> list[ClosedRow]:
        """Return what is on record."""
        return await self.store.closed(contract, body=True)

    async def reports(self, contract: str | None = None) -> list[ContractReport]:
        """Return the reports on record."""
        return [read(row.body) for row in await self.rows(contract)]


class Killed(BaseException):
    """The process ends here."""


def desk(store: Store, text: str = CONFIG, now_us: int = APRIL) -> tuple[Desk, Config]:
    """Return a desk over a store, and its configuration."""
    config = load_text(text, "probes.yaml", {})
    return Desk(store, Accounts(config, store, lambda _from_us, _to_us: ()), now_us), config


def names(rows: Iterable[ClosedRow]) -> list[tuple[str, str, int]]:
    """Return contract, customer and revision of closed reports."""
    return [(row.contract, row.customer, row.revision) for row in rows]
