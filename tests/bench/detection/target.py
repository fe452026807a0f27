"""The failure target put together: web, TLS, ports of their own, name servers; breaks and heals a host on demand."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

from bench.detection.configuration import Places
from bench.detection.faults import Board, Fault
from bench.detection.names import ADDRESS, ADDRESS6, Late, Names, name_server
from bench.detection.ports import Port
from bench.detection.scenarios import POLICIES, Scenario
from bench.detection.secure import Secure
from bench.detection.truth import TruthLog
from bench.detection.web import Web, mail

TICK_SECONDS = 0.02
STALL_SECONDS = 0.05  # a tick that is later than this is on record


class Target:
    """Everything that probes look at. `break_` and `heal` take effect before they return."""

    def __init__(self) -> None:
        self.board = Board()
        self.names = Names(self.board)
        self._web = Web(self.board)
        self._secure = Secure(self.board)
        self._ports: dict[str, Port] = {}
        self._ports6: dict[str, Port] = {}
        self.places: Places

    def break_(self, host: str, fault: Fault, seed: int) -> None:
        """Put a fault in force."""
        self.board.set(host, fault, seed)
        if fault.act == "refuse":
            self._ports[host].refuse()
        elif fault.act == "drop":
            self._ports[host].drop()
        elif fault.act == "refuse-ipv6":
            self._ports6[host].refuse()

    def heal(self, host: str) -> None:
        """End whatever is wrong with a host."""
        self.board.clear(host)
        for ports in (self._ports, self._ports6):
            if host in ports:
                ports[host].open()

    async def start(
        self, scenarios: Sequence[Scenario], stack: contextlib.AsyncExitStack, late: Late
    ) -> None:
        """Open every port; `stack` closes them. `late` is told how long name queries waited to be read."""
        web = self._port(stack, Port(self._web.talk, self.board, address=(ADDRESS, 0)))
        secure = self._port(
            stack, Port(self._web.talk, self.board, address=(ADDRESS, 0), tls=self._secure.context)
        )
        for scenario in scenarios:
            for policy in POLICIES if scenario.own else ():
                self._own_port(scenario, scenario.host(policy.name), stack)
        ns1, ns2 = [
            await stack.enter_async_context(name_server(self.names, name, late)) for name in ("ns1", "ns2")
        ]
        own = {host: port.number for host, port in self._ports.items()}
        self.places = Places(
            web=web.number, secure=secure.number, ns1=ns1, ns2=ns2, own=own, ca_file=self._secure.ca_file
        )

    def _own_port(self, scenario: Scenario, host: str, stack: contextlib.AsyncExitStack) -> None:
        talk = mail if scenario.own == "mail" else self._web.talk
        tls = (lambda: self._secure.context_of(host)) if scenario.own == "secure" else (lambda: None)
        port = self._port(stack, Port(talk, self.board, host=host, tls=tls, address=(ADDRESS, 0)))
        self._ports[host] = port
        if scenario.ipv6:
            self._ports6[host] = self._port(stack, Port(talk, self.board, address=(ADDRESS6, port.number)))
            self.names.with_ipv6.add(host)

    def _port(self, stack: contextlib.AsyncExitStack, port: Port) -> Port:
        stack.push_async_callback(port.release)
        return port


@contextlib.asynccontextmanager
async def running_target(scenarios: Sequence[Scenario], log: TruthLog) -> AsyncIterator[Target]:
    """Run the target for a table; times in which it stands still are put on record."""
    target = Target()
    async with contextlib.AsyncExitStack() as stack:
        await target.start(scenarios, stack, partial(_note_late, log))
        watchman = asyncio.create_task(_note_stalls(log), name="stalls of the target")
        stack.push_async_callback(_end, watchman)
        yield target


async def _note_stalls(log: TruthLog) -> None:
    while True:
        due = time.monotonic() + TICK_SECONDS
        await asyncio.sleep(TICK_SECONDS)
        if (late := time.monotonic() - due) > STALL_SECONDS:
            log.note("stall", stalled_us=int((late + TICK_SECONDS) * 1e6))


def _note_late(log: TruthLog, came_us: int, read_us: int) -> None:
    if read_us - came_us > STALL_SECONDS * 1e6:
        log.note("stall", read_us, stalled_us=read_us - came_us)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
