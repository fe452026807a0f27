"""An HTTP/2 server for tests: well-behaved answers by the h2 library, hostile ones by bytes of one's own choice.

It speaks over TLS (agreeing to h2 by ALPN) or in the clear (prior knowledge). Answers here; peers of HTTP/1.1 live in
http_peer.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, WindowUpdated
from h2.settings import SettingCodes
from support.ports import LOOPBACK, serving

Fields = Iterable[tuple[str, str]]
_CONFIGURATION = H2Configuration(
    client_side=False, header_encoding="latin-1", validate_outbound_headers=False
)
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4


@dataclass(slots=True)
class H2Request:
    """One request as it came in."""

    fields: list[tuple[str, str]]
    stream: int
    body: bytes = b""

    def field(self, name: str) -> str | None:
        """First value of a field (pseudo-fields with their colon), or None."""
        return next((value for key, value in self.fields if key == name), None)


@dataclass(slots=True)
class H2Exchange:
    """What an answer works with. `h2` is the state machine, `writer` the raw connection."""

    request: H2Request
    h2: H2Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    windows: asyncio.Event = field(default_factory=asyncio.Event)

    async def flush(self) -> None:
        """Send what the state machine has to say."""
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def raw(self, data: bytes) -> None:
        """Send bytes of one's own, after what the state machine had to say."""
        await self.flush()
        self.writer.write(data)
        await self.writer.drain()

    async def body(self, data: bytes, *, end: bool = True) -> None:
        """Send a body within the client's windows."""
        stream = self.request.stream
        while data:
            while not (room := min(self.h2.local_flow_control_window(stream), 16384)):
                self.windows.clear()
                await self.windows.wait()
            self.h2.send_data(stream, data[:room])
            data = data[room:]
            await self.flush()
        if end:
            self.h2.end_stream(stream)
            await self.flush()


Answer = Callable[[H2Exchange], Awaitable[None]]


@dataclass(slots=True)
class Http2Peer:
    """A running server and what it has seen. `window` is what a client may send before it is told to go on."""

    routes: dict[str, Answer]
    secure: bool = False
    host: str = LOOPBACK
    port: int = 0
    greeting: bytes | None = None  # sent in place of the SETTINGS, and nothing is read then
    or_1_1: bytes | None = None  # said to who agrees to HTTP/1.1
    window: int | None = None
    on_head: Answer | None = None  # answers before the request is whole
    connections: int = 0
    protocols: list[str | None] = field(default_factory=list)
    requests: list[H2Request] = field(default_factory=list)

    def url(self, path: str = "/", host: str | None = None) -> str:
        """URL of a path."""
        return f"{'https' if self.secure else 'http'}://{host or self.host}:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        if self.secure:
            self.protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
            if self.or_1_1 is not None and self.protocols[-1] == "http/1.1":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(self.or_1_1)
                return
        if self.greeting is not None:
            await reader.read(2**16)
            writer.write(self.greeting)
            await writer.drain()
            while await reader.read(2**16):
                pass
            return
        h2 = H2Connection(_CONFIGURATION)
        h2.initiate_connection()
        if self.window is not None:
            h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: self.window})
        writer.write(h2.data_to_send())
        await _serve(self, H2Exchange(H2Request([], 0), h2, reader, writer))


async def _serve(peer: Http2Peer, exchange: H2Exchange) -> None:
    tasks: list[asyncio.Task[None]] = []
    try:
        while data := await exchange.reader.read(2**16):
            for event in exchange.h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    exchange.request = H2Request(list(event.headers), event.stream_id)
                    peer.requests.append(exchange.request)
                    if peer.on_head is not None:
                        await peer.on_head(exchange)
                elif isinstance(event, DataReceived):
                    exchange.request.body += event.data
                    exchange.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, WindowUpdated):
                    exchange.windows.set()
                elif isinstance(event, StreamEnded):
                    path = (exchange.request.field(":path") or "").partition("?")[0]
                    tasks.append(
                        asyncio.create_task(_answer(peer.routes.get(path, plain(status=404)), exchange))
                    )
            await exchange.flush()
    finally:
        for task in tasks:
            task.cancel()


