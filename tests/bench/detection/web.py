"""The target's web server: the page a host should show, or what its fault makes of it.

HTTP/1.1, one request a connection. One `Web` serves all hosts, told apart by the Host header; faults below HTTP are
`ports.py`'s and `secure.py`'s.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench.detection.faults import Asked, Board
from bench.detection.pages import PAGES

PIECE_SECONDS = 0.1  # between the bytes of what drips
BLACKHOLE_BYTES = 1_400  # what still comes through where larger packets are lost
HEALTHY_SECONDS = 0.002  # how long a good page takes
_REASONS = {
    200: "OK",
    302: "Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Unavailable",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with the way to answer it."""

    host: str
    asked: Asked
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    settings: dict[str, Any]  # Any: the fault's own

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def until_left(self) -> None:
        """Say nothing more until the other side leaves."""
        while await self.reader.read(2**16):
            pass


Act = Callable[[Exchange], Awaitable[None]]


class Web:
    """What the target answers, by the board."""

    def __init__(self, board: Board) -> None:
        self._board = board

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one request and answer it."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        host = headers.get("host", "").partition(":")[0]
        source = writer.get_extra_info("peername")[0]
        asked = Asked(source=source, method=method, path=path, headers=frozenset(headers))
        fault = self._board.fault(host, asked, *ACTS)
        settings = dict(fault.settings) if fault is not None else {}
        await (ACTS[fault.act] if fault is not None else _healthy)(
            Exchange(host, asked, reader, writer, settings)
        )


def answer(status: int, body: str, *headers: str, length: int | None = None, method: str = "GET") -> bytes:
    """Return the bytes of a response; `length` is claimed in place of the body's own."""
    data = body.encode()
    lines = (
        f"HTTP/1.1 {status} {_REASONS[status]}", "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(data) if length is None else length}", "Connection: close", *headers,
    )  # fmt: skip
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if method == "HEAD" else data)


def _page(exchange: Exchange) -> bytes:
    page = "large" if exchange.asked.path.startswith("/large") else "shop"
    return answer(200, PAGES[exchange.settings.get("page", page)], method=exchange.asked.method)


async def _healthy(exchange: Exchange) -> None:
    await asyncio.sleep(HEALTHY_SECONDS)
    await exchange.send(_page(exchange))


async def _status(exchange: Exchange) -> None:
    status = exchange.settings["status"]
    await exchange.send(answer(status, f"<h1>{status}</h1>", method=exchange.asked.method))


async def _late(exchange: Exchange) -> None:
    await asyncio.sleep(exchange.settings["ms"] / 1000)
    await exchange.send(_page(exchange))


def _half(exchange: Exchange) -> bytes:
    """Return the head and half of the body."""
    data = _page(exchange)
    begin = data.index(b"\r\n\r\n") + 4
    return data[: begin + (len(data) - begin) // 2]


async def _partial(exchange: Exchange) -> None:
    await exchange.send(_half(exchange))


async def _stall_head(exchange: Exchange) -> None:
    await exchange.until_left()


async def _stall_body(exchange: Exchange) -> None:
    await exchange.send(_half(exchange))
    await exchange.until_left()


async def _drip(exchange: Exchange, data: bytes) -> None:
    for byte in data:
        await exchange.send(bytes([byte]))
        await asyncio.sleep(PIECE_SECONDS)


async def _drip_head(exchange: Exchange) -> None:
    await _drip(exchange, _page(exchange))


async def _drip_body(exchange: Exchange) -> None:
    head, _, body = _page(exchange).partition(b"\r\n\r\n")
    await exchange.send(head + b"\r\n\r\n")
    await _drip(exchange, body)


async def _blackhole(exchange: Exchange) -> None:
    data = _page(exchange)
    await exchange.send(data[:BLACKHOLE_BYTES])
    if len(data) > BLACKHOLE_BYTES:
        await exchange.until_left()


async def _redirect_loop(exchange: Exchange) -> None:
    await exchange.send(answer(302, "", f"Location: {exchange.asked.path}"))


async def _redirect_chain(exchange: Exchange) -> None:
    hop = int(exchange.asked.path.partition("/hop/")[2] or 0)
    if hop < exchange.settings["hops"]:
        await exchange.send(answer(302, "", f"Location: /hop/{hop + 1}"))
    else:
        await exchange.send(_page(exchange))


async def _garbage(exchange: Exchange) -> None:
    await exchange.send(b"\x00\xffthis is no HTTP at all\r\n\r\n")


async def _cut(exchange: Exchange) -> None:
    sock = exchange.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


ACTS: dict[str, Act] = {
    "page": _healthy,
    "status": _status,
    "late": _late,
    "partial": _partial,
    "stall-head": _stall_head,
    "stall-body": _stall_body,
    "drip-head": _drip_head,
    "drip-body": _drip_body,
    "blackhole": _blackhole,
    "redirect-loop": _redirect_loop,
    "redirect-chain": _redirect_chain,
    "garbage": _garbage,
    "cut": _cut,
}


async def mail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet like a mail server and answer QUIT: for scenarios below the application."""
    writer.write(b"220 mail ESMTP\r\n")
    await writer.drain()
    if await reader.readline():
        writer.write(b"221 bye\r\n")
        await writer.drain()
