"""Runs checks once, from here, several at a time, and hands the results out in the order they were asked for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import closing

from checks.core.check import run_once
from checks.core.reactor import Reactor
from checks.core.result import Result
from checks.core.watch import Place

from .targets import Target

MAX_IN_FLIGHT = 50  # runs at a time; more would share the CPU and bend what they measure


async def run_all(targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Result]]:
    """Yield each target's result as soon as it and all before it are there."""
    room = asyncio.Semaphore(MAX_IN_FLIGHT)
    gc.disable()  # a pass of the collector would fall into somebody's phase; the command ends soon
    with closing(Reactor(asyncio.get_running_loop())) as reactor:

        async def one(target: Target) -> Result:
            async with room:
                place = Place(reactor=reactor, timeout_us=target.timeout_us, verbose=True)
                return await run_once(target.check, place)

        runs = [asyncio.create_task(one(target)) for target in targets]
        try:
            for target, run in zip(targets, runs, strict=True):
                yield target, await run
        finally:
            for run in runs:
                run.cancel()
            await asyncio.gather(*runs, return_exceptions=True)
            gc.enable()
