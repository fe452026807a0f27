"""What a hub shows while a scenario runs, looked at four times a second: states, agents, regions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from .truth import Span
from .world import World, now_us

LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: states of probes, of probes by region, which agents have a link, and what is said of regions."""

    at_us: int
    probes: dict[str, str]
    views: dict[tuple[str, str], str]
    linked: frozenset[str]  # regions with an agent whose link is open
    regions: dict[str, Any]  # Any: JSON of `/api/v1/regions`

    def region(self, name: str) -> Any:  # Any: JSON
        """Return what is said of a region."""
        return next(region for region in self.regions["regions"] if region["name"] == name)


@dataclass(slots=True)
class Watch:
    """All samples so far, the newest last."""

    world: World
    samples: list[Sample] = field(default_factory=list)

    async def look(self) -> Sample | None:
        """Look once; None while the hub does not answer."""
        at_us = now_us()
        try:
            async with asyncio.timeout(5):
                probes = (await self.world.hub.get("/api/v1/probes"))["probes"]
                regions = await self.world.hub.get("/api/v1/regions")
        except (aiohttp.ClientError, OSError, TimeoutError, KeyError):
            return None
        return Sample(
            at_us,
            {probe["name"]: probe["state"] for probe in probes},
            {(probe["name"], view["region"]): view["state"] for probe in probes for view in probe["regions"]},
            frozenset(
                region["name"]
                for region in regions["regions"]
                if any(agent["up"] for agent in region["agents"])
            ),
            regions,
        )

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            sample = await self.look()
            if sample is not None:
                self.samples.append(sample)
            await asyncio.sleep(LOOK_SECONDS)

    def since(self, at_us: int) -> list[Sample]:
        """Return the samples since an instant."""
        return [sample for sample in self.samples if sample.at_us >= at_us]


def wrongly_down(shown: Iterable[tuple[int, str]], true: list[Span], late_us: int) -> list[int]:
    """Return when DOWN was shown although the target never failed, or had recovered so long before."""
    return [
        at_us
        for at_us, state in shown
        if state == "down" and not any(span.from_us <= at_us <= span.to_us + late_us for span in true)
    ]


@contextlib.asynccontextmanager
async def watching(world: World) -> AsyncIterator[Watch]:
    """Look at a world until the end of the block."""
    watch = Watch(world)
    task = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
