"""gRPC servers for tests, on h2: one with a health service, and scripted ones that break the rules one at a time."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError
from support.ports import LOOPBACK, serving

SERVING, NOT_SERVING = 1, 2
Fields = list[tuple[str, str]]
HEAD: Fields = [(":status", "200"), ("content-type", "application/grpc")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def service(self) -> str:
        """The service asked about: the message has one field, with a length of one byte."""
        return self.body[7:].decode()


@dataclass(slots=True)
class GrpcPeer:
    """A running server and the calls that it has seen."""

    port: int = 0
    calls: list[Call] = field(default_factory=list)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{LOOPBACK}:{self.port}"


@dataclass(slots=True)
class Exchange:
    """One call as a behaviour sees it."""

    call: Call
    http2: H2Connection
    stream: int
    writer: asyncio.StreamWriter

    async def head(self, fields: Fields, *, end: bool = False) -> None:
        """Send a head, or trailers."""
        self.http2.send_headers(self.stream, fields, end_stream=end)
        await self.flush()

    async def data(self, data: bytes, *, end: bool = False) -> None:
        """Send body bytes, as fast as the windows allow."""
        while len(data) > (room := min(self.http2.local_flow_control_window(self.stream), 16384)) and room:
            self.http2.send_data(self.stream, data[:room])
            data = data[room:]
            await self.flush()
        if room:
            self.http2.send_data(self.stream, data, end_stream=end)
        await self.flush()

    async def trailers(self, status: str = "0", **more: str) -> None:
        """End the call."""
        fields = [(name.replace("_", "-"), value) for name, value in more.items()]
        await self.head([("grpc-status", status), *fields], end=True)

    async def flush(self) -> None:
        """Write what is due."""
        self.writer.write(self.http2.data_to_send())
        await self.writer.drain()


Behaviour = Callable[[Exchange], Awaitable[None]]


def framed(message: bytes, flag: int = 0) -> bytes:
    """Return a message with its prefix."""
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def state(number: int) -> bytes:
    """Return a framed answer with a state."""
    return framed(bytes([0x08, number]))


def health(states: Mapping[str, int]) -> Behaviour:
    """Answer for these services as a real server does, status 5 for any other."""

    async def behave(exchange: Exchange) -> None:
        number = states.get(exchange.call.service)
        if number is None:
            unknown = [*HEAD, ("grpc-status", "5"), ("grpc-message", "unknown%20service")]
            return await exchange.head(unknown, end=True)
        await exchange.head(HEAD)
        await exchange.data(state(number))
        await exchange.trailers()

    return behave


def replies(body: bytes = b"", *, head: Fields = HEAD, trailers: Fields | None = None) -> Behaviour:
    """Answer with these parts; trailers are a plain OK unless given, an empty list ends without any."""

    async def behave(exchange: Exchange) -> None:
        ending = [("grpc-status", "0")] if trailers is None else trailers
        await exchange.head(head)
        await exchange.data(body, end=not ending)
        if ending:
            await exchange.head(ending, end=True)

    return behave


async def hang(exchange: Exchange) -> None:
    """Say nothing."""
    await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def grpc_peer(
    behaviour: Behaviour, *, tls: ssl.SSLContext | None = None, alpn: tuple[str, ...] = ("h2",)
) -> AsyncIterator[GrpcPeer]:
    """Run `behaviour` for each call; then listen until the other side closes."""
    peer = GrpcPeer()
    if tls is not None and alpn:
        tls.set_alpn_protocols(list(alpn))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        http2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        http2.initiate_connection()
        writer.write(http2.data_to_send())
        heard: dict[int, tuple[dict[str, str], bytearray]] = {}
        while data := await reader.read(2**16):
            with contextlib.suppress(ProtocolError):  # what comes after our own GOAWAY
                for event in http2.receive_data(data):
                    if isinstance(event, RequestReceived):
                        heard[event.stream_id] = (dict(event.headers), bytearray())
                    elif isinstance(event, DataReceived):
                        heard[event.stream_id][1].extend(event.data)
                    elif isinstance(event, StreamEnded):
                        headers, body = heard[event.stream_id]
                        peer.calls.append(call := Call(headers=headers, body=bytes(body)))
                        await behaviour(Exchange(call, http2, event.stream_id, writer))
            writer.write(http2.data_to_send())
            await writer.drain()

    async with serving(handle, tls=tls) as (_, peer.port):
        yield peer
