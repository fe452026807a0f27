"""Months that went by a script, in a real store, with contracts over them and all that the listeners are given.

No daemon: rows are written as a hub would have left them, and the office works its figures out at a fixed instant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from support.exposing import view_of
from support.fake_history import FakeHistory, Past
from support.maintenance import us
from support.store_values import series_row

from prober.accounts.office import Office
from prober.agent.grid import Grid
from prober.config import Config, load
from prober.hub.serving import Served
from prober.hub.verdict import State
from prober.hub.view import ReloadView, View
from prober.maintenance.book import book_for
from prober.metrics import Exposition
from prober.store import open_store
from prober.store.base import ResultRow, RunRow, SeriesRow, Store, WriteSet

S = 1_000_000
MINUTE_US = 60 * S
DAY_US = 86_400 * S
NOW_US = us("2026-03-20T12:00:00Z")
BEGAN_US = us("2026-01-10T00:00:00Z")
TOOK_US = 40_000
ROWS_AT_ONCE = 20_000
SHOWN_PASSES = 12  # of so many passes one is written

REGIONS = ("fra", "iad")
CONFIG = """\
regions: {{fra: {{title: Frankfurt, local: true}}, iad: {{title: Virginia, local: true}}}}
defaults: {{interval: {interval}, timeout: 10s, schedule: fixed, confirm: {{retries: 0}}}}
probes:
  - {{name: web, title: Shop front, tcp: {{address: "hidden.shop.example:443"}}}}
  - {{name: post, title: Post office, tcp: {{address: "hidden.post.example:25"}}}}
  - {{name: names, tcp: {{address: "hidden.names.example:53"}}}}
services:
  - {{name: shop, title: Web shop, group: Commerce, probes: [web]}}
  - {{name: mail, title: Mail, probes: [post]}}
  - {{name: names, title: Names, probes: [names]}}
{contracts}
customers:
  - {{name: acme, title: Acme Secret GmbH, fee: "1234.56 EUR", language: de, brand: {{name: Confidential Brand}}}}
  - {{name: zeta, title: Zeta Hidden Ltd}}
page: {{title: Example status}}
store: {{url: "sqlite:///prober.db"}}
"""
CONTRACTS = """\
contracts:
  - name: shop-gold
    title: Availability of the shop
    service: shop
    customers: [acme]
    claim: "99.9%"
    timezone: Europe/Berlin
    public: true
    credits: [{below: "99.9%", credit: "10%"}, {below: "99.0%", credit: "25%"}]
    exclusions:
      - {title: Strike in secret, kind: force_majeure, start: 2026-03-02T10:00:00Z, end: 2026-03-02T10:30:00Z,
         reason: unsaid reason, approved_by: Jane Approver, approved: 2026-03-03T10:00:00Z}
  - name: mail-internal
    title: Mail behind doors
    service: mail
    customers: [zeta, acme]
    claim: "99.5%"
    method: requests
    fee: "777.77 EUR"
