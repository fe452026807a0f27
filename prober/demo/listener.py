"""A TCP port that can be closed to refuse connections and opened again without losing its number."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

CONNECTION_SECONDS = 30
READ_LIMIT_BYTES = 16 * 1024
CLOSE_SECONDS = 2

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Runs `talk` for each connection; closes the connection when it returns or after 30 seconds."""

    def __init__(self, talk: Talk, host: str, tls: ssl.SSLContext | None = None) -> None:
        self._talk = talk
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        # Bound but never listening: while the server is closed, nobody else can be given the port.
        self._holder = _reusable(host, 0)
        self.address: tuple[str, int] = self._holder.getsockname()[:2]

    async def open(self) -> None:
        """Accept connections; nothing happens if it does already."""
        if self._server is None:
            await self._listen()

    async def close(self) -> None:
        """Refuse connections from now on and cut those that are open."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for task in (tasks := list(self._tasks)):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_SECONDS)

    async def _listen(self) -> None:
        # Kept before it starts: a caller cancelled in between must leave nothing that `close` does not see.
        self._server = await asyncio.start_server(
            self._run,
            sock=_reusable(*self.address),
            ssl=self._tls,
            limit=READ_LIMIT_BYTES,
            start_serving=False,
        )
        await self._server.start_serving()

    async def release(self) -> None:
        """Close for good and give the port back."""
        await self.close()
        self._holder.close()

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._server is None:  # closed between the connection and this task
            return cut(writer)
        self._tasks.add(task)
        # Whatever a client does (leave, send half a line or too much) ends its connection and nothing else.
        faults = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        try:
            with contextlib.suppress(*faults, asyncio.CancelledError):
                async with asyncio.timeout(CONNECTION_SECONDS):
                    await self._talk(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()


async def stay_silent(reader: asyncio.StreamReader) -> None:
    """Take what comes and say nothing until the other side leaves."""
    while await reader.read(READ_LIMIT_BYTES):
        pass


def cut(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of closing it."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _reusable(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
