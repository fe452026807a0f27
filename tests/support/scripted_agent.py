"""A remote agent that does what a test tells it: it links, introduces itself and delivers, well or badly.

Built on aiohttp's client and on the messages alone, so that it can say what no agent of ours would.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import msgspec

from checks.core.result import Failure, Outcome, Result
from prober import wire
from prober.agent.keys import AgentKey
from prober.agent.sealing import LEVEL
from prober.wire import (
    Ack,
    Assignment,
    Batch,
    Challenge,
    Gap,
    Health,
    Hello,
    Kind,
    Message,
    Record,
    Refusal,
    Sealed,
    SpoolState,
    Welcome,
)  # fmt: skip

WAIT_SECONDS = 15.0
PATH = "/agent/v1/link"
HEALTH = Health(worst_lag_us=7, in_flight=0, queued=0, cpu_us=0, resident_bytes=0, clock_steps=0)
M = TypeVar("M")


def sealed_as(body: bytes, key: AgentKey, epoch: int, sequence: int) -> Sealed:
    """Return an encoded message as an agent would seal it."""
    import zlib

    return Sealed(epoch, sequence, zlib.compress(body, LEVEL), key.sign(body))


@dataclass(slots=True)
class Chain:
    """The growing chain of one agent, over all its epochs; every batch stays, to be offered again."""

    agent: str
    key: AgentKey
    hub: bytes = b""
    epoch: int = 1_790_000_000_000_000_000
    sequence: int = 0
    previous: bytes = b""
    previous_epoch: int = 0
    sealed: list[Sealed] = field(default_factory=list)
    spool: SpoolState | None = None

    def batch(self, records: Iterable[Record] = (), gaps: Iterable[Gap] = (), **changes: Any) -> Batch:
        """Return the next batch, changed as told, without going on to it."""
        found = tuple(records)
        made = Batch(
            version=wire.VERSION, agent=self.agent, epoch=self.epoch, sequence=self.sequence + 1,
            previous=self.previous, digest="d" * 64, records=found, gaps=tuple(gaps), health=HEALTH, hub=self.hub,
            complete_us=max((record.result.started_us for record in found), default=0),
            previous_epoch=self.previous_epoch if self.sequence == 0 else 0, spool=self.spool,
        )  # fmt: skip
        return msgspec.structs.replace(made, **changes)

    def seal(self, batch: Batch) -> Sealed:
        """Seal a batch and go on to it."""
        body = wire.encode(batch)
        self.sequence, self.previous = batch.sequence, batch.stands_for or wire.digest(body)
        self.sealed.append(sealed_as(body, self.key, batch.epoch, batch.sequence))
        return self.sealed[-1]

    def next(self, records: Iterable[Record] = (), gaps: Iterable[Gap] = ()) -> Sealed:
        """Seal the next batch of these."""
        return self.seal(self.batch(records, gaps))

    def begin_epoch(self) -> None:
        """Go on in another epoch, which names the one before."""
        if self.sequence:
            self.previous_epoch = self.epoch
        self.epoch, self.sequence = self.epoch + 1, 0


@dataclass(slots=True)
class ScriptedAgent:
    """One link of an agent. What came is read by `next`; what comes in between is kept."""

    socket: aiohttp.ClientWebSocketResponse
    chain: Chain
    challenge: Challenge | None = None
    welcome: Welcome | None = None
    came: list[Message] = field(default_factory=list)
    paused: asyncio.Transport | None = None

    async def send(self, message: Message | bytes) -> None:
        """Send a message."""
        await self.socket.send_bytes(message if isinstance(message, bytes) else wire.encode(message))

    async def receive(self) -> Message | None:
        """Return the next message; None when the hub has closed."""
        async with asyncio.timeout(WAIT_SECONDS):
            heard = await self.socket.receive()
        return wire.decode(heard.data) if heard.type is aiohttp.WSMsgType.BINARY else None

    async def next(self, kind: type[M]) -> M:
        """Return the next message of a kind; others before it are kept."""
        while (message := await self.receive()) is not None:
            if isinstance(message, kind):
                return message
            self.came.append(message)
        raise ConnectionError(f"the hub closed instead of saying {kind.__name__}; before: {self.came}")

    def hello(self, challenge: Challenge, **changes: Any) -> Hello:
        """Return the right answer to a challenge, changed as told."""
        chain, key = self.chain, self.chain.key
        signed = wire.hello_bytes(challenge.nonce, challenge.hub, challenge.region, chain.agent, key.public)
        right = Hello(
            version=wire.VERSION, oldest=wire.OLDEST, agent=chain.agent, software="0.9-test", key=key.public,
            signature=key.sign(signed), started_us=time.time_ns() // 1000, asked_us=41,
        )  # fmt: skip
        return msgspec.structs.replace(right, **changes)

    async def introduce(self, **changes: Any) -> Welcome:
        """Answer the challenge and be welcome."""
        self.challenge = await self.next(Challenge)
        self.chain.hub = self.challenge.hub
        await self.send(self.hello(self.challenge, **changes))
        self.welcome = await self.next(Welcome)
        return self.welcome

    async def assigned(self, series: int | None = None) -> Assignment:
        """Return the next assignment, or the next with so many series."""
        while True:
            found = await self.next(Assignment)
            if series is None or len(found.series) == series:
                return found

    async def deliver(self, sealed: Sealed) -> Ack | Refusal:
        """Offer a batch and return the answer."""
        await self.send(sealed)
        while True:
            answer = await self.next(Ack | Refusal)  # type: ignore[arg-type]  # a union is fine for isinstance
            if (answer.epoch, answer.sequence) in ((sealed.epoch, sealed.sequence), (0, 0)):
                return answer  # type: ignore[no-any-return]

    def pause(self) -> None:
        """Take nothing any more; what was sent piles up on its way."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        self.paused = connection.transport

    async def is_closed(self) -> bool:
        """Wait until the hub has closed."""
        while (message := await self.receive()) is not None:
            self.came.append(message)
        return True


@contextlib.asynccontextmanager
async def linked(
    url: str, token: str, chain: Chain, tls: ssl.SSLContext | None = None, introduce: bool = True
) -> AsyncIterator[ScriptedAgent]:
    """Open a link; `url` is the listener's, with a slash at its end."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session:
        address = url.rstrip("/") + PATH
        async with session.ws_connect(
            address, headers=headers, ssl=tls or True, max_msg_size=wire.MAX_MESSAGE, autoping=True
        ) as socket:
            agent = ScriptedAgent(socket, chain)
            if introduce:
                await agent.introduce()
            try:
                yield agent
            finally:
                if agent.paused is not None:
                    agent.paused.abort()  # it would wait for a farewell that it does not read


def new_chain(agent: str = "fra-1", key: AgentKey | None = None) -> Chain:
    """Return the chain of an agent that has told nothing yet."""
    return Chain(agent, key or AgentKey.make())


def record(
    series: int, slot: int, started_us: int, outcome: Outcome = Outcome.PASS, kind: Kind = Kind.SCHEDULED
) -> Record:
    """Return a run that took a millisecond."""
    failures = (Failure("connect_refused", "refused"),) if outcome is Outcome.FAIL else ()
    result = Result(
        outcome=outcome,
        started_us=started_us,
        duration_us=1000,
        phases_us={"connect": 1000},
        failures=failures,
    )
    return Record(series, slot, int(kind), 0, result)
