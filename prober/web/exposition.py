"""`/metrics`: the text that Prometheus reads, in the format that the reader prefers, compressed if it likes.

Not here: the text itself (`prober.metrics`). Nothing here holds the loop for longer than one piece takes.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterable
from time import monotonic_ns

from aiohttp import web

from .bodies import GZIP_WBITS, takes_gzip, weight_of
from .routes import Call

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
GZIP_LEVEL = 1  # higher levels cost several times the CPU for a tenth less
CHUNK_BYTES = 131_072  # written and compressed at once
HOLD_NS = 1_000_000  # how long the loop may be held before others get a turn


async def metrics(call: Call) -> web.StreamResponse:
    """Answer with the exposition."""
    openmetrics = prefers_openmetrics(call.request.headers.get("Accept", ""))
    packed = takes_gzip(call.request)
    response = web.StreamResponse()
    response.headers["Content-Type"] = OPENMETRICS if openmetrics else TEXT
    response.headers["Vary"] = "Accept, Accept-Encoding"
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    # All of it is taken before any is sent, so that a slow reader does not stretch the moment it shows.
    chunks = [chunk async for chunk in _chunks(call.served.metrics_text(openmetrics))]
    if not packed:
        response.content_length = sum(map(len, chunks))
    await response.prepare(call.request)
    if call.request.method != "HEAD":
        async for chunk in _packed(chunks) if packed else _each(chunks):
            await response.write(chunk)
    await response.write_eof()
    return response


def prefers_openmetrics(accept: str) -> bool:
    """Say whether a reader weighs OpenMetrics at least as high as the plain text format."""
    openmetrics = weight_of(accept, ("application/openmetrics-text",))
    return openmetrics > 0 and openmetrics >= weight_of(accept, ("text/plain",))


async def _chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Join pieces to chunks; give way whenever the loop was held long enough."""
    held: list[bytes] = []
    size, since_ns = 0, monotonic_ns()
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
        if monotonic_ns() - since_ns > HOLD_NS:
            await asyncio.sleep(0)
            since_ns = monotonic_ns()
    if held:
        yield b"".join(held)


async def _each(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _packed(chunks: list[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WBITS)
    for chunk in chunks:
        packed = await asyncio.to_thread(packer.compress, chunk)  # zlib lets go of the interpreter
        if packed:
            yield packed
    yield packer.flush()
