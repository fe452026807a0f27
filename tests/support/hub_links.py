"""A hub with the listener of remote agents in this process, on a real store; scripted agents come to it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from support.hubs import Rig, Wall, hub
from support.scripted_agent import Chain, ScriptedAgent, linked, new_chain, record

from checks.core.result import Outcome
from prober import wire
from prober.web.agents import agents_app
from prober.web.listener import Listener, serve
from prober.wire import Kind, Record, Refusal, Sealed

DEADLINE_SECONDS = 10.0
TOKENS = {
    "fra": "0123456789abcdef-1",
    "iad": "0123456789abcdef-2",
    "sin": "0123456789abcdef-3",
}


def real_wall() -> Wall:
    """Return a wall clock that stands at the present: results are near it."""
    return Wall(time.time_ns() // 1000)


@dataclass(slots=True)
class Site:
    """A hub that can be linked to."""

    rig: Rig
    listener: Listener

    @contextlib.asynccontextmanager
    async def agent(
        self, chain: Chain | None = None, region: str = "fra", introduce: bool = True
    ) -> AsyncIterator[ScriptedAgent]:
        """Link an agent of a region."""
        chain = chain or new_chain(f"{region}-1")
        async with linked(self.listener.url, TOKENS[region], chain, introduce=introduce) as agent:
            yield agent

    def record(
        self, region: str, slot: int, outcome: Outcome = Outcome.PASS, kind: Kind = Kind.SCHEDULED
    ) -> Record:
        """A run of a slot of a region's first series."""
        return record(self.rig.number(region), slot, self.rig.grid(region).due_us(slot), outcome, kind)

    def outcomes(self, region: str = "fra") -> dict[str, int]:
        """What was counted of a region's first probe."""
        return self.rig.view.probes["web"].regions[region].outcomes

    def slot(self, region: str = "fra") -> int:
        """The newest slot of a region that is over."""
        return self.rig.grid(region).first_due(self.rig.wall.now_us) - 1


@contextlib.asynccontextmanager
async def site(folder: Path, text: str | None = None, wall: Wall | None = None) -> AsyncIterator[Site]:
    """Run a hub with an agents' listener on a store in a folder."""
    wall = wall or real_wall()
    async with hub(folder, wall=wall) if text is None else hub(folder, text, wall) as rig:
        listener = await serve(agents_app(rig.hub.remotes), "127.0.0.1", 0)
        try:
            yield Site(rig, listener)
        finally:
            await rig.hub.remotes.stop()
            await listener.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is shown; raises TimeoutError."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not holds():  # noqa: ASYNC110  # what is waited for is shown in the view
            await asyncio.sleep(0.01)


async def refused(site: Site, agent: ScriptedAgent, sealed: Sealed) -> str:
    """Offer what cannot be taken; it is aside on record before the agent is told."""
    answer = await agent.deliver(sealed)
    assert isinstance(answer, Refusal)
    assert (answer.fate, answer.epoch, answer.sequence) == ("aside", sealed.epoch, sealed.sequence)
    newest = (await site.rig.hub.store.aside(1))[0]
    assert (newest.agent, newest.region, newest.reason) == (agent.chain.agent, "fra", answer.reason)
    assert (newest.epoch, newest.sequence) == (sealed.epoch, sealed.sequence)
    assert wire.decode(newest.data) == sealed
    return answer.reason
