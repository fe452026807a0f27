"""The hub's own agent, over its socket pair: what it cannot believe, it does not tell as the target's failure."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.agents import SEED, tcp_series
from support.sights import hole, listening
from support.tcp_peer import silence, tcp_peer

from checks.core.check import load_kinds
from checks.core.reactor import Reactor
from checks.core.result import Outcome, Result
from prober import wire
from prober.agent import suspicion
from prober.agent.main import Agent
from prober.carrier import Carrier
from prober.wire import Alone, Assignment, Batch, Canaries, Cutoff, Goodbye

WAIT_SECONDS = 10.0
TIMEOUT = '{"address": "127.0.0.1:%d", "dialogue": [{"expect": "never"}]}'


def failing_assignment(port: int, canary: str) -> Assignment:
    """Run a probe every 200 ms whose target is silent."""
    options = (TIMEOUT % port).encode()
    return Assignment(
        version=wire.VERSION,
        digest="d",
        seed=SEED,
        series=(tcp_series(1, port, options=options, timeout_us=50_000, interval_us=200_000),),
        max_lag_us=500_000,
        max_in_flight=10,
        canaries=(Canaries("here", (canary,)),),
    )


@asynccontextmanager
async def agent() -> AsyncIterator[Carrier]:
    """Run an agent on this loop; yields the hub's end of its link. It is sent away at the end."""
    load_kinds()
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    reactor = Reactor(asyncio.get_running_loop())
    hub = await Carrier.over(ours)
    running = asyncio.create_task(Agent("a", await Carrier.over(theirs), reactor).run())
    yield hub
    await hub.send(wire.encode(Goodbye()))
    async with asyncio.timeout(WAIT_SECONDS):
        while await next_batch(hub) is not None:
            pass
        await running
    hub.close()
    reactor.close()


async def next_batch(hub: Carrier) -> Batch | None:
    """Take a batch in; None when the agent has gone."""
    if (data := await hub.receive()) is None:
        return None
    batch = wire.decode(data)
    assert isinstance(batch, Batch)
    await hub.send(wire.encode(wire.Ack(batch.epoch, batch.sequence)))
    return batch


async def test_results_of_a_region_that_is_cut_off_are_void_and_the_verdicts_go_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspicion, "ASK_US", 200_000)
    results: list[Result] = []
    cutoffs: list[Cutoff] = []
    async with tcp_peer(silence) as peer, agent() as hub:
        with hole() as canary:
            await hub.send(wire.encode(failing_assignment(peer.port, canary.target)))
            async with asyncio.timeout(WAIT_SECONDS):
                while len(results) < 2 or len(cutoffs) < 2:
                    batch = await next_batch(hub)
                    assert batch is not None
                    results += [record.result for record in batch.records]
                    cutoffs += batch.cutoffs
                    assert all(result.started_us < batch.complete_us for result in results)
                    assert batch.complete_us <= time.time_ns() // 1000
    assert {result.outcome for result in results} == {Outcome.VOID}
    assert {(cutoff.region, cutoff.reached) for cutoff in cutoffs} == {("here", False)}


async def test_a_region_that_is_alone_is_asked_for_its_canaries_and_the_answer_is_told_at_once() -> None:
    async with agent() as hub:
        with listening() as canary:
            await hub.send(wire.encode(failing_assignment(9, canary.target)))
            await hub.send(wire.encode(Alone("here", 1)))
            async with asyncio.timeout(WAIT_SECONDS):
                while (batch := await next_batch(hub)) is not None and not batch.cutoffs:
                    pass
    assert batch is not None
    assert [(cutoff.region, cutoff.reached) for cutoff in batch.cutoffs] == [("here", True)]
