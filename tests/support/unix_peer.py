"""Servers on sockets in the file system, for tests."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

from support.ports import Handler


@contextlib.asynccontextmanager
async def unix_peer(folder: Path, handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Path]:
    """Serve on a socket in the folder; every connection is cut at the end."""
    path = folder / "service.sock"
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_unix_server(run, path, ssl=tls)
    try:
        yield path
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await asyncio.sleep(0)
