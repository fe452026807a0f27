"""The demo's services, started and stopped together: `async with stand_ins(folder) as demo`.

Here: which server plays which service, and following the script. Real sockets on 127.0.0.1; what is measured
against them is measured. Not here: the script (`script`), the words on the wire (`talks`, `names`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from .certificates import DemoCertificates, make_certificates
from .configuration import REGIONS, configuration
from .listener import Listener, Talk
from .names import name_server
from .script import Mode, Service, mode_at
from .talks import ModeFor, Page, cache, mail, web

HOST = "127.0.0.1"
FOLLOW_SECONDS = 0.1

Clock = Callable[[], int]
"""Monotonic nanoseconds."""

PAGES = {
    Service.SHOP_WEB: Page(body=b"<h1>Shop</h1><p>Basket: 2 articles</p>", usual_us=25_000),
    Service.CATALOGUE: Page(body=b"<h1>Lamp</h1><p>In stock: 14</p>", usual_us=18_000),
    Service.CHECKOUT: Page(body=b"<h1>Checkout</h1>", usual_us=30_000),
    Service.API: Page(
        body=b'{"status": "ok", "version": "2.4.1"}', content_type="application/json", usual_us=4_000
    ),
    Service.MIRROR_EUROPE: Page(body=b"prober-2.4.1.tar.gz", content_type="text/plain", usual_us=8_000),
    Service.MIRROR_ASIA: Page(body=b"prober-2.4.1.tar.gz", content_type="text/plain", usual_us=9_000),
}


@dataclass(frozen=True, slots=True)
class Stage:
    """The script against a clock: what mode a service is in now."""

    clock_ns: Clock
    start_ns: int

    def mode(self, service: Service, source_address: str | None = None) -> Mode:
        """Return the present mode of a service, towards one source address if given."""
        return mode_at(service, (self.clock_ns() - self.start_ns) // 1000, source_address)

    def mode_for(self, service: Service) -> ModeFor:
        """Return the present mode of one service as a function of the source address."""
        return functools.partial(self.mode, service)


class StandIns:
    """The running services: where they are, and the `probes.yaml` that watches them."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self._stage = stage
        self._certificates = make_certificates(folder, HOST)
        self._folder = folder
        self._listeners: dict[Service, Listener] = {}
        self.addresses: dict[Service, tuple[str, int]] = {}

    @property
    def configuration(self) -> str:
        """YAML text of a complete configuration for the services as they run now."""
        with_sources = all(can_bind(address) for _, _, address in REGIONS)
        return configuration(
            self._folder, self._certificates.ca_file, self.addresses, with_sources=with_sources
        )

    async def apply(self) -> None:
        """Bring the ports in line with the script: those of services that refuse are closed, others open."""
        for service, listener in self._listeners.items():
            if self._stage.mode(service) is Mode.REFUSING:
                await listener.close()
            else:
                await listener.open()

    async def follow(self) -> None:
        """Apply the script, over and over, until cancelled."""
        while True:
            await self.apply()
            await asyncio.sleep(FOLLOW_SECONDS)

    async def start(self, stack: contextlib.AsyncExitStack) -> None:
        """Open every service; `stack` closes them."""
        secure = _certificate_by_mode(self._certificates, self._stage)
        for service, talk in self._talks().items():
            listener = Listener(talk, HOST, secure if service is Service.CHECKOUT else None)
            stack.push_async_callback(listener.release)
            self._listeners[service] = listener
            self.addresses[service] = listener.address
        names = name_server(HOST, self._stage.mode_for(Service.NAMES))
        self.addresses[Service.NAMES] = await stack.enter_async_context(names)
        await self.apply()

    def _talks(self) -> dict[Service, Talk]:
        mode_for = self._stage.mode_for
        return {
            **{service: web(page, mode_for(service)) for service, page in PAGES.items()},
            Service.SHOP_CACHE: cache(mode_for(Service.SHOP_CACHE)),
            Service.MAIL: mail(mode_for(Service.MAIL)),
        }


@contextlib.asynccontextmanager
async def stand_ins(folder: Path, clock_ns: Clock = time.monotonic_ns) -> AsyncIterator[StandIns]:
    """Run the services on free ports of 127.0.0.1; the script starts now.

    Certificates are written to `folder`, and `configuration` puts the store there.
    Raises OSError where a port cannot be bound or the folder cannot be written.
    """
    demo = StandIns(folder, Stage(clock_ns, clock_ns()))
    async with contextlib.AsyncExitStack() as stack:
        await demo.start(stack)
        follower = asyncio.create_task(demo.follow(), name="demo script")
        stack.push_async_callback(_end, follower)
        yield demo


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def can_bind(address: str) -> bool:
    """Tell whether we can probe from an address: Linux has all of 127/8, other systems 127.0.0.1 alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def _certificate_by_mode(certificates: DemoCertificates, stage: Stage) -> ssl.SSLContext:
    """Return the good context, made to hand over to the expired one while the script says so."""

    # Called in every handshake, also where the client sends no server name (an address has none).
    def choose(
        connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext
    ) -> None:
        if stage.mode(Service.CHECKOUT) is Mode.EXPIRED:
            connection.context = certificates.expired

    certificates.good.sni_callback = choose
    return certificates.good
