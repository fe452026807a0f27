"""A socket for echo requests: unprivileged where the system allows it, raw where it must be.

Errors that routers send back (unreachable, time exceeded) come through the socket's error queue.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .clock import monotonic_ns
from .failures import Code, Stop
from .icmp_wire import without_ip_header
from .link import Address
from .local import local_trouble
from .reactor import READABLE, Channel
from .stamps import arrival_ns, stamp_arrivals
from .watch import Watch

MAX_PACKET = 65_535
_ANCILLARY_BYTES = 256
_FLAGS = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_PROTOCOLS = {4: socket.IPPROTO_ICMP, 6: getattr(socket, "IPPROTO_ICMPV6", 58)}
_IP_RECVERR, _IP_RECVTTL, _IP_TTL, _IP_MTU_DISCOVER, _PMTU_DO, _PMTU_DONT = 11, 12, 2, 10, 2, 0
_IPV6_RECVERR, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT, _IPV6_UNICAST_HOPS = 25, 51, 52, 16
_IPV6_MTU_DISCOVER = 23
_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_EXTENDED_ERROR = struct.Struct("=IBBBBII")  # errno, origin, type, code, pad, info, data
_FROM_ROUTER = (2, 3)  # origins ICMP and ICMPv6; the other is this machine
_TIME_EXCEEDED = {4: 11, 6: 3}
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EPROTONOSUPPORT)

Opener = Callable[[int, int, int], socket.socket]
"""Makes a socket of a family, type and protocol, as `socket.socket` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoTerms:
    """How packets are sent: hop limit (None: the system's), whether routers may fragment, and from where."""

    ttl: int | None = None
    dont_fragment: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message that came: its bytes from the ICMP header on, when, and the hop limit it had left."""

    data: bytes
    at_ns: int
    hops_left: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a router or this machine said of a packet of ours; `data` is the packet as far as it was quoted."""

    stop: Stop
    data: bytes


class EchoSocket:
    """One socket of one run, connected to its target. Close it on every way out."""

    __slots__ = ("_address", "_channel", "_sock", "_watch", "is_raw")

    def __init__(self, watch: Watch, sock: socket.socket, address: Address, *, is_raw: bool) -> None:
        self._watch = watch
        self._sock = sock
        self._address = address
        self._channel: Channel | None = None
        self.is_raw = is_raw

    @property
    def identifier(self) -> int:
        """The identifier to send: any for a raw socket; of others the kernel puts in its own."""
        return os.getpid() & 0xFFFF

    def send(self, packet: bytes) -> int:
        """Send one packet and return the monotonic instant; raises `Stop`."""
        sent_ns = monotonic_ns()
        try:
            self._sock.send(packet)
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                words = f"a packet of {len(packet)} bytes does not fit through without being cut up"
                raise Stop(Code.ICMP_UNREACHABLE, f"{self._address.host}: {words}") from None
            if trouble := local_trouble(error):
                raise Stop(*trouble) from None
            # A router's word on an earlier packet; it is in the error queue as well.
        return sent_ns

    async def receive(self, until_ns: int) -> Arrival | Refusal | None:
        """Return the next message or error, or None when `until_ns` (monotonic) came first."""
        if self._channel is None:
            self._channel = Channel(self._watch.reactor, self._sock, READABLE)
        while True:
            if (came := self._error() or self._message()) is not None:
                return came
            if monotonic_ns() >= until_ns:
                return None
            await self._channel.until(until_ns)

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
        else:
            self._sock.close()

    def _message(self) -> Arrival | None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(MAX_PACKET, _ANCILLARY_BYTES)
        except BlockingIOError:
            return None
        except OSError as error:
            if trouble := local_trouble(error):
                raise Stop(*trouble) from None
            return None  # told once more what the error queue holds
        at_ns = arrival_ns(self._watch, ancillary)
        if self.is_raw and self._address.family == 4:
            data, hops = without_ip_header(data)
            return Arrival(data, at_ns, hops)
        return Arrival(data, at_ns, _hops_left(ancillary))

    def _error(self) -> Refusal | None:
        try:
            data, ancillary, _, _ = self._sock.recvmsg(MAX_PACKET, _ANCILLARY_BYTES, socket.MSG_ERRQUEUE)
        except OSError:
            return None
        for level, kind, record in ancillary:
            if (level, kind) in ((socket.IPPROTO_IP, _IP_RECVERR), (socket.IPPROTO_IPV6, _IPV6_RECVERR)):
                return Refusal(_meaning(record, self._address), data)
        return None


