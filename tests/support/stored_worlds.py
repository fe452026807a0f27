"""Drawn worlds in a real store: what was truly down, what probing saw of it, and contracts over both.

In a `steady` world no state lasts shorter than the longest gap that is trusted and a result together: then what the
bounds assume holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from support.configs import loaded
from support.scripted import HOUR_US, MINUTE_US, S, Script, Spell, Stay, seeded_store, write

from prober.accounts.accounts import Accounts
from prober.accounts.plans import Wanted
from prober.maintenance.book import book_for
from reports.document import ContractReport

START_US = 1_773_528_000 * S  # 2026-03-14T22:40Z
LONG_US = 20 * HOUR_US
END_US = START_US + LONG_US
REGIONS = ("fra", "iad", "sin")
HEAD = """
regions: {{fra: {{local: true}}, iad: {{local: true}}, sin: {{local: true}}}}
probes:
  - {{name: web, interval: {interval}s, regions: [{regions}], schedule: {schedule}, down_when: {needed},
     tcp: {{address: "127.0.0.1:9"}}}}
services:
  - {{name: shop, probes: [web]}}
contracts:
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was drawn."""

    seed: int
    interval_s: int
    before_s: int
    """The interval in the first half."""
    regions: tuple[str, ...]
    schedule: str
    needed: int
    is_together: bool
    """All regions see the same truth."""
    voids: float
    losses: float
    off: bool
    down: dict[object, list[Spell]] = field(default_factory=dict, repr=False)

    @property
    def widest_us(self) -> int:
        """Return the longest gap that is trusted anywhere."""
        return 2 * max(self.interval_s, self.before_s) * S

    def script(self) -> Script:
        """Return it as a script."""
        chance = Random(self.seed)
        off: dict[object, list[tuple[int, int, str]]] = {}
        for region in self.regions if self.off else ():
            at_us = START_US + chance.randrange(LONG_US)
            off[region] = [(at_us, at_us + chance.randrange(3 * HOUR_US), "agent_off")]
        return Script(
            seed=self.seed,
            down=self.down,
            off=off,
            void_share=self.voids,
            lost_share=self.losses,
            late_share=0.05,
            longest_us=900_000,
        )

    def stays(self) -> list[Stay]:
        """Return its grids; the interval changes in the middle if it was drawn so."""
        middle_us = START_US + LONG_US // 2 + 7 * S
        web = {"probe": "web", "regions": self.regions, "schedule": self.schedule}
        if self.before_s == self.interval_s:
            return [Stay(**web, interval_us=self.interval_s * S, from_us=START_US, to_us=END_US)]
        return [
            Stay(**web, interval_us=self.before_s * S, from_us=START_US, to_us=middle_us),
            Stay(**web, interval_us=self.interval_s * S, from_us=middle_us, to_us=END_US),
        ]

    def true_us(self, start_us: int, end_us: int) -> int:
        """Return the time in which so many regions were truly cut off from it."""
        spells = [
            spells for key, spells in self.down.items() if key in {("web", region) for region in self.regions}
        ]
        edges = sorted({start_us, end_us, *(edge for each in spells for spell in each for edge in spell)})
        total = 0
        for a, b in pairwise(edge for edge in edges if start_us <= edge <= end_us):
            down = sum(any(s <= a < e for s, e in each) for each in spells)
            total += (b - a) * (down >= self.needed)
        return total


@st.composite
def worlds(draw: st.DrawFn, *, together: bool | None = None) -> World:
    """Draw a steady world."""
    seed = draw(st.integers(0, 2**32))
    chance = Random(seed)
    interval_s = draw(st.sampled_from([60, 120, 300]))
    regions = REGIONS[: draw(st.integers(1, 3))]
    is_together = draw(st.booleans()) if together is None else together
    world = World(
        seed=seed,
        interval_s=interval_s,
        before_s=draw(st.sampled_from([interval_s, 120])),
        regions=regions,
        schedule=draw(st.sampled_from(["stratified", "fixed", "round"])),
        needed=draw(st.integers(1, len(regions))),
        is_together=is_together,
        voids=draw(st.sampled_from([0.0, 0.05])),
        losses=draw(st.sampled_from([0.0, 0.03])),
        off=draw(st.booleans()),
    )
    shortest_us = world.widest_us + 30 * S
    shared = _phases(chance, shortest_us)
    for region in regions:
        world.down["web", region] = shared if is_together else _phases(chance, shortest_us)
    return world


def _phases(chance: Random, shortest_us: int) -> list[Spell]:
    at_us = START_US - HOUR_US + chance.randrange(3 * HOUR_US)
    found: list[Spell] = []
    while at_us < END_US + HOUR_US:
        down_us = shortest_us + chance.randrange(chance.choice([MINUTE_US, 40 * MINUTE_US]))
        found.append((at_us, at_us + down_us))
        at_us += down_us + shortest_us + chance.randrange(chance.choice([10 * MINUTE_US, 8 * HOUR_US]))
    return found


def reports_of(
    world: World, contracts: Sequence[str], *asked: Wanted, more: str = ""
) -> list[list[ContractReport]]:
    """Return the reports of some contracts over a world, for each of what is asked."""
    return asyncio.run(_reports(world, contracts, asked, more))


async def _reports(
    world: World, contracts: Sequence[str], asked: Sequence[Wanted], more: str
) -> list[list[ContractReport]]:
    head = HEAD.format(
        interval=world.interval_s,
        regions=", ".join(world.regions),
        schedule=world.schedule,
        needed=world.needed,
    )
    lines = "".join(f'  - {{service: shop, claim: "99%", {text}}}\n' for text in contracts)
    config = loaded(head + lines + more)
    with TemporaryDirectory() as folder:
        store = await seeded_store(Path(folder) / "prober.db", world.seed)
        try:
            await write(store, world.stays(), world.script())
            book = book_for(config, (), START_US - 800 * 24 * HOUR_US, END_US + 24 * HOUR_US)
            accounts = Accounts(config, store, book.windows)
            return [await accounts.reports(one, END_US + 48 * HOUR_US) for one in asked]
        finally:
            await store.close()