async def _answer(answer: Answer, exchange: H2Exchange) -> None:
    with contextlib.suppress(OSError):
        await answer(exchange)


@contextlib.asynccontextmanager
async def http2_peer(
    routes: Mapping[str, Answer],
    *,
    tls: ssl.SSLContext | None = None,
    protocols: tuple[str, ...] = ("h2", "http/1.1"),
    greeting: bytes | None = None,
    or_1_1: bytes | None = None,
    window: int | None = None,
) -> AsyncIterator[Http2Peer]:
    """Serve `routes` (path to answer), over TLS when a server context is given."""
    if tls is not None:
        tls.set_alpn_protocols(list(protocols))
    peer = Http2Peer(dict(routes), secure=tls is not None, greeting=greeting, or_1_1=or_1_1, window=window)
    async with serving(peer.handle, tls=tls) as address:
        peer.host, peer.port = address
        yield peer


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Bytes of one frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def goaway(last: int, code: int, words: bytes = b"") -> bytes:
    """Bytes of a GOAWAY."""
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + words)


def plain(body: bytes = b"ok", *, status: int = 200, headers: Fields = (), trailers: Fields = ()) -> Answer:
    """Answer with a body and its length, and trailers if any."""

    async def answer(exchange: H2Exchange) -> None:
        fields = [(":status", str(status)), *headers, ("content-length", str(len(body)))]
        stream = exchange.request.stream
        if exchange.request.field(":method") == "HEAD":
            exchange.h2.send_headers(stream, fields, end_stream=True)
            await exchange.flush()
            return
        exchange.h2.send_headers(stream, fields)
        last = list(trailers)
        await exchange.body(body, end=not last)
        if last:
            exchange.h2.send_headers(stream, last, end_stream=True)
            await exchange.flush()

    return answer


def headers_only(status: int = 200, *headers: tuple[str, str], end: bool = False) -> Answer:
    """Send a head, and nothing more unless `end` ends the stream."""

    async def answer(exchange: H2Exchange) -> None:
        exchange.h2.send_headers(
            exchange.request.stream, [(":status", str(status)), *headers], end_stream=end
        )
        await exchange.flush()

    return answer


def redirect(to: str, *, status: int = 302, headers: Fields = ()) -> Answer:
    """Point to another URL."""
    return plain(b"", status=status, headers=[("location", to), *headers])


def then(*answers: Answer) -> Answer:
    """One after the other."""

    async def answer(exchange: H2Exchange) -> None:
        for each in answers:
            await each(exchange)

    return answer


def raw(*parts: bytes, close: bool = False) -> Answer:
    """Send exactly these bytes in place of an answer, and end the stream of bytes if told to."""

    async def answer(exchange: H2Exchange) -> None:
        for part in parts:
            await exchange.raw(part)
        if close:
            exchange.writer.write_eof()  # a close might become a reset, by what the client says meanwhile

    return answer


def forever(part: bytes, pause_us: int = 0) -> Answer:
    """Send the same bytes for as long as the client takes them."""

    async def answer(exchange: H2Exchange) -> None:
        while True:
            await exchange.raw(part)
            await asyncio.sleep(pause_us / 1e6)

    return answer


def silence() -> Answer:
    """Take the request and say nothing."""

    async def answer(exchange: H2Exchange) -> None:
        await exchange.flush()

    return answer


def pause(duration_us: int) -> Answer:
    """Say nothing for a while."""

    async def answer(exchange: H2Exchange) -> None:
        await asyncio.sleep(duration_us / 1e6)

    return answer


def rest(body: bytes) -> Answer:
    """Send a body after its head."""

    async def answer(exchange: H2Exchange) -> None:
        await exchange.body(body)

    return answer