def open_echo(watch: Watch, address: Address, terms: EchoTerms, opener: Opener = socket.socket) -> EchoSocket:
    """Open a socket towards an address. Raises `Stop`: AGENT_PERMISSION when the system allows neither kind."""
    watch.place.admit(address.host)
    sock, is_raw = _open(address, opener)
    try:
        _prepare(sock, address, terms, is_raw=is_raw)
        sock.connect((address.host, 0))
    except OSError as error:
        sock.close()
        code, words = local_trouble(error) or (Code.AGENT_ERROR, os.strerror(error.errno or 0).lower())
        raise Stop(code, f"{address.host}: {words}") from None
    except BaseException:
        sock.close()
        raise
    return EchoSocket(watch, sock, address, is_raw=is_raw)


def _open(address: Address, opener: Opener) -> tuple[socket.socket, bool]:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = opener(address.socket_family, kind | _FLAGS, _PROTOCOLS[address.family])
        except OSError as error:
            if error.errno in _NOT_ALLOWED:
                continue
            code, words = local_trouble(error) or (Code.AGENT_ERROR, os.strerror(error.errno or 0).lower())
            raise Stop(code, f"no socket for echo requests: {words}") from None
        return sock, kind == socket.SOCK_RAW
    raise Stop(
        Code.AGENT_PERMISSION,
        "the system here allows no echo requests: neither unprivileged ones (sysctl net.ipv4.ping_group_range must hold"
        f" group {os.getegid()}) nor raw sockets (capability CAP_NET_RAW)",
    )


def _prepare(sock: socket.socket, address: Address, terms: EchoTerms, *, is_raw: bool) -> None:
    with suppress(OSError):  # some systems stamp no raw sockets; our own clock has to do there
        stamp_arrivals(sock)
    if address.family == 4:
        _prepare4(sock, terms, is_raw=is_raw)
    else:
        _prepare6(sock, terms, is_raw=is_raw)
    if terms.source is not None and (":" in terms.source) == (address.family == 6):
        sock.bind((terms.source, 0))


def _prepare4(sock: socket.socket, terms: EchoTerms, *, is_raw: bool) -> None:
    sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
    sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
    sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTU_DO if terms.dont_fragment else _PMTU_DONT)
    if terms.ttl is not None:
        sock.setsockopt(socket.IPPROTO_IP, _IP_TTL, terms.ttl)
    if is_raw:  # replies only; errors come through the queue
        sock.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", ~(1 << 0) & 0xFFFFFFFF))


def _prepare6(sock: socket.socket, terms: EchoTerms, *, is_raw: bool) -> None:
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTU_DO if terms.dont_fragment else _PMTU_DONT)
    if terms.ttl is not None:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_UNICAST_HOPS, terms.ttl)
    if is_raw:
        blocked = bytearray(b"\xff" * 32)
        blocked[129 // 8] &= (
            ~(1 << (129 % 8)) & 0xFF
        )  # words of 32 bits in host order; on a byte scale: little endian
        sock.setsockopt(_PROTOCOLS[6], _ICMP6_FILTER, bytes(blocked))


def _hops_left(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, _IP_TTL), (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT)):
            return int(struct.unpack_from("=i", data)[0])
    return None


def _meaning(record: bytes, address: Address) -> Stop:
    number, origin, kind, _, _, _, _ = _EXTENDED_ERROR.unpack_from(record)
    if origin not in _FROM_ROUTER and (trouble := local_trouble(OSError(number, ""))):
        return Stop(trouble[0], f"{address.host}: {trouble[1]}")
    if origin in _FROM_ROUTER and kind == _TIME_EXCEEDED[address.family]:
        return Stop(Code.ICMP_TTL_EXCEEDED, f"{address.host}: the hop limit ran out on the way")
    words = os.strerror(number).lower()
    return Stop(Code.ICMP_UNREACHABLE, f"{address.host}: a router answered: {words}")
