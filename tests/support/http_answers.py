"""Answers for http_peer: the plain, the odd and the hostile, one function each.

Every function returns an answer to put behind a path. Durations are integer microseconds.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Iterable
from http import HTTPStatus

from support.http_peer import Answer, Exchange

Headers = Iterable[tuple[str, str]]
ENDLESS_BLOCK = b"x" * 2**16
TEN_GIGABYTES = 10 * 10**9
# Names the header in which `delayed` reports, in microseconds, how long the request really waited.
DELAY_HEADER = "X-Delay-Us"


def head(status: int = 200, headers: Headers = ()) -> bytes:
    """Bytes of a response head, exactly these headers in this order."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def plain(body: bytes = b"ok", *, status: int = 200, headers: Headers = ()) -> Answer:
    """Answer with a body and its Content-Length; HEAD gets the head alone."""
    fixed = list(headers)

    async def answer(exchange: Exchange) -> None:
        data = head(status, [*fixed, ("Content-Length", str(len(body)))])
        await exchange.send(data if exchange.request.method == "HEAD" else data + body)

    return answer


def exact(*parts: bytes, close: bool = True) -> Answer:
    """Send exactly these bytes, a part at a time, then close (unless told not to)."""

    async def answer(exchange: Exchange) -> None:
        for part in parts:
            await exchange.send(part)
        exchange.close = close

    return answer


def json_body(value: object, *, status: int = 200) -> Answer:
    """Answer with a value as JSON."""
    return plain(json.dumps(value).encode(), status=status, headers=[("Content-Type", "application/json")])


def set_cookie(*cookies: str) -> Answer:
    """Answer with one Set-Cookie header for each of `cookies`."""
    return plain(headers=[("Set-Cookie", cookie) for cookie in cookies])


def gzip_body(body: bytes) -> Answer:
    """Answer gzip-encoded, whatever the client accepts."""
    return plain(gzip.compress(body), headers=[("Content-Encoding", "gzip")])


def chunked(*chunks: bytes) -> Answer:
    """Answer in chunks, one for each of `chunks`."""
    framed = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return exact(head(headers=[("Transfer-Encoding", "chunked")]), *framed, b"0\r\n\r\n", close=False)


def until_close(body: bytes) -> Answer:
    """Answer without a length; the end of the connection ends the body."""
    return exact(head(), body)


def truncated(body: bytes, declared_bytes: int) -> Answer:
    """Declare more than is sent, then close."""
    return exact(head(headers=[("Content-Length", str(declared_bytes))]), body)


def interim(body: bytes = b"ok", *, status: int = 100) -> Answer:
    """Send a 1xx head before the real answer."""
    final = head(headers=[("Content-Length", str(len(body)))])
    return exact(f"HTTP/1.1 {status} Wait\r\n\r\n".encode(), final + body, close=False)


def garbage(data: bytes = b"\x00\xff\x13 this is not HTTP \x01\r\n\r\n") -> Answer:
    """Send something that is no HTTP at all, then close."""
    return exact(data)


def no_answer() -> Answer:
    """Take the request and close without a byte."""
    return exact()


def giant_header(size_bytes: int = 2**20) -> Answer:
    """Send one header line of `size_bytes`."""
    return exact(head(headers=[("X-Giant", "g" * size_bytes), ("Content-Length", "0")]))


def redirect(to: str, *, status: int = 302) -> Answer:
    """Point to another URL; a path that points to itself makes a loop."""
    return plain(b"", status=status, headers=[("Location", to)])


def redirect_chain(hops: int, *, prefix: str = "/hop", last: Answer | None = None) -> dict[str, Answer]:
    """Routes `/hop0` .. `/hopN`: each points to the next, the last one answers 200 (`last` if given)."""
    routes = {f"{prefix}{n}": redirect(f"{prefix}{n + 1}") for n in range(hops)}
    return {**routes, f"{prefix}{hops}": last or plain()}


def echo() -> Answer:
    """Answer with the request head and body just as they came."""

    async def answer(exchange: Exchange) -> None:
        await plain(exchange.request.head + exchange.request.body)(exchange)

    return answer


def delayed(delay_us: int, then: Answer | None = None) -> Answer:
    """Wait, then answer; without `then`, the time that really passed is in the header X-Delay-Us."""

    async def answer(exchange: Exchange) -> None:
        start_ns = time.monotonic_ns()
        await asyncio.sleep(delay_us / 1e6)
        waited_us = (time.monotonic_ns() - start_ns) // 1000
        await (then or plain(headers=[(DELAY_HEADER, str(waited_us))]))(exchange)

    return answer


def drip(data: bytes, pace_us: int) -> Answer:
    """Send `data`, head included, byte by byte, `pace_us` apart, then close."""

    async def answer(exchange: Exchange) -> None:
        for value in data:
            await exchange.send(bytes([value]))
            await asyncio.sleep(pace_us / 1e6)
        exchange.close = True

    return answer


def drip_body(body: bytes, pace_us: int) -> Answer:
    """Send the head at once and the body byte by byte, `pace_us` apart."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(head(headers=[("Content-Length", str(len(body)))]))
        await drip(body, pace_us)(exchange)

    return answer


def hang(before: bytes = b"") -> Answer:
    """Send `before`, then nothing, and keep the connection open: silence before or within the head."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(before)
        await exchange.hang()

    return answer


def hang_in_body(part: bytes = b"part", declared_bytes: int = 1000) -> Answer:
    """Send a head and the start of its body, then nothing."""
    return hang(head(headers=[("Content-Length", str(declared_bytes))]) + part)


def endless_headers() -> Answer:
    """Send header lines for as long as the peer listens; the head never ends."""

    async def answer(exchange: Exchange) -> None:
        block = b"".join(b"X-Line-%d: endless\r\n" % number for number in range(1000))
        await exchange.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await exchange.send(block)

    return answer


def endless_body(size_bytes: int = TEN_GIGABYTES, *, declare: bool = True) -> Answer:
    """Send a body of `size_bytes` (10 GB by default) generated on the way; stops when the peer closes."""

    async def answer(exchange: Exchange) -> None:
        await exchange.send(head(headers=[("Content-Length", str(size_bytes))] if declare else []))
        left = size_bytes
        while left > 0:
            await exchange.send(ENDLESS_BLOCK[:left])
            left -= len(ENDLESS_BLOCK)
        exchange.close = True

    return answer
