"""What the hub has on record, over its own API: the fate of every slot, the changes of state, the figures."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.daemons import Daemon

from prober.agent.grid import Grid

PAGE = 1000
SECOND_US = 1_000_000
Key = tuple[str, str]  # probe and region
Row = dict[str, Any]  # Any: JSON


@dataclass(slots=True)
class Fates:
    """By probe and region: what each slot ended as, and how often."""

    scheduled: dict[Key, Counter[int]] = field(default_factory=dict)
    outcomes: dict[Key, dict[int, str]] = field(default_factory=dict)
    gaps: dict[Key, dict[int, list[str]]] = field(default_factory=dict)

    def add_result(self, row: Row) -> None:
        """Take in a result."""
        key = (row["probe"], row["region"])
        if row["kind"] == "scheduled":
            self.scheduled.setdefault(key, Counter())[row["slot"]] += 1
            self.outcomes.setdefault(key, {})[row["slot"]] = row["outcome"]

    def add_gap(self, row: Row) -> None:
        """Take in a gap."""
        slots = self.gaps.setdefault((row["probe"], row["region"]), {})
        for slot in range(row["first_slot"], row["last_slot"] + 1):
            slots.setdefault(slot, []).append(row["reason"])

    def ends(self, key: Key) -> set[str]:
        """Return what scheduled runs ended as."""
        return set(self.outcomes.get(key, {}).values())

    def of(self, key: Key, slot: int) -> list[str]:
        """Return every fate that a slot has: one, or something is wrong."""
        results = self.scheduled.get(key, Counter())[slot]
        found = [self.outcomes[key][slot]] * results if results else []
        return found + self.gaps.get(key, {}).get(slot, [])


@dataclass(slots=True)
class Records:
    """Asks one hub; `grids` say which slots there are."""

    hub: Daemon
    grids: dict[Key, Grid]

    def slots(self, key: Key, from_us: int, to_us: int) -> range:
        """Return the slots of a probe in a region that are due in a window."""
        grid = self.grids[key]
        return range(grid.first_due(from_us), grid.first_due(to_us))

    async def fates(self, from_us: int) -> Fates:
        """Read all results that began since an instant, and all gaps."""
        fates, after = Fates(), ""
        while True:
            query = f"from={from_us}&limit={PAGE}" + (f"&after={after}" if after else "")
            page = await self.hub.get(f"/api/v1/results?{query}")
            for row in page["results"]:
                fates.add_result(row)
            if not (after := page["after"]):
                break
        for row in (await self.hub.get(f"/api/v1/gaps?limit={PAGE}"))["gaps"]:
            fates.add_gap(row)
        return fates

    async def unaccounted(self, from_us: int, to_us: int, fates: Fates | None = None) -> list[str]:
        """Name the slots due in a window that have no fate or more than one."""
        fates = fates or await self.fates(from_us)
        return [
            f"{key[0]}@{key[1]} slot {slot}: {fates.of(key, slot) or 'nothing'}"
            for key in self.grids
            for slot in self.slots(key, from_us, to_us)
            if len(fates.of(key, slot)) != 1
        ]

    async def ended_as(self, region: str, from_us: int, to_us: int) -> Counter[str]:
        """Count the fates of a region's slots in a window."""
        fates = await self.fates(from_us)
        keys = [key for key in self.grids if key[1] == region]
        return Counter(
            fate for key in keys for slot in self.slots(key, from_us, to_us) for fate in fates.of(key, slot)
        )

    async def changes(self, subject: str) -> list[Row]:
        """Return a subject's changes of state."""
        found: list[Row] = (await self.hub.get(f"/api/v1/states?subject={subject}&limit={PAGE}"))["changes"]
        return found

    async def figures(self, subject: str) -> Row:
        """Return a subject's figures of the last hour."""
        answer = await self.hub.get(f"/api/v1/availability?subject={subject}")
        figures: Row = answer["windows"]["1h"]
        return figures


def grids(store: Path, regions: tuple[str, ...], intervals_us: Mapping[str, int]) -> dict[Key, Grid]:
    """Return the grid of each probe in each region, as the hub and its agents draw it."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
        (seed,) = connection.execute("SELECT value FROM meta WHERE name = 'seed'").fetchone()
    connection.close()
    return {
        (probe, region): Grid(seed, probe, region, regions, interval_us)
        for probe, interval_us in intervals_us.items()
        for region in regions
    }
