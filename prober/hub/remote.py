"""One link of a remote agent: who it is, what it delivers, what it is told; from the challenge to the end.

Bounded on every side: how long is waited for it, how much of it waits for a commit, how fast it is listened to. A
batch is taken whole or kept aside, and answered once that is on record. Whose link is whose is `remotes.py`'s
business, whether a batch can be taken `chains.py`'s and `scrutiny.py`'s; what carries the bytes lives in `prober/web`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from prober import wire
from prober.agent.sealing import open_sealed, unpacks_within
from prober.store.base import AgentRow
from prober.wire import Ack, Ask, Batch, Challenge, Hello, Message, Refusal, Sealed, Time, Welcome, WireError

from .chains import Fate, Verdict
from .enrolment import Stranger
from .pacing import Bucket, Pace
from .pipeline import Pipeline
from .tokens import Access

log = logging.getLogger(__name__)
HELLO_SECONDS = 10.0  # for the answer to the challenge
IDLE_SECONDS = 15.0  # without a sign of life, and the link is dead
FAREWELL_SECONDS = 1.0  # for the last message on a link
MAX_UNANSWERED = 64  # batches of one link that wait for a commit; then nothing more is read of it
MAX_OUTGOING = 256  # messages to one agent that wait to be sent; one more, and it is taken for dead
INLINE_BYTES = 65_536  # unpacked; what is larger is opened in a thread, for it takes more than a millisecond
MAX_OPENING = 2  # such batches at the same time, of all links: what they are made into may be large
MAX_REASON = 300  # characters
MESSAGES = Pace(per_second=1_000, burst=2_000)  # of one agent
BYTES = Pace(per_second=16 * 2**20, burst=64 * 2**20)
MAX_WAITING_BYTES = 32 * 2**20  # of opened batches of one link that wait for a commit
MAX_PLACE = 2**63  # of epochs and sequences
_FOR_HUBS = (b"H", b"S", b"Q")  # how the messages begin that agents send


class Link(Protocol):
    """What carries messages; see prober/web/agents.py."""

    address: str

    async def receive(self, within_seconds: float) -> bytes | None:
        """Return the next message, b"" for another sign of life, None when it is over or silent for so long."""

    async def send(self, message: bytes) -> bool:
        """Send a message; False when the other side is gone or takes nothing."""

    async def close(self, reason: str = "") -> None:
        """Close, within a second; safe to call twice."""


class Desk(Protocol):
    """What a link needs of the hub."""

    hub: bytes
    pipeline: Pipeline
    opening: asyncio.Semaphore  # for batches that are opened in a thread

    def now_us(self) -> int: ...
    async def admit(self, challenge: Challenge, hello: Hello) -> AgentRow:
        """Return who it is, once that is on record. Raises Stranger, or TimeoutError while nothing can be stored."""

    def joined(self, agent: RemoteAgent) -> None: ...
    def left(self, agent: RemoteAgent) -> None: ...
    def faults(self, agent: RemoteAgent, batch: Batch) -> Iterator[str]: ...
    async def meet(self, agent: RemoteAgent, batch: Batch) -> None:
        """Wait, not for long, until a batch may be judged: where several agents run all probes of a region."""

    def taken(self, agent: RemoteAgent, batch: Batch) -> None:
        """Note a batch that was taken and is on its way to the record."""

    def on_record(self, agent: RemoteAgent, batch: Batch) -> None:
        """Note a batch that is on record."""

    def put_aside(
        self, agent: RemoteAgent, sealed: Sealed, data: bytes, reason: str
    ) -> asyncio.Future[None] | None:
        """Keep a batch aside; the future ends when it is on record. None: this agent had too many of them."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is told once something is on record; nothing to wait for: at once."""

    done: asyncio.Future[None] | None
    make: Callable[[int], Message]
    batch: Batch | None = None
    size: int = 0


