"""A small HTTP server on loopback that answers 200 or redirects, for tests that need no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


@contextlib.asynccontextmanager
async def answering(head: str = "HTTP/1.1 200 OK", host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Answer every request with a head (lines joined by `|`) and no body; yields the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(
                head.replace("|", "\r\n").encode() + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, host, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
