"""A host that answers echo requests, as bytes over UDP: what a ping socket carries, without its permissions.

`echo_peer` gives an opener for checks: the sockets it makes go to this peer, whatever address they are connected to.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from support.ports import LOOPBACK

REPLY, REQUEST_BYTES = b"\0", 8

Behaviour = Callable[[int, bytes], list[bytes]]
"""Returns what is sent back for a request: its number, and the reply that would be right."""


def answer(_number: int, reply: bytes) -> list[bytes]:
    """Answer every request."""
    return [reply]


def lose(*numbers: int) -> Behaviour:
    """Answer all but these."""
    return lambda number, reply: [] if number in numbers else [reply]


def silent(_number: int, _reply: bytes) -> list[bytes]:
    """Answer none."""
    return []


@dataclass(slots=True)
class EchoPeer:
    """A running peer and the requests that it has seen."""

    port: int = 0
    delay_seconds: float = 0
    requests: list[bytes] = field(default_factory=list)

    def opener(self, family: int, kind: int, _protocol: int) -> socket.socket:
        """Make a UDP socket that goes to this peer."""
        peer = (LOOPBACK, self.port)

        class Carried(socket.socket):
            def connect(self, _address: Any) -> None:  # Any: as the base has it
                super().connect(peer)

        return Carried(family, kind)


class _Answering(asyncio.DatagramProtocol):
    def __init__(self, peer: EchoPeer, behave: Behaviour) -> None:
        self._peer = peer
        self._behave = behave

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._peer.requests.append(data)
        number = int.from_bytes(data[6:8], "big")
        for reply in self._behave(number, REPLY + data[1:]):
            if self._peer.delay_seconds:
                asyncio.get_running_loop().call_later(
                    self._peer.delay_seconds, self._transport.sendto, reply, addr
                )
            else:
                self._transport.sendto(reply, addr)


@contextlib.asynccontextmanager
async def echo_peer(behave: Behaviour = answer, delay_seconds: float = 0) -> AsyncIterator[EchoPeer]:
    """Run a peer."""
    peer = EchoPeer(delay_seconds=delay_seconds)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Answering(peer, behave), local_addr=(LOOPBACK, 0)
    )
    peer.port = transport.get_extra_info("sockname")[1]
    try:
        yield peer
    finally:
        transport.close()
