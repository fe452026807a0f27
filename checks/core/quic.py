"""A QUIC connection of one run: the protocol is aioquic's, socket, clock and limits are ours.

The handshake holds the TLS one; the certificate is read whether it is trusted or not, and judged by the same rules as
ever. What is spoken over the connection lives in `http3.py`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted
from OpenSSL import crypto

from .certificates import CertificateFacts, certificate_facts
from .clock import monotonic_ns
from .datagram import Datagrams, source_for
from .failures import Code, Stop
from .link import Address, refusal
from .quote import quoted
from .tls import TlsLayer, TlsOptions, judge_trust, trusted_by
from .watch import Watch

PROTOCOL = "h3"
WINDOW_BYTES = 1024 * 1024  # what a target may send before we have taken it
MAX_UNHEARD = 2 * WINDOW_BYTES  # bytes of datagrams that bring nothing: twice what may be out of order
IDLE_SECONDS = 3600.0  # the run's own deadline comes first
_OVERHEAD = 32  # bytes that a datagram counts for beside what it holds
_NO_ERROR, _NO_PROTOCOL, _VERSION, _ALERTS = 0x100, 0x178, 0x146, range(0x100, 0x200)
_MAX_CHAIN = 10


class _Quic(QuicConnection):
    """Tells why it was closed from here, at once: aioquic reports that only when all timers have run out."""

    ours: tuple[int, str] | None = None

    def close(self, error_code: int = 0, frame_type: int | None = None, reason_phrase: str = "") -> None:
        """Begin to close the connection."""
        self.ours = self.ours or (error_code, reason_phrase)
        super().close(error_code, frame_type, reason_phrase)


class QuicLine:
    """One QUIC connection of one run. Close it on every way out."""

    __slots__ = ("_address", "_is_open", "_sock", "_watch", "address", "quic", "received_ns", "tls")

    def __init__(self, watch: Watch, address: Address, configuration: QuicConfiguration) -> None:
        """Open a socket and begin to connect; the stage is `connect`. Raises `Stop`."""
        watch.place.admit(address.host)
        watch.enter("connect")
        try:
            self._sock = Datagrams(watch, address, source_for(address, watch.place.source_address))
        except OSError as error:
            raise refusal(error.errno or 0, address) from None
        self._watch = watch
        self._address = (address.host, address.port)
        self._is_open = False
        self.address = address
        self.received_ns = 0
        self.tls: TlsLayer | None = None  # as of a link; QUIC's TLS is no layer of ours
        self.quic = _Quic(configuration=configuration)
        self.quic.connect(self._address, now=_now())

    async def handshake(self) -> None:
        """Shake hands; the stage `connect` ends with the datagram that completed it. Raises `Stop`."""
        unheard = 0
        while True:
            unheard += await self.turn(refusal)
            while (event := self.quic.next_event()) is not None:
                if isinstance(event, HandshakeCompleted):
                    self._is_open = True
                    self._watch.leave(self.received_ns)
                    return self._require(event.alpn_protocol)
                if isinstance(event, ConnectionTerminated):
                    raise self._refused(event.error_code, event.reason_phrase)
            if self.quic.ours is not None:
                code, why = self.quic.ours
                raise Stop(
                    Code.TLS_HANDSHAKE, f"the QUIC handshake makes no sense ({code:#x}): {quoted(why)}"
                )
            if unheard > MAX_UNHEARD:
                raise Stop(Code.TLS_HANDSHAKE, "the QUIC handshake does not end")

    def _require(self, protocol: str | None) -> None:
        if protocol != PROTOCOL:
            raise Stop(Code.HTTP_VERSION, "the target speaks QUIC, but agreed to no HTTP/3 by ALPN")

    def _refused(self, code: int, reason: str) -> Stop:
        why = f" ({quoted(reason)})" if reason else ""
        if code == _NO_PROTOCOL:
            return Stop(Code.HTTP_VERSION, f"the target does not speak HTTP/3{why}")
        if code == _VERSION or "common protocol version" in reason:
            return Stop(Code.TLS_VERSION, f"no version of QUIC and TLS in common{why}")
        if code in _ALERTS:
            return Stop(Code.TLS_ALERT, f"the target refused: alert {code - _ALERTS.start}{why}")
        return Stop(
            Code.CONNECT_REFUSED, f"{self.address}: the target refused the connection, {code:#x}{why}"
        )

    def flush(self, lost: Callable[[int, Address], Stop]) -> None:
        """Send what is to be sent; `lost` makes a `Stop` of the system's error."""
        try:
            for data, _ in self.quic.datagrams_to_send(now=_now()):
                self._sock.send(data)
        except BlockingIOError:
            pass  # what is not sent counts as lost, and QUIC sends it again
        except OSError as error:
            raise lost(error.errno or 0, self.address) from None

    async def turn(self, lost: Callable[[int, Address], Stop]) -> int:
        """Send what is to be sent, take one datagram or a timer, and return what it weighs in bytes."""
        self.flush(lost)
        timer = self.quic.get_timer()
        try:
            data = await self._sock.receive(None if timer is None else int(timer * 1e9))
        except OSError as error:
            raise lost(error.errno or 0, self.address) from None
        if data is None:
            self.quic.handle_timer(now=_now())
            return 0
        self.received_ns = self._sock.received_ns
        try:
            self.quic.receive_datagram(data, self._address, now=_now())
        except MemoryError:
            raise
        except Exception as error:
            # Nothing but the target's bytes is at work here: a certificate that cannot be read, say.
            words = f"what came makes no sense ({type(error).__name__}): {quoted(str(error))}"
            code = Code.HTTP_PROTOCOL if self._is_open else Code.TLS_HANDSHAKE
            raise Stop(code, words) from None
        return len(data) + _OVERHEAD

    @property
    def agreed(self) -> tuple[str, str]:
        """Protocol version and cipher suite, as OpenSSL names them."""
        schedule = self.quic.tls.key_schedule
        return "TLSv1.3", f"TLS_{schedule.cipher_suite.name}" if schedule is not None else ""

    @property
    def sent(self) -> list[crypto.X509]:
        """The certificates that the target sent, its own first."""
        return self.certificates()

    def certificates(self) -> list[crypto.X509]:
        """Return what the target sent, its own first."""
        # aioquic has no public way to them.
        leaf, rest = self.quic.tls._peer_certificate, self.quic.tls._peer_certificate_chain
        return [crypto.X509.from_cryptography(each) for each in ([leaf] if leaf else []) + rest[:_MAX_CHAIN]]

    def close(self) -> None:
        """Say goodbye, once and without waiting, and close the socket; safe to call twice."""
        if self.quic.ours is None:
            self.quic.close(_NO_ERROR)
        with suppress(Stop, ValueError):  # gone, or closed before
            self.flush(refusal)
        self._sock.close()


