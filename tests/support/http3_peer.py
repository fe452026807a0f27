"""An HTTP/3 server for tests: well-behaved answers by aioquic, hostile ones by bytes of one's own choice.

Answers send through the state machine, or write what they like into the stream of the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ProtocolNegotiated, QuicEvent
from support.certs import Leaf
from support.ports import LOOPBACK

Fields = Iterable[tuple[str, str]]


@dataclass(slots=True)
class H3Request:
    """One request as it came in."""

    fields: list[tuple[str, str]]
    body: bytes = b""

    def field(self, name: str) -> str | None:
        """First value of a field (pseudo-fields with their colon), or None."""
        return next((value for key, value in self.fields if key == name), None)


@dataclass(slots=True)
class H3Exchange:
    """What an answer works with."""

    request: H3Request
    h3: H3Connection
    stream: int
    protocol: QuicConnectionProtocol

    def head(self, status: int = 200, headers: Fields = (), *, end: bool = False) -> None:
        """Send a head."""
        fields = [(":status", str(status)), *headers]
        self.h3.send_headers(self.stream, [(n.encode(), v.encode()) for n, v in fields], end_stream=end)
        self.protocol.transmit()

    def body(self, data: bytes, *, end: bool = True) -> None:
        """Send a piece of the body."""
        self.h3.send_data(self.stream, data, end_stream=end)
        self.protocol.transmit()

    def raw(self, data: bytes, *, end: bool = False) -> None:
        """Write bytes of one's own into the stream."""
        self.quic.send_stream_data(self.stream, data, end)
        self.protocol.transmit()

    @property
    def quic(self) -> Any:  # Any: tests reach for what they like
        """The QUIC connection."""
        return self.protocol._quic


Answer = Callable[[H3Exchange], Awaitable[None]]


@dataclass(slots=True)
class Http3Peer:
    """A running server and what it has seen."""

    routes: dict[str, Answer]
    host: str = LOOPBACK
    port: int = 0
    spoil: Callable[[bytes], bytes] | None = None
    requests: list[H3Request] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """URL of a path."""
        return f"https://{host or self.host}:{self.port}{path}"


def _push_spoilt(quic: QuicConnection, spoil: Callable[[bytes], bytes]) -> None:
    """Send what the handshake has to say, in each of its epochs, spoilt."""
    for epoch, buffer in quic._crypto_buffers.items():
        quic._crypto_streams[epoch].sender.write(spoil(buffer.data))
        buffer.seek(0)


class _Protocol(QuicConnectionProtocol):
    def __init__(self, *given: Any, peer: Http3Peer, **more: Any) -> None:
        super().__init__(*given, **more)
        self._peer = peer
        self._h3: H3Connection | None = None
        if peer.spoil is not None:
            self._quic._push_crypto_data = partial(_push_spoilt, self._quic, peer.spoil)  # type: ignore[method-assign]  # a hostile server
        self._requests: dict[int, H3Request] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol == "h3":
            self._h3 = H3Connection(self._quic)
        for each in self._h3.handle_event(event) if self._h3 is not None else ():
            if isinstance(each, HeadersReceived):
                fields = [(name.decode(), value.decode()) for name, value in each.headers]
                self._requests[each.stream_id] = H3Request(fields)
                self._peer.requests.append(self._requests[each.stream_id])
            elif isinstance(each, DataReceived):
                self._requests[each.stream_id].body += each.data or b""
            if isinstance(each, HeadersReceived | DataReceived) and each.stream_ended:
                self._answer(each.stream_id)

    def _answer(self, stream: int) -> None:
        request = self._requests[stream]
        path = (request.field(":path") or "").partition("?")[0]
        assert self._h3 is not None
        exchange = H3Exchange(request, self._h3, stream, self)
        answer = self._peer.routes.get(path, plain(status=404))
        self._peer.tasks.append(asyncio.ensure_future(answer(exchange)))


@contextlib.asynccontextmanager
async def http3_peer(
    routes: Mapping[str, Answer],
    leaf: Leaf,
    *,
    protocols: tuple[str, ...] = ("h3",),
    spoil: Callable[[bytes], bytes] | None = None,
) -> AsyncIterator[Http3Peer]:
    """Serve `routes` (path to answer) with a certificate; `spoil` changes what the TLS handshake sends."""
    peer = Http3Peer(dict(routes), spoil=spoil)
    configuration = QuicConfiguration(is_client=False, alpn_protocols=list(protocols))
    configuration.load_cert_chain(leaf.chain_file, leaf.key_file)
    server = await serve(
        LOOPBACK, 0, configuration=configuration, create_protocol=partial(_Protocol, peer=peer)
    )
    try:
        peer.port = server._transport.get_extra_info("sockname")[1]
        yield peer
    finally:
        for task in peer.tasks:
            task.cancel()
        server.close()
        await asyncio.sleep(0)


@contextlib.contextmanager
def silent_datagrams() -> Iterable[int]:
    """Take datagrams on a port and say nothing; yields the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        yield sock.getsockname()[1]


@contextlib.asynccontextmanager
async def garbage_datagrams(*replies: bytes) -> AsyncIterator[int]:
    """Answer each datagram with datagrams of one's own; yields the port."""

    class Talker(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, _data: bytes, sender: Any) -> None:
            for reply in replies:
                self.transport.sendto(reply, sender)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Talker, local_addr=(LOOPBACK, 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        await asyncio.sleep(0)


def plain(body: bytes = b"ok", *, status: int = 200, headers: Fields = (), trailers: Fields = ()) -> Answer:
    """Answer with a body and its length, and trailers if any."""

    async def answer(exchange: H3Exchange) -> None:
        is_head = exchange.request.field(":method") == "HEAD"
        exchange.head(status, [*headers, ("content-length", str(len(body)))], end=is_head)
        if is_head:
            return
        last = [(name.encode(), value.encode()) for name, value in trailers]
        exchange.body(body, end=not last)
        if last:
            exchange.h3.send_headers(exchange.stream, last, end_stream=True)
            exchange.protocol.transmit()

    return answer


def steps(*each: Callable[[H3Exchange], None], pause_us: int = 0) -> Answer:
    """Do one thing after the other, with a pause between."""

    async def answer(exchange: H3Exchange) -> None:
        for step in each:
            step(exchange)
            await asyncio.sleep(pause_us / 1e6)

    return answer


def forever(step: Callable[[H3Exchange], None], pause_us: int = 0) -> Answer:
    """Do one thing again and again."""

    async def answer(exchange: H3Exchange) -> None:
        while True:
            step(exchange)
            await asyncio.sleep(pause_us / 1e6)

    return answer
