"""TCP servers for tests: polite, scripted and broken ones. HTTP and DNS have their own files."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from support.ports import LOOPBACK, held_port, serving

LINE_LIMIT_BYTES = 2**16
# Linux takes one connection more than the backlog says; a few more attempts make sure that it is full.
_BACKLOG_FILLERS = 4


@dataclass(slots=True)
class TcpPeer:
    """A running server and what it has seen: peer addresses in order, and all bytes received."""

    host: str = LOOPBACK
    port: int = 0
    peers: list[tuple[str, int]] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class Conversation:
    """One connection as a behaviour sees it."""

    peer: TcpPeer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Write bytes and wait until they are taken."""
        self.writer.write(data)
        await self.writer.drain()

    async def line(self) -> bytes:
        """Read one line, its end included; empty at the end of the stream."""
        data = await self.reader.readline()
        self.peer.received += data
        return data

    async def drain_input(self) -> None:
        """Read until the peer closes."""
        while data := await self.reader.read(2**16):
            self.peer.received += data


Behaviour = Callable[[Conversation], Awaitable[None]]


@contextlib.asynccontextmanager
async def tcp_peer(
    behaviour: Behaviour, *, host: str = LOOPBACK, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[TcpPeer]:
    """Run `behaviour` for each connection; the connection is closed when it returns."""
    peer = TcpPeer()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.peers.append(writer.get_extra_info("peername")[:2])
        await behaviour(Conversation(peer, reader, writer))

    async with serving(handle, host=host, port=port, tls=tls, limit_bytes=LINE_LIMIT_BYTES) as address:
        peer.host, peer.port = address
        yield peer


# --- behaviours -----------------------------------------------------------------------------------------


async def close_at_once(conversation: Conversation) -> None:
    """Accept and close politely."""


async def reset(conversation: Conversation) -> None:
    """Accept and reset the connection."""
    _linger_zero(conversation.writer)


async def silence(conversation: Conversation) -> None:
    """Accept, read, never say a thing."""
    await conversation.drain_input()


async def echo(conversation: Conversation) -> None:
    """Send back whatever comes."""
    while data := await conversation.reader.read(2**16):
        conversation.peer.received += data
        await conversation.send(data)


async def endless(conversation: Conversation) -> None:
    """Send bytes without a line end for as long as the peer listens."""
    while True:
        await conversation.send(b"x" * 2**16)


def reset_after(data: bytes) -> Behaviour:
    """Send `data`, then reset once the peer has said something."""

    async def behave(conversation: Conversation) -> None:
        await conversation.send(data)
        await conversation.reader.read(1)
        _linger_zero(conversation.writer)

    return behave


def banner(data: bytes) -> Behaviour:
    """Send `data` at once, then only listen."""

    async def behave(conversation: Conversation) -> None:
        await conversation.send(data)
        await conversation.drain_input()

    return behave


def garbage(data: bytes = b"\x00\x01 neither TLS nor anything else \xff\r\n") -> Behaviour:
    """Wait for the first bytes (a TLS greeting, say), answer with `data`, close."""

    async def behave(conversation: Conversation) -> None:
        conversation.peer.received += await conversation.reader.read(2**14)
        await conversation.send(data)

    return behave


def drip(data: bytes, pace_us: int) -> Behaviour:
    """Send `data` byte by byte, `pace_us` microseconds apart, then only listen."""

    async def behave(conversation: Conversation) -> None:
        for value in data:
            await conversation.send(bytes([value]))
            await asyncio.sleep(pace_us / 1e6)
        await conversation.drain_input()

    return behave


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Expect:
    """Read a line and match it from its start; anything else ends the connection."""

    pattern: bytes


@dataclass(frozen=True, slots=True)
class StartTls:
    """Upgrade the connection to TLS as the server side."""

    context: ssl.SSLContext


Step = Send | Expect | StartTls


def scripted(*steps: Step) -> Behaviour:
    """Follow `steps` in order, then only listen until the peer closes."""

    async def behave(conversation: Conversation) -> None:
        for step in steps:
            if not await _follow(step, conversation):
                return
        await conversation.drain_input()

    return behave


def smtp(context: ssl.SSLContext) -> Behaviour:
    """A mail server's dialogue up to and after STARTTLS."""
    return scripted(
        Send(b"220 mail.test ESMTP\r\n"),
        Expect(rb"EHLO "),
        Send(b"250-mail.test\r\n250 STARTTLS\r\n"),
        Expect(rb"STARTTLS"),
        Send(b"220 go ahead\r\n"),
        StartTls(context),
        Expect(rb"EHLO "),
        Send(b"250 mail.test\r\n"),
    )


async def _follow(step: Step, conversation: Conversation) -> bool:
    match step:
        case Send(data):
            await conversation.send(data)
        case Expect(pattern):
            return re.match(pattern, await conversation.line()) is not None
        case StartTls(context):
            await conversation.writer.start_tls(context)
    return True


def _linger_zero(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


# --- ports without a server -----------------------------------------------------------------------------


@contextlib.contextmanager
def refused(host: str = LOOPBACK) -> Iterator[TcpPeer]:
    """Hold a port that refuses every connection (bound, not listening)."""
    with held_port(host) as held:
        yield TcpPeer(host, held.getsockname()[1])


@contextlib.contextmanager
def never_accepting(host: str = LOOPBACK) -> Iterator[TcpPeer]:
    """Listen with a full backlog: connections are neither accepted nor refused, the peer waits."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        listener.bind((host, 0))
        listener.listen(0)
        for _ in range(_BACKLOG_FILLERS):
            filler = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield TcpPeer(host, listener.getsockname()[1])
