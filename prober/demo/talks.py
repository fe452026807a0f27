"""What the TCP stand-ins say to one connection: web pages, a cache, a mail server, in each of their modes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from .listener import Talk, cut, stay_silent
from .script import Mode

SLOW_US = 700_000

ModeFor = Callable[[str], Mode]
"""Tells the present mode towards a source address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it should be, the one served by mistake, and how long it usually takes to make."""

    body: bytes
    wrong: bytes = b"<h1>It works!</h1>"
    content_type: str = "text/html; charset=utf-8"
    usual_us: int = 12_000


def web(page: Page, mode_for: ModeFor) -> Talk:
    """Serve one page over HTTP/1.1, one request for each connection."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = _mode(mode_for, writer)
        if mode is Mode.SILENT:
            return await stay_silent(reader)
        head = await reader.readuntil(b"\r\n\r\n")
        if mode is Mode.RESET:
            return cut(writer)
        await asyncio.sleep((page.usual_us + (SLOW_US if mode is Mode.SLOW else 0)) / 1_000_000)
        await _say(writer, _page(page, mode, with_body=not head.startswith(b"HEAD ")))

    return talk


def _page(page: Page, mode: Mode, *, with_body: bool) -> bytes:
    status = b"503 Service Unavailable" if mode is Mode.ERROR else b"200 OK"
    bodies = {Mode.ERROR: b"the database is down for a moment", Mode.WRONG_CONTENT: page.wrong}
    body = bodies.get(mode, page.body)
    lines = (
        b"HTTP/1.1 " + status,
        b"Server: prober-demo",
        b"Content-Type: " + page.content_type.encode(),
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body if with_body else b"")


def cache(mode_for: ModeFor) -> Talk:
    """Answer `PING` with `+PONG`, line by line, as caches do."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if _mode(mode_for, writer) is Mode.SILENT:
            return await stay_silent(reader)
        while line := await reader.readline():
            await _say(
                writer, b"+PONG\r\n" if line.strip().upper() == b"PING" else b"-ERR unknown command\r\n"
            )

    return talk


_MAIL_ANSWERS = {
    b"EHLO": b"250-mail.shop.example\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n",
    b"HELO": b"250 mail.shop.example\r\n",
    b"NOOP": b"250 2.0.0 fine\r\n",
    b"QUIT": b"221 2.0.0 goodbye\r\n",
}


def mail(mode_for: ModeFor) -> Talk:
    """Greet and answer like a mail server that takes no mail; too busy, it says so and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = _mode(mode_for, writer)
        if mode is Mode.SILENT:
            return await stay_silent(reader)
        if mode is Mode.ERROR:
            return await _say(writer, b"421 4.3.2 mail.shop.example too busy, try again later\r\n")
        await _say(writer, b"220 mail.shop.example ESMTP ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            await _say(writer, _MAIL_ANSWERS.get(verb, b"502 5.5.1 not here\r\n"))
            if verb == b"QUIT":
                return

    return talk


def _mode(mode_for: ModeFor, writer: asyncio.StreamWriter) -> Mode:
    return mode_for(writer.get_extra_info("peername")[0])


async def _say(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()
