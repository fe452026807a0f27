"""A byte stream to a target: a raw TCP socket, on demand with TLS on top, timed by the kernel where it can be.

Phases come from the kernel: the connect time from TCP_INFO, arrivals from receive stamps. What this process's
own lateness would add is left out of the phases and told to the watch instead. One link is one connection;
names, requests and verdicts live elsewhere.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from .clock import monotonic_ns
from .failures import Code, Stop
from .local import local_trouble
from .reactor import ARRIVALS, Channel, Pause
from .stamps import ANCILLARY_BYTES, arrival_ns, stamp_arrivals
from .tls import TlsLayer
from .watch import Watch

RECEIVE_BYTES = 65536  # one read of the socket
READS_A_TURN = 16  # reads without a wait before others get their turn (and this run's deadline its chance)
_IP_BIND_ADDRESS_NO_PORT = 24
_TCP_INFO = getattr(socket, "TCP_INFO", 11)
_TCP_INFO_BYTES = 104
_TCP_ESTABLISHED = 1
_U32 = struct.Struct("=I")
_RTT_AT, _RETRANSMITS_AT = 68, 100  # offsets in struct tcp_info, fixed since Linux 2.6
_TLS_RECORDS = range(20, 24)  # the first byte of every TLS record; no text has it
_FLAGS = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC

_CONNECT = {
    errno.ECONNREFUSED: (Code.CONNECT_REFUSED, "connection refused"),
    errno.ECONNRESET: (Code.CONNECT_RESET, "connection reset while connecting"),
    errno.EHOSTUNREACH: (Code.CONNECT_UNREACHABLE, "host unreachable"),
    errno.ETIMEDOUT: (Code.CONNECT_TIMEOUT, "the system gave up connecting"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a target, with the port; `family` is 4 or 6."""

    host: str
    port: int
    family: int

    @property
    def socket_family(self) -> socket.AddressFamily:
        """The family as the socket module names it."""
        return socket.AF_INET6 if self.family == 6 else socket.AF_INET

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.family == 6 else f"{self.host}:{self.port}"


