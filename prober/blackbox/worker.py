"""The process in which `/probe` measures: apart from the hub, so that no page bends a time. It goes when the hub goes.

Started as `python -m prober.blackbox.worker --fd N` with one end of a socket pair. Here: running what is asked,
under the guard. Not here: who asks (`foreman`), what an answer looks like.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from checks.core.check import Place
from checks.core.reactor import Reactor
from checks.core.watch import Watch
from prober.carrier import Carrier
from prober.config.foreign import Foreign
from prober.loop import run_loop

from .exposition import render
from .guard import Guard, Rules
from .hosts import target_host
from .make import make
from .messages import Ask, Load, Ready, Told, decode, encode
from .modules import Module, parse_modules

MAX_TOLD = 8 * 1024 * 1024  # bytes of one run's metrics and log: the hub reads them between other things
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of <linux/prctl.h>


class Worker:
    """One life of the process."""

    def __init__(self, carrier: Carrier, reactor: Reactor) -> None:
        self._carrier = carrier
        self._reactor = reactor
        self._modules: dict[str, Module] = {}
        self._guard = Guard(Rules())
        self._runs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the hub is gone."""
        while (data := await self._carrier.receive()) is not None:
            message = decode(data)
            if isinstance(message, Load):
                self._load(message)
                await self._carrier.send(encode(Ready()))
            elif isinstance(message, Ask):
                task = asyncio.create_task(self._answer(message))
                self._runs.add(task)
                task.add_done_callback(self._runs.discard)
        os._exit(0)  # nobody is left to be told

    def _load(self, message: Load) -> None:
        self._modules = parse_modules(Foreign(message.name, message.text)).modules
        self._guard = Guard(message.rules)
        for module in {module.prober: module for module in self._modules.values()}.values():
            make(module, "")  # its imports are not to be part of the first run
        gc.collect()
        gc.freeze()
        gc.enable()

    async def _answer(self, ask: Ask) -> None:
        try:
            told = await self._probe(ask)
        except Exception as error:  # a bug of ours ends one run, not the process
            told = Told(
                ask.number, False, "", void=f"agent_error: unexpected {type(error).__name__}: {error}"[:500]
            )
        data = encode(told)
        if len(data) > MAX_TOLD:  # what a target says fills labels of the module's own making
            data = encode(
                Told(ask.number, False, "", void="agent_error: what the run saw is too large to be told")
            )
        await self._carrier.send(data)

    async def _probe(self, ask: Ask) -> Told:
        module = self._modules.get(ask.module)
        if module is None:
            return Told(ask.number, False, "", void="agent_error: the module is no longer there")
        host = target_host(module.prober, ask.target)
        verdict = self._guard.judge(host)
        if verdict.refused:
            return Told(ask.number, False, "", void=f"agent_forbidden: {verdict.refused}: {verdict.hint}")
        gate = self._guard.gate(host, verdict)
        place = Place(reactor=self._reactor, timeout_us=ask.timeout_us, refuses=gate.refuses)
        probe = make(module, ask.target, ask.hostname or None)
        probe.found = gate.found
        watch = Watch(place)
        result = await self._reactor.run(probe.run(watch), watch.deadline_ns)
        sight = probe.sight(result)
        return Told(ask.number, sight.success, render(sight), sight.log, sight.void)


def _end_with_the_hub() -> None:
    """Have the kernel end us with the hub, should we be too busy, or stopped, to see that it is gone."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)


def _be_the_first_to_go() -> None:
    """Have the kernel end us rather than the hub when memory runs out: bodies of targets are here, and not there."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


async def _serve(fd: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the hub decides when we go
        signal.signal(number, signal.SIG_IGN)
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    await Worker(await Carrier.over(sock), Reactor(asyncio.get_running_loop())).run()


def main(arguments: list[str] | None = None) -> int:
    """Run until the hub is gone."""
    parser = argparse.ArgumentParser(prog="prober-blackbox")
    parser.add_argument("--fd", type=int, required=True, help="one end of a socket pair with the hub")
    given = parser.parse_args(arguments)
    gc.disable()
    _end_with_the_hub()
    _be_the_first_to_go()
    run_loop(_serve(given.fd))
    return 0


if __name__ == "__main__":
    sys.exit(main())
