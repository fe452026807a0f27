"""The DNS stand-in: one name with one address, over UDP, written out by hand because it says so little.

Not here: reading answers, which is what `checks` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from typing import cast

from .script import Mode
from .talks import ModeFor

NAME, ADDRESS, TTL_SECONDS = "shop.example", "203.0.113.7", 60
_HEADER = struct.Struct("!6H")
_TYPE_A, _CLASS_IN = 1, 1
_QR, _AA, _RD = 0x8000, 0x0400, 0x0100
_OPCODE = 0x7800
_NOERROR, _SERVFAIL, _NXDOMAIN, _NOTIMP = 0, 2, 3, 4


def answer(query: bytes, mode: Mode) -> bytes | None:
    """Return the answer to a query in a mode, or None where it is silent, also to what is no query."""
    question = _question(query)
    if question is None or mode is Mode.SILENT:
        return None
    name, kind, end = question
    number, flags = _HEADER.unpack_from(query)[:2]
    rcode = _rcode(name, flags, mode)
    record = _record() if rcode == _NOERROR and kind == (_TYPE_A, _CLASS_IN) else b""
    # A server that fails does not speak for the zone.
    flags = _QR | (flags & (_OPCODE | _RD)) | (0 if rcode == _SERVFAIL else _AA) | rcode
    return _HEADER.pack(number, flags, 1, 1 if record else 0, 0, 0) + query[_HEADER.size : end] + record


def _rcode(name: str, flags: int, mode: Mode) -> int:
    if flags & _OPCODE:
        return _NOTIMP
    if mode is Mode.SERVFAIL:
        return _SERVFAIL
    return _NXDOMAIN if mode is Mode.NXDOMAIN or name != NAME else _NOERROR


def _question(query: bytes) -> tuple[str, tuple[int, int], int] | None:
    """Read the only question: name in lower case, (type, class), and where it ends; None if it is not one."""
    if len(query) < _HEADER.size or query[2] & 0x80 or query[4:6] != b"\x00\x01":
        return None
    labels, place = [], _HEADER.size
    while place < len(query) and 0 < (length := query[place]) < 64:
        labels.append(query[place + 1 : place + 1 + length])
        place += 1 + length
    end = place + 5
    if end > len(query) or query[place] != 0:
        return None
    name = b".".join(labels).decode("latin-1").lower()
    return name, cast("tuple[int, int]", struct.unpack_from("!2H", query, place + 1)), end


def _record() -> bytes:
    pointer_to_question = 0xC000 | _HEADER.size
    data = socket.inet_aton(ADDRESS)
    return struct.pack("!3HIH", pointer_to_question, _TYPE_A, _CLASS_IN, TTL_SECONDS, len(data)) + data


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, mode_for: ModeFor) -> None:
        self._mode_for = mode_for

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(
            asyncio.DatagramTransport, transport
        )  # not a subclass of it on every event loop

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = answer(data, self._mode_for(addr[0]))
        if reply is not None:
            self._transport.sendto(reply, addr)


@contextlib.asynccontextmanager
async def name_server(host: str, mode_for: ModeFor) -> AsyncIterator[tuple[str, int]]:
    """Answer on a free UDP port of `host` and yield its address."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(mode_for), (host, 0))
    try:
        yield transport.get_extra_info("sockname")[:2]
    finally:
        transport.close()
        await asyncio.sleep(0)  # lets the transport close before the loop may end
