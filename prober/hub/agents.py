"""The agent processes of this machine's own regions: started, fed, listened to, restarted with a growing pause.

Each talks over one end of a socket pair, with the messages that remote agents use. An agent that dies loses what it
had not delivered; the slots in between are recorded as missed when it is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from prober import wire
from prober.carrier import Carrier
from prober.store.base import StoreError
from prober.wire import Alone, Assignment, Batch, Goodbye, Kind, Recheck, WireError

from .pipeline import Pipeline, Refused
from .upkeep import Upkeep, note_cutoffs
from .view import AgentView, RegionWatch

log = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 30.0  # before a crashed agent is started again
STEADY_SECONDS = 60.0  # an agent that lived so long starts anew with the first pause
STOP_SECONDS = 2.5  # how long an agent has to leave before it is killed
GOODBYE_SECONDS = 0.5  # how long an agent has to take the message that it should leave
MAX_TELLING = 20  # questions on their way to one agent
SILENT_SECONDS = (
    10.0  # an agent speaks every second; one that is silent for so long hangs and is started again
)


class LocalAgent:
    """Keeps one agent process running."""

    def __init__(
        self,
        view: AgentView,
        pipeline: Pipeline,
        assignment: Callable[[Mapping[int, int]], Awaitable[Assignment]],
        watches: Mapping[str, RegionWatch],
    ) -> None:
        """`assignment` is given the newest slot taken in of each series, on record already or not."""
        self.view = view
        self._upkeep = Upkeep(view)
        self._watches = watches
        self._pipeline = pipeline
        self._assignment = assignment
        self._carrier: Carrier | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._taken: dict[int, int] = {}  # newest slot of each series, whether committed yet or not
        self._unanswered = 0  # batches taken in and not acknowledged yet
        self._telling: set[asyncio.Task[bool]] = set()
        self._stopping = asyncio.Event()
        self.began = asyncio.Event()  # it has reported for the first time

    async def run(self) -> None:
        """Run the process until `stop`, again and again."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._one_life()
            except (
                OSError,
                StoreError,
            ) as problem:  # no process to be had, or nothing to be read: tried again
                log.error(
                    "an agent could not be started", extra={"agent": self.view.name, "problem": str(problem)}
                )
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
            await self._carrier.send(wire.encode(await self._assignment(self._taken)))

    def tell(self, message: Recheck | Alone) -> None:
        """Ask the process something that can also go without an answer: it is dropped where it would pile up."""
        if self._carrier is not None and len(self._telling) < MAX_TELLING:
            task = asyncio.create_task(self._carrier.send(wire.encode(message)))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def stop(self) -> None:
        """Ask the process to deliver and leave; `run` then returns."""
        self._stopping.set()
        # One that hangs neither takes the message nor goes: then its end is what ends the waiting for it.
        asyncio.get_running_loop().call_later(STOP_SECONDS, self._kill)
        if self._carrier is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._carrier.send(wire.encode(Goodbye()))

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober.agent.main", "--fd", str(theirs.fileno()), "--name", self.view.name,
            pass_fds=(theirs.fileno(),), start_new_session=True, stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        theirs.close()
        self._process = process
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
        # Acknowledgements go out in the order of commits while the next batches are being read. What was taken in is
        # committed even when nobody is left to be told.
        answers: set[asyncio.Task[None]] = set()
        try:
            while (data := await self._next(carrier)) is not None:
                batch = wire.decode(data)
                if not isinstance(batch, Batch):
                    raise WireError(f"expected a batch, got {type(batch).__name__}")
                self._note(batch)
                task = asyncio.create_task(self._take(carrier, batch, data))
                answers.add(task)
                task.add_done_callback(answers.discard)
        except WireError as problem:
            log.error("a batch was refused", extra={"agent": self.view.name, "problem": str(problem)})
        finally:
            for task in answers:
                task.cancel()

    def _note(self, batch: Batch) -> None:
        self.view.up = True
        self.began.set()
        now_us = time.time_ns() // 1000
        self._upkeep.taken(batch, now_us)
        note_cutoffs(self._watches, batch.cutoffs, now_us)
        taken = self._taken
        for record in batch.records:
            if record.kind == Kind.SCHEDULED and record.slot > taken.get(record.series, -1):
                taken[record.series] = record.slot
        for gap in batch.gaps:
            taken[gap.series] = max(gap.last, taken.get(gap.series, -1))

    async def _next(self, carrier: Carrier) -> bytes | None:
        """Return the next message; None when the agent is gone, or silent although nothing keeps it waiting."""
        receiving = asyncio.ensure_future(carrier.receive())
        try:
            while not (await asyncio.wait({receiving}, timeout=SILENT_SECONDS))[0]:
                # Unanswered batches fill its window (a store that cannot be written): then its silence is our doing.
                if not self._unanswered:
                    log.error("an agent hangs", extra={"agent": self.view.name, "pid": self.view.pid})
                    return None
            return receiving.result()
        finally:
            receiving.cancel()

    async def _take(self, carrier: Carrier, batch: Batch, data: bytes) -> None:
        self._unanswered += 1
        try:
            ack = await self._pipeline.take(batch, data)
        except Refused as problem:
            log.error("a batch was refused", extra={"agent": self.view.name, "problem": str(problem)})
            carrier.close()
        else:
            self._upkeep.on_record(batch, time.time_ns() // 1000)
            await carrier.send(wire.encode(ack))
        finally:
            self._unanswered -= 1

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
