"""Delivers what remote agents measured, late or in time, to a hub in this process, and waits until it is worked out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from support.hubs import Rig

from prober import wire
from prober.wire import Record, SpoolState


async def deliver(rig: Rig, agent: str, epoch: int, *records: Record, follow: bool = True) -> None:
    """Deliver records of a remote agent in one batch; the hub's clock follows them."""
    if follow:
        rig.wall.now_us = max([rig.wall.now_us, *(record.result.started_us + 2000 for record in records)])
    made = msgspec.structs.replace(rig.batch(records, agent=agent, epoch=epoch), spool=SpoolState(0, 0, 0, 0))
    rig.chains[agent, epoch] = (made.sequence, wire.digest(wire.encode(made)))
    async with asyncio.timeout(10):
        await rig.hub.pipeline.take(made, wire.encode(made))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.01)


async def is_settled(rig: Rig) -> bool:
    """Say whether nothing is left to be worked out."""
    return not rig.hub.pipeline.judge.fold.revise_from and not await rig.hub.store.marks()
