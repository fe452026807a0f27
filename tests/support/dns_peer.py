"""A DNS server for tests, over UDP, TCP and TLS, that answers from a table and misbehaves on order."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from support.ports import LOOPBACK, serving

_BIND_ATTEMPTS = 20


class Fault(enum.Enum):
    """What goes wrong with an answer on the wire."""

    NONE = "none"
    SILENT = "silent"
    TRUNCATED = "truncated over UDP, whole over TCP"
    ALWAYS_TRUNCATED = "truncated over UDP and TCP"
    WRONG_ID = "wrong id"
    WRONG_QUESTION = "wrong question"
    GARBAGE = "garbage bytes"
    SHORT = "cut in the middle"
    WRONG_SOURCE = "sent from another port (UDP)"
    FORGED_FIRST = "a wrong id first, then the true answer (UDP)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one question. `records` are texts of record data; `chain` are CNAME hops before them."""

    records: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    ttl: int = 60
    authoritative: bool = True
    proven: bool = True  # an NXDOMAIN comes with the SOA record of its zone
    delay_us: int = 0
    fault: Fault = Fault.NONE


def records(*texts: str, ttl: int = 60) -> Reply:
    """A good answer with these records."""
    return Reply(records=texts, ttl=ttl)


NXDOMAIN = Reply(rcode="NXDOMAIN")
BARE_NXDOMAIN = Reply(rcode="NXDOMAIN", proven=False)
SERVFAIL = Reply(rcode="SERVFAIL", authoritative=False)
REFUSED = Reply(rcode="REFUSED", authoritative=False)
SILENT = Reply(fault=Fault.SILENT)

