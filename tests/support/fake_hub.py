"""A small hub for tests of the agent: it speaks the protocol as the real one does, and misbehaves when it is told to.

It checks what a hub must: the token, the signature of the greeting and of every batch, the chain of every epoch.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from support.ports import LOOPBACK, free_port

from prober import wire
from prober.agent.keys import verify
from prober.agent.sealing import open_sealed
from prober.wire import (
    Ack,
    Ask,
    Assignment,
    Batch,
    Challenge,
    Goodbye,
    Hello,
    Kind,
    Message,
    Position,
    Record,
    Refusal,
    Sealed,
    Time,
    Welcome,
)  # fmt: skip

TOKEN = "token-of-the-region-fra"
WAIT_SECONDS = 20.0
POLL_SECONDS = 0.02


@dataclass(slots=True)
class Chain:
    """What is on record of one epoch."""

    batches: list[Batch] = field(default_factory=list)
    hash: bytes = b""

    @property
    def sequence(self) -> int:
        return self.batches[-1].sequence if self.batches else 0


@dataclass(slots=True)
class FakeHub:
    """One hub; what a test may turn is public."""

    port: int
    secure: bool = False
    token: str = TOKEN
    region: str = "fra"
    store_id: bytes = b"store-of-the-hub"
    version: int = wire.VERSION
    oldest: int = wire.OLDEST
    ahead_us: int = 0  # its clock
    assignment: Assignment | None = None
    holding: bool = False  # takes batches and keeps its acknowledgements to itself
    status: int = 0  # answers the upgrade with this
    refuse_greeting: Refusal | None = None
    refuse: Callable[[Batch], Refusal | None] = lambda batch: (
        None
    )  # asked for each batch before it is looked at
    chains: dict[tuple[str, int], Chain] = field(default_factory=dict)
    order: list[tuple[int, int]] = field(default_factory=list)  # epoch and sequence as they were taken
    repeated: int = 0  # batches that were on record already
    refused: list[Refusal] = field(default_factory=list)  # by the chain
    hellos: list[Hello] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    most_unanswered: int = 0
    tokens: list[str] = field(default_factory=list)
    links: list[web.WebSocketResponse] = field(default_factory=list)
    _transports: list[asyncio.Transport] = field(default_factory=list)
    _held: list[tuple[web.WebSocketResponse, Ack]] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What an agent is given."""
        return f"{'https' if self.secure else 'http'}://{LOOPBACK}:{self.port}"

    # --- what it has ---

    def batches(self) -> list[Batch]:
        """Everything on record, in the order of epochs and sequences."""
        keys = sorted(self.chains, key=lambda key: key[1])
        return [batch for key in keys for batch in self.chains[key].batches]

    def records(self) -> list[Record]:
        """Every result of any kind, likewise."""
        return [record for batch in self.batches() for record in batch.records]

    def slots(self, series: int) -> list[int]:
        """The slots of a series with a scheduled result, in the order of epochs and sequences."""
        scheduled = (each for each in self.records() if each.kind == Kind.SCHEDULED)
        return [each.slot for each in scheduled if each.series == series]

    def gaps(self, series: int) -> list[tuple[int, int, str]]:
        """The gaps of a series."""
        found = [gap for batch in self.batches() for gap in batch.gaps if gap.series == series]
        return [(gap.first, gap.last, gap.reason) for gap in found]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not holds():  # noqa: ASYNC110  # what is waited for is anything that a test can ask
                await asyncio.sleep(POLL_SECONDS)

    # --- what it does ---

    async def send(self, message: Message | bytes) -> None:
        """Tell every agent that is linked."""
        data = message if isinstance(message, bytes) else wire.encode(message)
        for link in list(self.links):
            await _send(link, data)

    async def assign(self, assignment: Assignment) -> None:
        """Change what agents run."""
        self.assignment = assignment
        await self.send(assignment)

    async def release(self) -> None:
        """Send what was held back, and hold nothing back any more."""
        self.holding = False
        held, self._held = self._held, []
        for link, ack in held:
            await _send(link, wire.encode(ack))

    def drop(self) -> None:
        """Cut every link, without a word."""
        for transport in self._transports:
            transport.abort()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen."""
        self.secure = tls is not None
        app = web.Application()
        app.router.add_get("/agent/v1/link", self._link)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self.port, ssl_context=tls, reuse_address=True).start()

    async def stop(self) -> None:
        """Be away: cut every link and listen no more."""
        self.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # --- one link ---

    async def _link(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.status:
            return web.json_response({"error": f"said {self.status}", "hint": "a hint"}, status=self.status)
        if self.tokens[-1] != f"Bearer {self.token}":
            return web.json_response({"error": "the hub does not know this token"}, status=401)
        link = web.WebSocketResponse(max_msg_size=wire.MAX_MESSAGE)
        await link.prepare(request)
        transport = request.transport
        assert transport is not None
        self._transports.append(transport)
        try:
            await self._serve(link)
        finally:
            self._transports.remove(transport)
            if link in self.links:
                self.links.remove(link)
        return link

    async def _serve(self, link: web.WebSocketResponse) -> None:
        hello = await self._greet(link)
        if hello is None:
            return
        self.links.append(link)
        if self.assignment is not None:
            await link.send_bytes(wire.encode(self.assignment))
        async for message in link:
            if message.type is not aiohttp.WSMsgType.BINARY:
                continue
            said = wire.decode(message.data)
            if isinstance(said, Sealed):
                await self._take(link, hello, said)
            elif isinstance(said, Ask):
                self.asks.append(said)
                await _send(link, wire.encode(Time(said.asked_us, self.now_us(), self.now_us())))

    async def _greet(self, link: web.WebSocketResponse) -> Hello | None:
        nonce = os.urandom(16)
        await link.send_bytes(
            wire.encode(
                Challenge(self.version, self.oldest, self.store_id, self.region, nonce, self.now_us())
            )
        )
        try:
            hello = wire.decode(await link.receive_bytes())
        except (TypeError, OSError):  # the agent has left: it did not like what it heard
            return None
        assert isinstance(hello, Hello)
        signed = wire.hello_bytes(nonce, self.store_id, self.region, hello.agent, hello.key)
        assert verify(hello.key, hello.signature, signed)
        self.hellos.append(hello)
        if self.refuse_greeting is not None:
            await link.send_bytes(wire.encode(self.refuse_greeting))
            await link.close()
            return None
        positions = tuple(
            Position(epoch, chain.sequence, chain.hash)
            for (agent, epoch), chain in self.chains.items()
            if agent == hello.agent and chain.batches
        )
        now_us = self.now_us()
        await link.send_bytes(wire.encode(Welcome(positions, hello.asked_us, now_us, now_us)))
        return hello

    def now_us(self) -> int:
        """Its clock."""
        return time.time_ns() // 1000 + self.ahead_us

    async def _take(self, link: web.WebSocketResponse, hello: Hello, sealed: Sealed) -> None:
        received_us = self.now_us()
        batch, body = open_sealed(sealed, hello.key)
        refusal = self.refuse(batch) or self._judge(hello.agent, batch, body)
        if refusal is not None:
            self.refused.append(refusal)
            await _send(link, wire.encode(refusal))
            return
        ack = Ack(batch.epoch, batch.sequence, received_us, self.now_us())
        if self.holding:
            self._held.append((link, ack))
            per_epoch = [each.epoch for _, each in self._held]
            self.most_unanswered = max(
                self.most_unanswered, *(per_epoch.count(each) for each in set(per_epoch))
            )
        else:
            await _send(link, wire.encode(ack))

    def _judge(self, agent: str, batch: Batch, body: bytes) -> Refusal | None:
        chain = self.chains.setdefault((agent, batch.epoch), Chain())
        if batch.sequence <= chain.sequence:
            self.repeated += 1
            return None
        if (batch.first_sequence or batch.sequence) > chain.sequence + 1:
            return Refusal(batch.epoch, batch.sequence, "aside", "a batch is missing")
        if chain.batches and not batch.first_sequence and batch.previous != chain.hash:
            return Refusal(batch.epoch, batch.sequence, "aside", "the chain is broken")
        chain.batches.append(batch)
        chain.hash = batch.stands_for or hashlib.sha256(body).digest()
        self.order.append((batch.epoch, batch.sequence))
        return None


async def _send(link: web.WebSocketResponse, data: bytes) -> None:
    with contextlib.suppress(OSError):  # the link has just been cut
        await link.send_bytes(data)


@contextlib.asynccontextmanager
async def fake_hub(tls: ssl.SSLContext | None = None, **turned: object) -> AsyncIterator[FakeHub]:
    """Run a hub on loopback until the end of the block; `turned` are fields of it."""
    hub = FakeHub(port=free_port())
    for name, value in turned.items():
        setattr(hub, name, value)
    await hub.start(tls)
    try:
        yield hub
    finally:
        await hub.stop()


LEAVING = Goodbye("it is restarted")
