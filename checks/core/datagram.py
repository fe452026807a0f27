"""A connected UDP socket of one run: a fresh port, answers from the asked address only, kernel stamps.

Errors of the system come as they are (OSError); what they mean is decided where the protocol is known.
"""

from __future__ import annotations

import socket

from .clock import monotonic_ns
from .link import READS_A_TURN, Address
from .reactor import READABLE, Channel, Pause
from .stamps import ANCILLARY_BYTES, arrival_ns, stamp_arrivals
from .watch import Watch

MAX_DATAGRAM_BYTES = 65535
_FLAGS = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class Datagrams:
    """One UDP socket. Close it on every way out."""

    __slots__ = ("_channel", "_reads", "_sock", "_watch", "received_ns", "sent_ns")

    def __init__(self, watch: Watch, address: Address, source: str | None = None) -> None:
        self._watch = watch
        self._channel: Channel | None = None
        self._reads = 0  # since this run last waited
        self.sent_ns = 0  # when the last send began
        self.received_ns = 0  # when the last datagram reached this machine
        self._sock = socket.socket(address.socket_family, _FLAGS)
        try:
            stamp_arrivals(self._sock)
            if source is not None:
                self._sock.bind((source, 0))
            self._sock.connect((address.host, address.port))
        except BaseException:
            self._sock.close()
            raise

    def send(self, data: bytes) -> None:
        """Send one datagram; raises OSError."""
        self.sent_ns = monotonic_ns()
        self._sock.send(data)

    async def receive(self, until_ns: int | None = None) -> bytes | None:
        """Return the next datagram, or None when `until_ns` (monotonic) came first; raises OSError."""
        fresh = self._channel is None  # registering tells of what is here already, so no vain read at first
        if self._channel is None:
            self._channel = Channel(self._watch.reactor, self._sock, READABLE)
        self._reads += 1
        if (
            self._reads > READS_A_TURN
        ):  # a flood never makes us wait, and others, and our deadline, want their turn
            self._reads = 0
            await Pause(monotonic_ns())
        while True:
            if not fresh:
                try:
                    data, ancillary, _, _ = self._sock.recvmsg(MAX_DATAGRAM_BYTES, ANCILLARY_BYTES)
                except BlockingIOError:
                    if until_ns is not None and monotonic_ns() >= until_ns:
                        return None
                else:
                    self.received_ns = arrival_ns(self._watch, ancillary)
                    return data
            fresh = False
            self._reads = 0
            if until_ns is None:
                await self._channel
            else:
                await self._channel.until(until_ns)

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
        else:
            self._sock.close()


def source_for(address: Address, source: str | None) -> str | None:
    """Return the region's source address if packets to that address may carry it, else None."""
    if source is None or (":" in source) != (address.family == 6):
        return None
    return source if _is_loopback(source) or not _is_loopback(address.host) else None


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host == "::1"