def judge_certificates(
    watch: Watch, line: QuicLine, options: TlsOptions, host: str
) -> CertificateFacts | None:
    """Write the TLS facts; record a problem of trust as a failure (of several the first, none when not verifying)."""
    watch.facts["tls_version"] = "TLSv1.3"
    if (schedule := line.quic.tls.key_schedule) is not None:
        watch.facts["tls_cipher"] = f"TLS_{schedule.cipher_suite.name}"
    sent = line.certificates()
    facts = [certificate_facts(certificate) for certificate in sent]
    if not facts:
        return None
    watch.facts["certificate"] = facts[0].as_fact(time.time())
    watch.facts["chain_expires"] = min(each.not_after for each in facts)
    if options.verify:
        judge_trust(watch, facts[0], host, _problems(sent, options))
    return facts[0]


def _problems(sent: list[crypto.X509], options: TlsOptions) -> list[tuple[int, int, crypto.X509]]:
    try:
        crypto.X509StoreContext(trusted_by(options), sent[0], sent[1:]).verify_certificate()
    except crypto.X509StoreContextError as error:
        number, depth = int(error.errors[0]), int(error.errors[1])
        return [(number, depth, error.certificate)]
    return []


def quic_configuration(options: TlsOptions, host: str) -> QuicConfiguration:
    configuration = QuicConfiguration(
        alpn_protocols=[PROTOCOL],
        server_name=host,
        verify_mode=ssl.CERT_NONE,  # judged afterwards, by `judge_certificates`
        max_data=WINDOW_BYTES,
        max_stream_data=WINDOW_BYTES,
        idle_timeout=IDLE_SECONDS,
    )
    if options.certificate is not None:
        try:
            configuration.load_cert_chain(options.certificate, options.key)
        except (OSError, ValueError, TypeError) as error:
            raise Stop(Code.AGENT_FILE, f"cannot load the TLS files here: {error}") from None
    return configuration


def _now() -> float:
    """Return the monotonic clock in seconds, as aioquic wants it."""
    return monotonic_ns() / 1e9