class Link:
    """One connection of one run. Close it on every way out."""

    __slots__ = (
        "_channel",
        "_reads",
        "_sock",
        "_stamped",
        "_watch",
        "address",
        "received_ns",
        "sent_ns",
        "tls",
    )

    def __init__(self, watch: Watch, sock: socket.socket, address: Address) -> None:
        self._watch = watch
        self._sock = sock
        self._channel: Channel | None = None
        self._reads = 0  # since this run last waited
        self._stamped = False  # asked for receive stamps
        self.address = address
        self.tls: TlsLayer | None = None
        self.sent_ns = 0  # when the last send began
        self.received_ns = 0  # when the last data reached this machine

    async def send(self, data: bytes) -> None:
        """Send everything; raises `Stop` when the target has gone."""
        if self.sent_ns and self.tls is None:
            self._hurry()  # only who speaks twice can be held back by the kernel's wish to fill segments
        self.sent_ns = monotonic_ns()
        await self._send_raw(data if self.tls is None else self.tls.encrypt(data))

    async def receive(self, limit: int = RECEIVE_BYTES) -> bytes:
        """Return what has come, at least one byte; empty when the target has ended the stream."""
        if self.tls is None:
            return await self._receive_raw(limit)
        while True:
            plain = self.tls.decrypt(limit)
            if plain is not None:
                return plain
            data = await self._receive_raw(RECEIVE_BYTES)
            if not data:
                return b""
            self.tls.feed(data)

    async def start_tls(self, layer: TlsLayer, *, open_line: bool = False) -> None:
        """Shake hands; the stage is `tls`. Raises `Stop` with a `tls_` code; trust is judged by the caller.

        `open_line`: the rest of a line of text may come before the target's first TLS bytes and is passed over.
        """
        watch = self._watch
        self._hurry()
        began_ns = watch.enter("tls")
        lag_ns = 0
        while True:
            finished = layer.handshake()
            if outgoing := layer.outgoing():
                await self._send_raw(outgoing)
            if finished:
                break
            layer.raise_refusal()
            data = await self._receive_raw(RECEIVE_BYTES)
            lag_ns += monotonic_ns() - max(self.received_ns, began_ns)
            if not data:
                raise Stop(Code.TLS_CLOSED, "the target closed the connection within the TLS handshake")
            if open_line and data[0] not in _TLS_RECORDS:
                _, ended, data = data.partition(b"\n")
                open_line = not ended
            layer.feed(data)
        watch.leave(monotonic_ns(), lag_ns=lag_ns)
        self.tls = layer

    def _hurry(self) -> None:
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def hang_up(self) -> None:
        """Let whoever waits for data see the end of the stream; for a wait that may not last to the deadline."""
        with suppress(OSError):  # they have hung up already
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the socket; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
        else:
            self._sock.close()

    async def established(self, until_ns: int | None = None) -> None:
        """Wait for the connection; the stage `connect` ends with the kernel's own time of it.

        Raises `Stop` with CONNECT_TIMEOUT when it is not there at `until_ns` (monotonic), where that is given.
        """
        watch = self._watch
        info = self._sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_BYTES)
        if info[0] != _TCP_ESTABLISHED:
            if not await self._event(until_ns) and until_ns is not None:
                raise Stop(Code.CONNECT_TIMEOUT, f"{self.address}: no answer to the connection attempt")
            if problem := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise refusal(problem, self.address)
            info = self._sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_BYTES)
        rtt_us, retransmits = _U32.unpack_from(info, _RTT_AT)[0], _U32.unpack_from(info, _RETRANSMITS_AT)[0]
        # After a lost SYN the round trip says nothing of the wait, so the process's clock has to do.
        watch.leave(exact_ns=rtt_us * 1000 if rtt_us and not retransmits else None)

    async def _event(self, until_ns: int | None = None) -> int:
        if self._channel is None:
            self._channel = Channel(self._watch.reactor, self._sock)
        self._channel.widen()
        self._reads = 0
        return await (self._channel if until_ns is None else self._channel.until(until_ns))

    async def _send_raw(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                await self._event()
            except OSError as error:
                raise self._lost(error) from None

    async def _receive_raw(self, limit: int) -> bytes:
        self._reads += 1
        if self._reads > READS_A_TURN:  # a target that sends faster than we read never makes us wait
            self._reads = 0
            await Pause(monotonic_ns())
        if not self._stamped:  # what has come before this has its stamp as well
            stamp_arrivals(self._sock)
            self._stamped = True
        while True:
            try:
                data, ancillary, _, _ = self._sock.recvmsg(limit, ANCILLARY_BYTES)
            except BlockingIOError:
                if self._channel is None:
                    self._channel = Channel(self._watch.reactor, self._sock, ARRIVALS)
                self._reads = 0
                await self._channel
                continue
            except OSError as error:
                raise self._lost(error) from None
            self.received_ns = arrival_ns(self._watch, ancillary)
            return data

    def _lost(self, error: OSError) -> Stop:
        if trouble := local_trouble(error):
            return Stop(*trouble)
        if error.errno in (errno.ECONNRESET, errno.EPIPE):
            return Stop(Code.CONNECTION_RESET, "the target reset the connection")
        return Stop(Code.CONNECTION_RESET, f"the connection broke: {os.strerror(error.errno or 0).lower()}")


def refusal(problem: int, address: Address) -> Stop:
    """Return the `Stop` for an errno of a connection attempt."""
    if trouble := local_trouble(OSError(problem, "")):
        return Stop(trouble[0], f"{address}: {trouble[1]}")
    code, words = _CONNECT.get(problem, (Code.CONNECT_ERROR, os.strerror(problem).lower()))
    return Stop(code, f"{address}: {words}")


async def connect(
    watch: Watch, address: Address, source: str | None = None, until_ns: int | None = None
) -> Link:
    """Open a connection; the stage is `connect`. Raises `Stop` with a `connect_` or `agent_` code.

    `source` is used in place of the region's source address; `until_ns` ends the attempt ahead of the deadline.
    """
    watch.place.admit(address.host)
    watch.enter("connect")
    try:
        sock = socket.socket(address.socket_family, _FLAGS)
    except OSError as error:
        raise refusal(error.errno or 0, address) from None
    link = Link(watch, sock, address)
    try:
        if (source := source or watch.place.source_address) is not None:
            _prepare(sock, source, address)
        problem = sock.connect_ex((address.host, address.port))
        if problem not in (0, errno.EINPROGRESS):
            raise refusal(problem, address)
        await link.established(until_ns)
    except OSError as error:
        link.close()
        raise refusal(error.errno or 0, address) from None
    except BaseException:
        link.close()
        raise
    return link


def _prepare(sock: socket.socket, source: str, address: Address) -> None:
    if (":" in source) == (address.family == 6):
        # The port is chosen at connect, so that one port can serve many targets at once.
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
