"""Ports on loopback: free ones, refused ones, and listeners that end cleanly.

What a listener says is decided in the *_peer files. Addresses anywhere in 127/8 work on Linux.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

LOOPBACK = "127.0.0.1"
CLOSE_DEADLINE_SECONDS = 5.0

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def free_port(host: str = LOOPBACK, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Name a port of `host` that nothing is bound to now; prefer binding port 0 where the code allows."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def held_port(host: str = LOOPBACK) -> socket.socket:
    """Bind a port without listening: whoever connects is refused, and no one else can take the port.

    The caller closes the socket.
    """
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    held.bind((host, 0))
    return held


@contextlib.contextmanager
def listening(host: str = LOOPBACK) -> Iterator[int]:
    """Listen without accepting: the kernel takes connections by itself; yields the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind((host, 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def address_usable(host: str) -> bool:
    """Tell whether this machine lets us bind `host` (127.0.0.11 cannot be bound on every system)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


@contextlib.asynccontextmanager
async def serving(
    handler: Handler,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    limit_bytes: int = 2**16,
) -> AsyncIterator[tuple[str, int]]:
    """Serve `handler` on loopback and yield (host, port); on leaving, every connection is cut at once."""
    tasks: set[asyncio.Task[None]] = set()

    async def run(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            # Peers come and go as they like in these tests: a cut connection is not a fault of the server.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(run, host, port, ssl=tls, limit=limit_bytes)
    try:
        yield server.sockets[0].getsockname()[:2]
    finally:
        server.close()
        await _end(tasks)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in (waiting := list(tasks)):
        task.cancel()
    if waiting:
        await asyncio.wait(waiting, timeout=CLOSE_DEADLINE_SECONDS)
    await asyncio.sleep(0)  # lets the transports see their close before the loop ends