class RemoteAgent:
    """One link. `run` it; who it is, is known once it was introduced."""

    def __init__(self, link: Link, access: Access, desk: Desk) -> None:
        self.link = link
        self.access = access
        self.row: AgentRow | None = None
        self.hello: Hello | None = None
        self.assigned: tuple[int, frozenset[int]] | None = (
            None  # the configuration and series it was told to run
        )
        self.heard_us = 0  # by the hub's clock
        self.alive_us = time.monotonic_ns() // 1000  # when it gave its last sign of life
        self._desk = desk
        self._answers: asyncio.Queue[_Answer] = asyncio.Queue(MAX_UNANSWERED)
        self._outgoing: asyncio.Queue[Callable[[int], Message]] = asyncio.Queue(MAX_OUTGOING)
        self._messages, self._bytes = Bucket(MESSAGES), Bucket(BYTES)
        self._broken: dict[int, int] = {}  # epochs that this link went wrong in, and where
        self._waiting_bytes = 0
        self._freed = asyncio.Event()

    @property
    def name(self) -> str:
        """The agent's name; the address of one that is not known yet."""
        return self.row.name if self.row is not None else self.link.address

    async def run(self) -> None:
        """Serve the link to its end."""
        try:
            if await self._introduce():
                await self._serve()
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await self.link.close()

    def tell(self, message: Message) -> bool:
        """Send a message when its turn comes; False for an agent that takes nothing any more."""
        try:
            self._outgoing.put_nowait(lambda _now_us: message)
        except asyncio.QueueFull:
            return False
        return True

    async def end(self, message: Message, reason: str) -> None:
        """Send a last message and close; `run` then returns."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.link.send(wire.encode(message))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self.link.close(reason)

    async def _introduce(self) -> bool:
        desk = self._desk
        challenge = Challenge(
            version=wire.VERSION, oldest=wire.OLDEST, hub=desk.hub, region=self.access.region,
            nonce=secrets.token_bytes(32), now_us=desk.now_us(),
        )  # fmt: skip
        if not await self.link.send(wire.encode(challenge)):
            return False
        try:
            hello = await self._hello()
            if hello is None:
                return False
            self.row, self.hello = await desk.admit(challenge, hello), hello
        except (WireError, Stranger) as problem:
            log.warning("an agent was refused", extra=self._extra(problem=str(problem)))
            await self._refuse("stop", str(problem))
            return False
        except TimeoutError:
            await self._refuse("retry", "the hub cannot put anything on record at the moment")
            return False
        positions = desk.pipeline.chains.positions(self.row.name)
        welcome = Welcome(positions, hello.asked_us, self.heard_us, desk.now_us())
        return await self.link.send(wire.encode(welcome))

    async def _hello(self) -> Hello | None:
        deadline = time.monotonic() + HELLO_SECONDS
        while (data := await self.link.receive(max(deadline - time.monotonic(), 0.01))) is not None:
            self._alive()
            message = _decode(data)
            if isinstance(message, Hello):
                _check_version(message)
                return message
            if message is not None:
                raise WireError(f"expected a Hello, got {type(message).__name__}")
            if time.monotonic() > deadline:
                break
        return None

    async def _serve(self) -> None:
        self._desk.joined(self)
        others = [asyncio.create_task(self._send_all()), asyncio.create_task(self._answer_all())]
        try:
            await self._listen()
        except WireError as problem:
            log.error("a link of an agent was ended", extra=self._extra(problem=str(problem)))
            await self._refuse("stop", str(problem))
        finally:
            self._desk.left(self)
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> None:
        while (data := await self.link.receive(IDLE_SECONDS)) is not None:
            self._alive()
            if not data:
                continue
            await self._keep_pace(len(data))
            message = _decode(data)
            if isinstance(message, Sealed):
                if not await self._take(message, data, self.heard_us):
                    return
            elif isinstance(message, Ask):
                self._say_time(message, self.heard_us)
            elif message is not None:
                raise WireError(f"expected a batch, got {type(message).__name__}")

    def _alive(self) -> None:
        self.heard_us = self._desk.now_us()
        self.alive_us = time.monotonic_ns() // 1000

    async def _keep_pace(self, length: int) -> None:
        now = time.monotonic()
        wait = max(self._messages.take(1, now), self._bytes.take(length, now))
        if wait:
            await asyncio.sleep(wait)  # what it sends meanwhile waits on its side

    async def _take(self, sealed: Sealed, data: bytes, received_us: int) -> bool:
        """Take one batch; False when the link has to end."""
        place = sealed.epoch, sealed.sequence
        if not all(1 <= each < MAX_PLACE for each in place):
            raise WireError(f"a batch that says it is {sealed.epoch}/{sealed.sequence}")
        if sealed.sequence > self._broken.get(sealed.epoch, sealed.sequence):
            # It followed one that was kept aside: the agent goes on in a new epoch, or offers it again on a new link.
            again = Refusal(*place, "retry", "it follows one kept aside")
            await self._answers.put(_Answer(None, lambda _now_us: again))
            return True
        try:
            batch, body = await self._open(sealed)
        except WireError as problem:
            return await self._put_aside(sealed, data, str(problem))
        digest = wire.digest(body)
        if batch.agent == self.name:
            await self._desk.meet(self, batch)
        verdict = self._desk.pipeline.chains.judge(batch, digest)
        # An agent may only ask for its own chains, or it would be told of those of others.
        fault = next(self._desk.faults(self, batch), "") if verdict.fate is Fate.NEXT else ""
        if batch.agent != self.name:
            fault = "tells of another agent"
        if fault or verdict.fate is Fate.BROKEN:
            return await self._put_aside(sealed, data, fault or verdict.reason)
        self._waiting_bytes += len(body)
        done = self._follow(batch, digest, verdict)
        await self._answers.put(
            _Answer(done, lambda now_us: Ack(*place, received_us, now_us), batch, len(body))
        )
        return True

    async def _open(self, sealed: Sealed) -> tuple[Batch, bytes]:
        assert self.row is not None
        while self._waiting_bytes > MAX_WAITING_BYTES:
            self._freed.clear()
            await self._freed.wait()
        if unpacks_within(sealed.packed, INLINE_BYTES):
            return open_sealed(sealed, self.row.key)
        async with self._desk.opening:
            return await asyncio.to_thread(open_sealed, sealed, self.row.key)

    def _follow(self, batch: Batch, digest: bytes, verdict: Verdict) -> asyncio.Future[None] | None:
        pipeline = self._desk.pipeline
        if verdict.fate is Fate.AGAIN:
            return pipeline.pending(batch)
        if verdict.note:
            log.warning("a batch is odd", extra=self._extra(batch=batch.sequence, problem=verdict.note))
        done = pipeline.accept(batch, digest)
        self._desk.taken(self, batch)
        return done

    async def _put_aside(self, sealed: Sealed, data: bytes, reason: str) -> bool:
        place = sealed.epoch, sealed.sequence
        reason = reason[:MAX_REASON]
        log.error("a batch is kept aside", extra=self._extra(epoch=place[0], batch=place[1], problem=reason))
        done = self._desk.put_aside(self, sealed, data, reason)
        if done is None:
            await self._refuse(
                "retry", f"too many batches were kept aside, the last one because: {reason}", *place
            )
            return False
        self._broken[sealed.epoch] = sealed.sequence
        refusal = Refusal(*place, "aside", reason)
        await self._answers.put(_Answer(done, lambda _now_us: refusal))
        return True

    async def _answer_all(self) -> None:
        # In the order of arrival, which is that of commits.
        while True:
            answer = await self._answers.get()
            if answer.done is not None:
                await asyncio.shield(answer.done)
            self._waiting_bytes -= answer.size
            self._freed.set()
            if answer.batch is not None:
                self._desk.on_record(self, answer.batch)
            await self._outgoing.put(answer.make)

    async def _send_all(self) -> None:
        while True:
            make = await self._outgoing.get()
            if not await self.link.send(wire.encode(make(self._desk.now_us()))):
                await self.link.close()
                return

    def _say_time(self, ask: Ask, received_us: int) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._outgoing.put_nowait(lambda now_us: Time(ask.asked_us, received_us, now_us))

    async def _refuse(self, fate: str, reason: str, epoch: int = 0, sequence: int = 0) -> None:
        await self.end(Refusal(epoch, sequence, fate, reason[:MAX_REASON]), "refused")

    def _extra(self, **more: object) -> dict[str, object]:
        return {"agent": self.name, "region": self.access.region, **more}


def _decode(data: bytes) -> Message | None:
    """Return a message that agents send; None for all others, which may be of a later release. Raises WireError."""
    return wire.decode(data) if data[:1] in _FOR_HUBS else None


def _check_version(hello: Hello) -> None:
    try:
        wire.check_version(hello.version, hello.oldest, "the agent")
    except WireError as problem:
        raise WireError(str(problem).replace("this one", "the hub")) from None