Zone = Mapping[tuple[str, str], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question as it came in; `over` is udp, tcp or tls."""

    name: str
    type: str
    over: str
    recursion_desired: bool
    peer: tuple[str, int]


@dataclass(slots=True)
class DnsPeer:
    """A running server; `zone` may be changed while it runs. `tls_port` is 0 without a TLS context."""

    zone: dict[tuple[str, str], Reply]
    host: str = LOOPBACK
    port: int = 0
    tls_port: int = 0
    queries: list[Query] = field(default_factory=list)

    @property
    def address(self) -> str:
        """`host:port` of UDP and TCP."""
        return f"{self.host}:{self.port}"

    def count(self, name: str, over: str | None = None) -> int:
        """Count the queries for a name, over one transport or all."""
        wanted = _absolute(name)
        return sum(query.name == wanted and over in (None, query.over) for query in self.queries)

    def reply_to(self, name: str, kind: str) -> Reply:
        """Look a question up: NXDOMAIN for unknown names, an empty answer for a known name's other types."""
        known = {(_absolute(key[0]), key[1]): reply for key, reply in self.zone.items()}
        if (name, kind) in known:
            return known[name, kind]
        return Reply() if any(key[0] == name for key in known) else NXDOMAIN

    def note(self, wire: bytes, over: str, peer: tuple[str, int]) -> tuple[dns.message.Message, Reply]:
        """Record a query and find what to say to it."""
        message = dns.message.from_wire(wire)
        question = message.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        wants = bool(message.flags & dns.flags.RD)
        self.queries.append(Query(name=name, type=kind, over=over, recursion_desired=wants, peer=peer))
        return message, self.reply_to(name, kind)

    def answer(self, wire: bytes, over: str, peer: tuple[str, int]) -> bytes:
        """Return the answer to a query that another server has taken, without any delay."""
        return b"".join(_wires(*self.note(wire, over, peer), over))

    async def handle_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer length-prefixed queries until the peer closes."""
        over = "tls" if writer.get_extra_info("ssl_object") else "tcp"
        while True:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            wire = await reader.readexactly(size)
            message, reply = self.note(wire, over, writer.get_extra_info("peername")[:2])
            await asyncio.sleep(reply.delay_us / 1e6)
            for answer in _wires(message, reply, over):
                writer.write(struct.pack("!H", len(answer)) + answer)
            await writer.drain()


class _Datagrams(asyncio.DatagramProtocol):
    """UDP side; `other` is a second socket that wrong-source answers leave from."""

    def __init__(self, peer: DnsPeer) -> None:
        self.peer = peer
        self.other: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)  # not a subclass of it on every loop

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message, reply = self.peer.note(data, "udp", addr[:2])
        loop = asyncio.get_running_loop()
        loop.call_later(reply.delay_us / 1e6, self._answer, message, reply, addr)

    def _answer(self, message: dns.message.Message, reply: Reply, addr: tuple[str, int]) -> None:
        sender = self.other if reply.fault is Fault.WRONG_SOURCE else self.transport
        for wire in _wires(message, reply, "udp"):
            if sender is not None and not sender.is_closing():
                sender.sendto(wire, addr)


@contextlib.asynccontextmanager
async def dns_peer(
    zone: Zone, *, host: str = LOOPBACK, over_tcp: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncIterator[DnsPeer]:
    """Serve `zone`, keyed by (name, type), on one port of UDP and TCP, and over TLS on another if asked.

    `over_tcp=False` leaves TCP refused, for the client that must fall back and cannot.
    """
    peer = DnsPeer(dict(zone), host=host)
    async with contextlib.AsyncExitStack() as stack:
        await _open_plain(peer, stack, over_tcp)
        if tls is not None:
            secure = serving(peer.handle_stream, host=host, tls=tls)
            peer.tls_port = (await stack.enter_async_context(secure))[1]
        yield peer


async def _open_plain(peer: DnsPeer, stack: contextlib.AsyncExitStack, over_tcp: bool) -> None:
    # UDP and TCP must share a port; another process may hold the TCP side of the one that UDP was given.
    for _ in range(_BIND_ATTEMPTS):
        async with contextlib.AsyncExitStack() as attempt:
            peer.port = await attempt.enter_async_context(_datagrams(peer))
            try:
                if over_tcp:
                    stream = serving(peer.handle_stream, host=peer.host, port=peer.port)
                    await attempt.enter_async_context(stream)
            except OSError:
                continue
            await stack.enter_async_context(attempt.pop_all())
            return
    raise OSError(f"no port of {peer.host} is free for both UDP and TCP")


@contextlib.asynccontextmanager
async def _datagrams(peer: DnsPeer) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Datagrams(peer), (peer.host, 0))
    other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (peer.host, 0))
    protocol.other = other
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
        other.close()
        await asyncio.sleep(0)  # lets both transports close before the loop ends


def _wires(message: dns.message.Message, reply: Reply, over: str) -> list[bytes]:
    """Turn a reply into what goes on the wire: nothing, one message, or two."""
    fault = reply.fault
    if fault is Fault.SILENT:
        return []
    if fault is Fault.GARBAGE:
        return [b"\xff\x00 not a dns message"]
    cut = fault is Fault.ALWAYS_TRUNCATED or (fault is Fault.TRUNCATED and over == "udp")
    response = _response(message, Reply(rcode=reply.rcode) if cut else reply)
    if cut:
        response.flags |= dns.flags.TC
    wire = response.to_wire(max_size=65535)
    forged = struct.pack("!H", message.id ^ 0x5A5A) + wire[2:]
    return {
        Fault.WRONG_ID: [forged],
        Fault.FORGED_FIRST: [forged, wire],
        Fault.SHORT: [wire[: len(wire) // 2]],
    }.get(fault, [wire])


def _response(message: dns.message.Message, reply: Reply) -> dns.message.Message:
    response = dns.message.make_response(message, recursion_available=True)
    response.set_rcode(dns.rcode.from_text(reply.rcode))
    if reply.authoritative:
        response.flags |= dns.flags.AA
    question = message.question[0]
    owner = question.name
    for hop in reply.chain:
        response.answer.append(dns.rrset.from_text(owner, reply.ttl, "IN", "CNAME", _absolute(hop)))
        owner = dns.name.from_text(hop)
    if reply.rcode == "NXDOMAIN" and reply.proven:
        response.authority.append(dns.rrset.from_text(".", reply.ttl, "IN", "SOA", ". . 1 2 3 4 5"))
    if reply.records:
        kind = dns.rdatatype.to_text(question.rdtype)
        response.answer.append(dns.rrset.from_text(owner, reply.ttl, "IN", kind, *reply.records))
    if reply.fault is Fault.WRONG_QUESTION:
        other = dns.name.from_text("other.test.")
        response.question = [dns.rrset.RRset(other, question.rdclass, question.rdtype)]
    return response


def _absolute(name: str) -> str:
    return name.lower().rstrip(".") + "."