"""
SECRETS = (
    "mail-internal", "Mail behind doors", "acme", "Acme", "zeta", "Zeta", "1234", "777", "EUR", "Confidential",
    "Jane", "Approver", "Strike", "unsaid", "10%", "25 %", "hidden.", "99.5",
)  # fmt: skip
"""What belongs to nobody who reads the public listener."""

DOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "web": (
        ("2026-01-20T08:00:00Z", "2026-01-20T09:30:00Z"),
        ("2026-03-05T13:00:00Z", "2026-03-05T13:20:00Z"),
        ("2026-03-18T01:00:00Z", "2026-03-18T01:05:00Z"),
    ),
    "post": (("2026-03-11T10:00:00Z", "2026-03-11T16:00:00Z"),),
}
"""When each probe failed, seen from every region."""


@dataclass(slots=True)
class Months:
    """What the script left, and readers of it; `now_us` may be moved."""

    folder: Path
    config: Config
    store: Store
    view: View
    history: FakeHistory
    office: Office
    exposition: Exposition
    clock: list[int] = field(default_factory=lambda: [NOW_US])

    @property
    def path(self) -> Path:
        """The configuration file, for commands."""
        return self.folder / "probes.yaml"

    def now_us(self) -> int:
        """Return the instant of the test."""
        return self.clock[0]

    def served(self) -> Served:
        """Return what listeners are given."""
        return Served(
            view=self.view,
            history=self.history,
            store=self.store,
            series={},
            start_of=lambda _series, _slot: 0,
            slot_at=lambda _series, _at_us: 0,
            reload=self._reload,
            metrics_text=self.exposition.pieces,
            office=self.office,
        )

    async def _reload(self) -> ReloadView:
        return self.view.reload


@asynccontextmanager
async def months(
    folder: Path,
    *,
    contracts: str = CONTRACTS,
    interval: str = "5m",
    began_us: int = BEGAN_US,
    ended_us: int = NOW_US,
    down: dict[str, tuple[tuple[str, str], ...]] = DOWN,
) -> AsyncIterator[Months]:
    """Write what happened and yield it; figures of contracts are worked out once."""
    (folder / "probes.yaml").write_text(CONFIG.format(contracts=contracts, interval=interval))
    config = load(folder / "probes.yaml", {})
    store = open_store(f"sqlite:///{config.store_path.absolute()}")
    await store.open()
    try:
        await write(store, config, (began_us, ended_us), down)
        made = _made(folder, config, store)
        await made.office.live.round()
        yield made
    finally:
        await store.close()


def _made(folder: Path, config: Config, store: Store) -> Months:
    view = view_of(config)
    history = FakeHistory()
    for name in config.services:
        view.services[name.name].state = State.UP
        history.pasts[f"service:{name.name}"] = Past(BEGAN_US)
    clock = [NOW_US]
    book = book_for(config, (), NOW_US - 800 * DAY_US, NOW_US + 400 * DAY_US)
    nothing: Any = None  # nothing is put on record here
    office = Office(config, store, nothing, view, book.windows, lambda: clock[0])
    exposition = Exposition(view, None, lambda: clock[0])
    exposition.restructure(view)
    exposition.show_contracts(office.shown)
    return Months(folder, config, store, view, history, office, exposition, clock)


async def write(
    store: Store, config: Config, span: tuple[int, int], down: dict[str, tuple[tuple[str, str], ...]]
) -> None:
    """Write the results and runs of every probe and region over a span of time."""
    rows = [
        series_row(
            probe.name,
            region,
            interval_us=probe.interval_us,
            schedule=probe.schedule,
            regions=probe.regions,
            created_us=span[0],
        )
        for probe in config.probes
        for region in probe.regions
    ]
    seed = await store.seed()
    for row in await store.series(rows):
        grid = Grid(seed, row.probe, row.region, row.regions, row.interval_us, row.schedule)
        spells = [(us(start), us(end)) for start, end in down.get(row.probe, ())]
        slots = range(grid.first_due(span[0]), grid.first_due(span[1] - TOOK_US))
        runs = list(_runs(row, grid, slots, spells))
        await store.write(WriteSet(runs=runs))
        results = list(_results(row, slots, runs))
        for first in range(0, len(results), ROWS_AT_ONCE):
            await store.write(WriteSet(results=results[first : first + ROWS_AT_ONCE]))


def _runs(row: SeriesRow, grid: Grid, slots: range, spells: Sequence[tuple[int, int]]) -> Iterable[RunRow]:
    """Yield runs of equal outcome."""

    def is_down(at_us: int) -> bool:
        return any(a <= at_us < b for a, b in spells)

    dues = [grid.due_us(slot) for slot in slots]
    for number, (failed, group) in enumerate(groupby(dues, is_down), 1):
        own = list(group)
        yield RunRow(
            series=row.number,
            number=number,
            outcome="fail" if failed else "pass",
            code="connect_refused" if failed else None,
            first_us=own[0],
            first_end_us=own[0] + TOOK_US,
            last_us=own[-1],
            last_end_us=own[-1] + TOOK_US,
            count=len(own),
            longest_gap_us=row.interval_us if len(own) > 1 else 0,
        )


def _results(row: SeriesRow, slots: range, runs: Sequence[RunRow]) -> Iterable[ResultRow]:
    """Yield results of the outcomes of their runs: of passes only some, for figures follow from runs and failures."""
    outcomes = (run.outcome for run in runs for _ in range(run.count))
    for slot, outcome in zip(slots, outcomes, strict=True):
        if outcome == "pass" and slot % SHOWN_PASSES and slot not in (slots[0], slots[-1]):
            continue
        yield ResultRow(
            series=row.number,
            slot=slot,
            kind=0,
            late_us=0,
            started_us=0,
            duration_us=TOOK_US,
            outcome=outcome,
        )
