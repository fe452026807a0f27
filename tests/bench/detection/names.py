"""The target's two authoritative name servers, over UDP and TCP, that can fail by name and by server.

Every host of the zone exists as soon as it is asked for; AAAA is an empty answer (never NXDOMAIN) but for the hosts
that have one. Written out by hand: a thousand answers a second must not weigh on what is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable

from bench.detection.faults import Asked, Board, Fault

ZONE = "bench.test"
ADDRESS, ADDRESS6 = "127.0.0.1", "::1"
ACTS = ("nxdomain", "servfail", "silent", "dangling-alias", "late-names")
_HEADER = struct.Struct("!6H")
_RECORD = struct.Struct("!HHIH")
_A, _NS, _CNAME, _SOA, _AAAA, _IN = 1, 2, 5, 6, 28, 1
_QR, _AA, _RD = 0x8000, 0x0400, 0x0100
_NOERROR, _SERVFAIL, _NXDOMAIN = 0, 2, 3
_TTL_SECONDS = 60
_BIND_ATTEMPTS = 20
_SO_TIMESTAMPNS = getattr(socket, "SO_TIMESTAMPNS", 35)
_TIMESPEC = struct.Struct("@qq")


def encoded(name: str) -> bytes:
    """Return a name as it travels."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


_SOA_RECORD = (
    encoded(ZONE) + _RECORD.pack(_SOA, _IN, _TTL_SECONDS, len(soa := encoded("ns1." + ZONE) + encoded("root." + ZONE)
    + struct.pack("!5I", 1, 3600, 600, 86400, _TTL_SECONDS))) + soa
)  # fmt: skip
_ROOT_RECORD = b"\0" + _RECORD.pack(_NS, _IN, _TTL_SECONDS, len(root := encoded("ns1." + ZONE))) + root
_TO_QUESTION = struct.pack("!H", 0xC000 | _HEADER.size)


def question(query: bytes) -> tuple[str, int, int] | None:
    """Return name, type and end of the one question of a query; None for what is no query."""
    if len(query) < _HEADER.size + 5 or query[2] & 0x80 or query[4:6] != b"\0\1":
        return None
    labels, place = [], _HEADER.size
    while place < len(query) and 0 < (length := query[place]) < 64:
        labels.append(query[place + 1 : place + 1 + length].decode("latin-1").lower())
        place += 1 + length
    if place + 5 > len(query) or query[place]:
        return None
    return ".".join(labels), struct.unpack_from("!H", query, place + 1)[0], place + 5


class Names:
    """What both servers know."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self.with_ipv6: set[str] = set()
        """Hosts that have an IPv6 address, too."""

    def answer(self, query: bytes, server: str, source: str) -> tuple[bytes | None, float]:
        """Return the answer, None for silence, and after how many seconds it goes out."""
        asked = question(query)
        if asked is None:
            return None, 0.0
        name, rdtype, end = asked
        fault = self._board.fault(name, Asked(source=source, server=server), *ACTS)
        if fault is not None and fault.act == "silent":
            return None, 0.0
        rcode, answers, authority = self._say(name, rdtype, fault)
        flags = _QR | _AA | (int.from_bytes(query[2:4], "big") & _RD) | rcode
        header = _HEADER.pack(int.from_bytes(query[:2], "big"), flags, 1, len(answers), len(authority), 0)
        late = fault.settings["ms"] / 1000 if fault is not None and fault.act == "late-names" else 0.0
        return header + query[_HEADER.size : end] + b"".join(answers) + b"".join(authority), late

    def _say(self, name: str, rdtype: int, fault: Fault | None) -> tuple[int, list[bytes], list[bytes]]:
        if name == "":
            return _NOERROR, [_ROOT_RECORD] if rdtype == _NS else [], []
        act = fault.act if fault is not None else ""
        if act == "servfail":
            return _SERVFAIL, [], []
        if act == "nxdomain" or not name.endswith("." + ZONE):
            return _NXDOMAIN, [], [_SOA_RECORD]
        if act == "dangling-alias":
            return _NXDOMAIN, [_record(_CNAME, encoded("gone.cdn." + ZONE))], [_SOA_RECORD]
        if rdtype == _A:
            return _NOERROR, [_record(_A, socket.inet_aton(ADDRESS))], []
        if rdtype == _AAAA and name in self.with_ipv6:
            return _NOERROR, [_record(_AAAA, socket.inet_pton(socket.AF_INET6, ADDRESS6))], []
        return _NOERROR, [], [_SOA_RECORD]


def _record(rdtype: int, data: bytes) -> bytes:
    return _TO_QUESTION + _RECORD.pack(rdtype, _IN, _TTL_SECONDS, len(data)) + data


Late = Callable[[int, int], None]
"""Is told of a query that waited: when it came to this machine, and when it was read (micro-seconds)."""


class Datagrams:
    """The UDP side of one server: reads all that is there at once, and knows how long the oldest of it waited."""

    def __init__(self, names: Names, server: str, late: Late, host: str) -> None:
        self._names = names
        self._server = server
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sock.bind((host, 0))
        self.port: int = self._sock.getsockname()[1]
        self._loop.add_reader(self._sock.fileno(), self._read)

    def close(self) -> None:
        """Close the socket."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _read(self) -> None:
        waited = False
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, peer = self._sock.recvmsg(2048, socket.CMSG_SPACE(_TIMESPEC.size))
                if not waited and ancillary:  # the first is the oldest
                    waited = True
                    seconds, nanoseconds = _TIMESPEC.unpack_from(ancillary[0][2])
                    self._late(seconds * 1_000_000 + nanoseconds // 1000, time.time_ns() // 1000)
                self._answer(data, peer)

    def _answer(self, data: bytes, peer: tuple[str, int]) -> None:
        reply, late = self._names.answer(data, self._server, peer[0])
        if reply is not None and late:
            self._loop.call_later(late, self._send, reply, peer)
        elif reply is not None:
            self._send(reply, peer)

    def _send(self, reply: bytes, peer: tuple[str, int]) -> None:
        if self._sock.fileno() >= 0:
            with contextlib.suppress(OSError):  # who asked has left
                self._sock.sendto(reply, peer)


@contextlib.asynccontextmanager
async def name_server(names: Names, server: str, late: Late, host: str = ADDRESS) -> AsyncIterator[int]:
    """Answer on one free port over UDP and TCP; yields it."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            reply, late = names.answer(query, server, writer.get_extra_info("peername")[0])
            await asyncio.sleep(late)
            if reply is not None:
                writer.write(len(reply).to_bytes(2, "big") + reply)
                await writer.drain()
            else:
                await reader.read()
        writer.close()

    # Another process may hold the TCP side of the port that UDP was given.
    for attempt in range(_BIND_ATTEMPTS):
        datagrams = Datagrams(names, server, late, host)
        try:
            stream = await asyncio.start_server(converse, host, datagrams.port)
        except OSError:
            datagrams.close()
            if attempt == _BIND_ATTEMPTS - 1:
                raise
        else:
            break
    try:
        yield datagrams.port
    finally:
        stream.close()
        datagrams.close()
        await asyncio.sleep(0)
