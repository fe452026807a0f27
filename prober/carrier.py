"""Carries messages over a stream: four bytes of length, then the message. The local carrier is a socket pair.

Every read and write has a limit; a peer that is gone is the end of the carrier. What the bytes mean lives in wire.py.
"""

from __future__ import annotations

import asyncio
import socket

from .wire import MAX_MESSAGE, WireError

WRITE_SECONDS = 10.0  # a peer that takes nothing for so long is taken for dead
_LENGTH_BYTES = 4


class Carrier:
    """One connection between an agent and the hub."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Carrier:
        """Return a carrier over a connected stream socket, which it then owns."""
        return cls(*await asyncio.open_connection(sock=sock))

    async def receive(self) -> bytes | None:
        """Return the next message, None when the peer is gone. Waits as long as it takes: silence is no fault here."""
        try:
            head = await self._reader.readexactly(_LENGTH_BYTES)
            length = int.from_bytes(head, "big")
            if length > MAX_MESSAGE:
                raise WireError(f"a message of {length} bytes is over the limit of {MAX_MESSAGE}")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def send(self, message: bytes) -> bool:
        """Send a message; False when the peer is gone or takes nothing."""
        if self._writer.is_closing():
            return False
        self._writer.write(len(message).to_bytes(_LENGTH_BYTES, "big") + message)
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._writer.drain()
        except (ConnectionError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        """Close at once; safe to call twice."""
        self._writer.close()
