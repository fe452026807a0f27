"""A TCP port that can be made to fail below the application: really closed, really dropping, mute, or resetting.

`refuse` closes the listener, so that the kernel refuses. `drop` fills a backlog of nought, so that the kernel lets SYNs
fall without a word. `mute` accepts and never says a thing; `reset` accepts and resets. What is said on an open port is
a `Talk`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

from bench.detection.faults import Asked, Board

BACKLOG = 1024
FILLERS = 4  # connections that fill a backlog of nought; Linux takes one more than it says
CONNECTION_SECONDS = 20.0
HEAD_LIMIT_BYTES = 2**16
ACTS = ("refuse", "drop", "mute", "reset")

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ContextNow = Callable[[], ssl.SSLContext | None]


class Port:
    """One listener of the target. A port of one host's own fails with that host's fault."""

    def __init__(
        self,
        talk: Talk,
        board: Board,
        *,
        host: str = "",
        tls: ContextNow = lambda: None,
        address: tuple[str, int],
    ) -> None:
        """`host` is whose faults strike the port itself; `tls` says which context a connection gets."""
        self._talk = talk
        self._board = board
        self._host = host
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._mute: set[socket.socket] = set()
        self._fillers: list[socket.socket] = []
        self._listener: socket.socket | None = None
        # Bound but never listening: while the listener is closed nobody else can be given the port.
        self._holder = _reusable(address)
        self.address: tuple[str, int] = self._holder.getsockname()[:2]
        self.open()

    @property
    def number(self) -> int:
        """The port's number."""
        return self.address[1]

    def open(self) -> None:
        """Accept connections again."""
        self._end_drop()
        if self._listener is None:
            self._listener = _reusable(self.address)
            self._listener.listen(BACKLOG)
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def refuse(self) -> None:
        """Close the listener: the kernel refuses whoever comes."""
        self._end_drop()
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
            self._listener = None

    def drop(self) -> None:
        """Let the kernel drop whatever comes: the backlog is full and nobody accepts."""
        self.open()
        assert self._listener is not None
        self._loop.remove_reader(self._listener.fileno())
        self._listener.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket(self._listener.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex(self.address)
            self._fillers.append(filler)

    async def release(self) -> None:
        """Close everything and give the port back."""
        self.refuse()
        self._holder.close()
        for sock in self._mute:
            sock.close()
        for task in (tasks := list(self._tasks)):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    def _end_drop(self) -> None:
        if self._fillers:
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            assert self._listener is not None
            self._listener.listen(BACKLOG)
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        # All that are there: one a turn of the loop would let them queue up.
        with contextlib.suppress(OSError):
            while self._listener is not None:
                self._take(*self._listener.accept())

    def _take(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        sock.setblocking(False)
        asked = Asked(source=peer[0])
        if self._host and self._board.fault(self._host, asked, "mute"):
            self._keep_mute(sock)
        elif self._host and self._board.fault(self._host, asked, "reset"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        else:
            task = self._loop.create_task(self._serve(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _keep_mute(self, sock: socket.socket) -> None:
        # Read by nobody; what the other side does with it shows when we are asked to close it.
        self._mute.add(sock)
        self._loop.call_later(CONNECTION_SECONDS, self._forget, sock)

    def _forget(self, sock: socket.socket) -> None:
        self._mute.discard(sock)
        sock.close()

    async def _serve(self, sock: socket.socket) -> None:
        reader = asyncio.StreamReader(limit=HEAD_LIMIT_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        # Whatever a client does (leave, send too much) ends its connection and nothing else.
        # RuntimeError is how uvloop calls a write to a connection that the client has reset.
        faults = (OSError, EOFError, RuntimeError, asyncio.LimitOverrunError, ssl.SSLError)
        with contextlib.suppress(*faults, asyncio.CancelledError):
            async with asyncio.timeout(CONNECTION_SECONDS):
                context = self._tls()
                if context is not None and self._host and not await self._would_agree(sock, context):
                    return
                transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, sock, ssl=context)
                writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
                try:
                    await self._talk(reader, writer)
                finally:
                    writer.close()

    async def _would_agree(self, sock: socket.socket, context: ssl.SSLContext) -> bool:
        """Say whether a handshake gets past the client's greeting; if not, tell the client why and close.

        The event loop's own TLS closes without the alert that every real server sends.
        """
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        incoming.write(await self._peek(sock))
        try:
            context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError:
            await self._loop.sock_sendall(sock, outgoing.read())
            sock.close()
            return False
        return True

    async def _peek(self, sock: socket.socket) -> bytes:
        ready = asyncio.Event()
        self._loop.add_reader(sock.fileno(), ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_reader(sock.fileno())
        return sock.recv(HEAD_LIMIT_BYTES, socket.MSG_PEEK)


def has_ipv6() -> bool:
    """Say whether ::1 can be bound here."""
    try:
        _reusable(("::1", 0)).close()
    except OSError:
        return False
    return True


def _reusable(address: tuple[str, int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setblocking(False)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock
