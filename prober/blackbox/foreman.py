"""The hub's end of the `/probe` worker: started, fed, asked, started again with a growing pause when it dies.

Every question has an answer or an `Unanswered` with the reason: a worker that is gone says nothing about a target.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import socket
import sys
import time

import msgspec

from prober.carrier import Carrier
from prober.wire import WireError

from .messages import Ask, Load, Ready, Told, decode, encode

log = logging.getLogger(__name__)
MAX_IN_FLIGHT = 500  # runs at the same time; what comes on top is refused at once
GRACE_SECONDS = 3.0  # beyond its timeout, a run may take so long to be told; then the worker is taken to hang
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 30.0
STEADY_SECONDS = 60.0  # a worker that lived so long starts anew with the first pause
STOP_SECONDS = 2.0
START_SECONDS = 5.0  # how long a question waits for a worker that is being started


class Unanswered(Exception):
    """No run was made, or nobody can say how it went; the text says why."""


class Foreman:
    """Keeps one worker process running."""

    def __init__(self) -> None:
        self.restarts = 0
        self.pid: int | None = None
        self._load: Load | None = None
        self._carrier: Carrier | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._waiting: dict[int, asyncio.Future[Told]] = {}
        self._numbers = itertools.count(1)
        self._up = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def use(self, load: Load) -> None:
        """Use a module file from now on; starts the worker the first time."""
        self._load = load
        if self._carrier is not None:
            await self._carrier.send(encode(load))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="blackbox worker")

    async def stop(self) -> None:
        """End the worker; runs under way stay unanswered."""
        self._stopping.set()
        if self._carrier is not None:
            self._carrier.close()
        if self._task is not None:
            await self._task
            self._task = None

    async def ask(self, module: str, target: str, hostname: str, timeout_us: int) -> Told:
        """Have a module run once; raises `Unanswered`. Waiting for the worker is taken off the timeout."""
        was_up, began_ns = self._up.is_set(), time.monotonic_ns()
        if len(self._waiting) >= MAX_IN_FLIGHT:
            raise Unanswered(f"{MAX_IN_FLIGHT} probes are under way already")
        number = next(self._numbers)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            carrier = await self._present(timeout_us / 1e6)
            left_us = timeout_us if was_up else timeout_us - (time.monotonic_ns() - began_ns) // 1000
            if not await carrier.send(encode(Ask(number, module, target, hostname, left_us))):
                raise Unanswered("the worker is gone")
            async with asyncio.timeout(left_us / 1e6 + GRACE_SECONDS):
                told = await future
            if not was_up and not told.success and told.void is None:
                raise Unanswered("the worker was being started, which left less time than was asked for")
            return told
        except TimeoutError:
            self._kill()
            raise Unanswered("the worker hung and is started again") from None
        finally:
            del self._waiting[number]

    async def _present(self, seconds: float) -> Carrier:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, START_SECONDS)):
                await self._up.wait()
        if self._carrier is None or not self._up.is_set():
            raise Unanswered("the worker is being started")
        return self._carrier

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                await self._one_life()
            except (OSError, WireError, msgspec.MsgspecError) as problem:
                log.error("the blackbox worker failed", extra={"problem": str(problem)})
            if self._stopping.is_set():
                return
            self.restarts += 1
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error("the blackbox worker died and is started again", extra={"pause_seconds": pause})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "prober.blackbox.worker", "--fd", str(theirs.fileno()),
                pass_fds=(theirs.fileno(),), start_new_session=True, stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            theirs.close()
            self._process, self.pid = process, process.pid
            ours.setblocking(False)
            carrier = await Carrier.over(ours)
            ours.detach()  # the carrier's from here on
        try:
            if self._load is not None and not self._stopping.is_set():
                self._carrier = carrier  # first: a file that comes while this one is sent is sent after it
                await carrier.send(encode(self._load))
                await self._listen(carrier)
        finally:
            self._carrier, self.pid = None, None
            self._up.clear()
            carrier.close()
            self._give_up("the worker died while it ran")
            await _end(process)

    async def _listen(self, carrier: Carrier) -> None:
        while (data := await carrier.receive()) is not None:
            told = decode(data)
            if isinstance(told, Ready):
                self._up.set()
            elif isinstance(told, Told):
                future = self._waiting.get(told.number)
                if future is not None and not future.done():
                    future.set_result(told)

    def _give_up(self, why: str) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(Unanswered(why))
                future.exception()  # it may have nobody left who waits

    def _kill(self) -> None:
        self._up.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
