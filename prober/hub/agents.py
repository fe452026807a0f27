"""The agent processes of this machine's own regions: started, fed, listened to, restarted with a growing pause.

Each talks over one end of a socket pair, with the messages that remote agents use. An agent that dies loses what it
had not delivered; the slots in between are recorded as missed when it is back.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable

from prober import wire
from prober.carrier import Carrier
from prober.wire import Assignment, Batch, Goodbye, WireError

from .pipeline import Pipeline, Refused
from .view import AgentView

log = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 30.0  # before a crashed agent is started again
STEADY_SECONDS = 60.0  # an agent that lived so long starts anew with the first pause
STOP_SECONDS = 3.0  # how long an agent has to leave before it is killed


class LocalAgent:
    """Keeps one agent process running."""

    def __init__(
        self, view: AgentView, pipeline: Pipeline, assignment: Callable[[], Awaitable[Assignment]]
    ) -> None:
        self.view = view
        self._pipeline = pipeline
        self._assignment = assignment
        self._carrier: Carrier | None = None
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run the process until `stop`, again and again."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._one_life()
            if self._stopping.is_set():
                break
            self.view.restarts += 1
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error(
                "an agent died and is started again", extra={"agent": self.view.name, "pause_seconds": pause}
            )
            await self._wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def assign(self) -> None:
        """Send the present assignment; a dead agent gets it when it starts."""
        if self._carrier is not None:
            await self._carrier.send(wire.encode(await self._assignment()))

    async def stop(self) -> None:
        """Ask the process to deliver and leave; `run` then returns."""
        self._stopping.set()
        if self._carrier is not None:
            await self._carrier.send(wire.encode(Goodbye()))

    async def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober.agent.main", "--fd", str(theirs.fileno()), "--name", self.view.name,
            pass_fds=(theirs.fileno(),), start_new_session=True, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        ours.setblocking(False)
        self._carrier = await Carrier.over(ours)
        self.view.pid, self.view.started_us = process.pid, time.time_ns() // 1000
        try:
            await self.assign()
            await self._listen(self._carrier)
        finally:
            self.view.up = False
            self._carrier.close()
            self._carrier = None
            await _end(process)

    async def _listen(self, carrier: Carrier) -> None:
        # Acknowledgements go out in the order of commits while the next batches are being read.
        async with asyncio.TaskGroup() as answers:
            while (data := await carrier.receive()) is not None:
                try:
                    batch = wire.decode(data)
                    if not isinstance(batch, Batch):
                        raise Refused(f"expected a batch, got {type(batch).__name__}")
                except (WireError, Refused) as problem:
                    log.error("a batch was refused", extra={"agent": self.view.name, "problem": str(problem)})
                    break
                self.view.up = True
                self.view.last_batch_us = time.time_ns() // 1000
                self.view.health = batch.health
                answers.create_task(self._take(carrier, batch, data))

    async def _take(self, carrier: Carrier, batch: Batch, data: bytes) -> None:
        try:
            ack = await self._pipeline.take(batch, data)
        except Refused as problem:
            log.error("a batch was refused", extra={"agent": self.view.name, "problem": str(problem)})
            carrier.close()
        else:
            await carrier.send(wire.encode(ack))

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
