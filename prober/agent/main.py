"""The agent process: takes its assignment from the hub, runs it, delivers batches, goes when the hub goes.

Started by the hub as `python -m prober.agent.main --fd N --name NAME` with one end of a socket pair. It holds no
files and needs none: what it was assigned comes again with the next start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time

from checks.core.reactor import Reactor
from prober import wire
from prober.carrier import Carrier
from prober.loop import run_loop
from prober.wire import Ack, Alone, Assignment, Goodbye, Health, Recheck

from .clock import AgentClock
from .collector import MAX_RECORDS
from .health import freeze, take_health
from .outbox import Outbox
from .runner import Runner
from .sight import Sight

FLUSH_SECONDS = 0.2  # how long news wait for company: whatever is not just another pass
HEALTH_SECONDS = 1.0  # how long passes wait, since the hub's work is by the batch; an idle one tells as often
GOODBYE_SECONDS = 2.0  # how long a leaving agent waits for its last acknowledgement


class Agent:
    """One life of an agent process."""

    def __init__(self, name: str, carrier: Carrier, reactor: Reactor) -> None:
        self._carrier = carrier
        self._reactor = reactor
        self._outbox = Outbox(name, epoch=time.time_ns())
        self._clock = AgentClock()
        self._sight = Sight(
            reactor,
            self._clock,
            self._outbox.add,
            self._outbox.under,
            lambda number: self._runner.target_of(number),
        )
        self._runner = Runner(reactor, self._sight.report, self._clock)
        self._told = 0.0
        self._leaving = asyncio.Event()
        self._acknowledged = asyncio.Event()

    async def run(self) -> None:
        """Serve until the hub says goodbye or is gone."""
        async with asyncio.TaskGroup() as tasks:
            listener = tasks.create_task(self._listen())
            sender = tasks.create_task(self._deliver())
            await self._leaving.wait()
            self._runner.stop()
            self._sight.close()
            await self._last_words()
            listener.cancel()
            sender.cancel()

    async def _listen(self) -> None:
        while (data := await self._carrier.receive()) is not None:
            message = wire.decode(data)
            if isinstance(message, Assignment):
                self._assign(message)
            elif isinstance(message, Ack):
                self._outbox.acknowledged(message)
                self._acknowledged.set()
            elif isinstance(message, Recheck):
                self._runner.recheck(message.series)
            elif isinstance(message, Alone):
                self._sight.alone(message)
            elif isinstance(message, Goodbye):
                break
        else:
            os._exit(0)  # the hub is gone: nothing can be delivered, and nobody is left to stop us
        self._leaving.set()

    def _assign(self, assignment: Assignment) -> None:
        self._sight.assign(assignment)
        self._runner.assign(assignment)
        freeze()

    async def _deliver(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            due = self._sight.has_news or time.monotonic() - self._told >= HEALTH_SECONDS
            if due or self._outbox.has_news or self._outbox.pending >= MAX_RECORDS:
                await self._flush(due)

    async def _flush(self, due: bool = False) -> None:
        while (data := self._seal(due)) is not None:
            due = False
            self._told = time.monotonic()
            if not await self._carrier.send(data):
                os._exit(0)

    async def _last_words(self) -> None:
        await self._flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                while not self._outbox.is_delivered:
                    self._acknowledged.clear()
                    await self._acknowledged.wait()
        self._carrier.close()

    def _seal(self, even_empty: bool) -> bytes | None:
        sight = self._sight
        return self._outbox.seal(
            self._health, even_empty, sight.take_cutoffs, sight.take_clock_events, self._complete_us
        )

    def _complete_us(self) -> int:
        open_us = self._runner.oldest_in_flight_us(), self._sight.oldest_held_us()
        return self._outbox.complete_us(self._clock.now_us(), *open_us)

    def _health(self) -> Health:
        return take_health(self._reactor, self._runner)


async def _serve(fd: int, name: str) -> None:
    # The hub decides when we go; a Ctrl-C or a stop of the whole unit reaches us through it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    reactor = Reactor(asyncio.get_running_loop())
    await Agent(name, await Carrier.over(sock), reactor).run()
    reactor.close()


def main(arguments: list[str] | None = None) -> int:
    """Run an agent until its hub is gone."""
    parser = argparse.ArgumentParser(prog="prober-agent")
    parser.add_argument("--fd", type=int, required=True, help="one end of a socket pair with the hub")
    parser.add_argument("--name", required=True)
    given = parser.parse_args(arguments)
    gc.disable()
    run_loop(_serve(given.fd, given.name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
