"""TLS for checks: options, cached contexts, and a layer that reads the certificate even when it is not trusted.

Verification problems are collected, not raised, so that the handshake runs to its end and the certificate is
known; the caller judges before it sends anything. Bytes come and go through memory, the socket is the link's.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol, cast

import certifi
from OpenSSL import SSL, crypto
from pydantic import Field, StrictBool, model_validator

from .certificates import CertificateFacts, certificate_facts, matches_host
from .failures import Code, Stop
from .result import Fact
from .schema import Section
from .watch import Watch

_VERSIONS = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
_NOT_YET_VALID, _EXPIRED, _SELF_SIGNED_LEAF, _SELF_SIGNED_IN_CHAIN = 9, 10, 18, 19  # X509_V_ERR_*
_PROBLEMS = {
    _NOT_YET_VALID: (Code.TLS_NOT_YET_VALID, "the certificate is not valid yet"),
    _EXPIRED: (Code.TLS_EXPIRED, "the certificate has expired"),
    _SELF_SIGNED_LEAF: (Code.TLS_SELF_SIGNED, "the certificate is self-signed and not trusted"),
    _SELF_SIGNED_IN_CHAIN: (Code.TLS_UNTRUSTED, "the root of the chain is not trusted"),
    2: (Code.TLS_UNTRUSTED, "an issuer of the chain is not known"),
    20: (Code.TLS_UNTRUSTED, "the issuer is not known or the chain is incomplete"),
    21: (Code.TLS_UNTRUSTED, "the first certificate cannot be verified (the chain is incomplete)"),
    23: (Code.TLS_UNTRUSTED, "the certificate is revoked"),
    66: (Code.TLS_KEY, "the certificate's key is too short"),
    67: (Code.TLS_KEY, "an authority's key is too short"),
    68: (Code.TLS_CHAIN, "a signature in the chain is of a kind that can be forged"),
}
UNKNOWN_ISSUER = frozenset({2, 20, 21})
"""Verification errors of a chain whose next certificate is neither sent nor among the trusted ones."""
_MAX_CHAIN = 10
MAX_STAPLE_BYTES = 65_536
_PIECE_BYTES = 16384  # what is taken out of memory at once
# Key exchange as it was for years. The newer hybrids, which keep recorded traffic secret from computers to come, guard
# nothing here and take a quarter of a handshake's CPU.
_GROUPS = b"X25519:P-256:X448:P-384:P-521"


class TlsOptions(Section):
    """How TLS is spoken and what is trusted."""

    verify: StrictBool = True
    """Verify chain, dates and host name; `false` reads the certificate but trusts anything."""
    ca_file: Path | None = None
    """PEM file with the authorities to trust instead of the system's."""
    certificate: Path | None = None
    """PEM file with the client's certificate chain."""
    key: Path | None = None
    """PEM file with the client's private key (default: in the certificate's file)."""
    server_name: str | None = Field(default=None, min_length=1, max_length=255)
    """Name sent as SNI and looked for in the certificate (default: the target's host)."""
    min_version: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"
    """Oldest TLS version accepted."""
    max_version: Literal["1.0", "1.1", "1.2", "1.3"] | None = None
    """Newest TLS version offered (default: the newest there is)."""

    @model_validator(mode="after")
    def _ordered(self) -> TlsOptions:
        if self.max_version is not None and self.max_version < self.min_version:
            raise ValueError("max_version is older than min_version")
        if self.key is not None and self.certificate is None:
            raise ValueError("key needs certificate")
        return self


@dataclass(slots=True)
class _Heard:
    """What the callbacks of one handshake were told."""

    problems: list[tuple[int, int, crypto.X509]] = field(default_factory=list)
    staple: bytes = b""


class Handshake(Protocol):
    """What a completed handshake tells of the target, over TCP as over QUIC."""

    @property
    def sent(self) -> list[crypto.X509]:
        """The certificates that the target sent, its own first."""

    @property
    def agreed(self) -> tuple[str, str]:
        """Protocol version and cipher suite, as OpenSSL names them."""


class TlsLayer:
    """One handshake and the traffic after it, over memory."""

    __slots__ = ("_connection", "_heard", "_host", "_refused", "_verify")

    def __init__(
        self, context: SSL.Context, host: str, verify: StrictBool = True, offers: tuple[bytes, ...] = ()
    ) -> None:
        """`offers` are protocols to choose from by ALPN, the preferred one first."""
        self._connection = SSL.Connection(context, None)
        if offers:
            self._connection.set_alpn_protos(list(offers))
        self._heard = _Heard()
        self._connection.set_app_data(self._heard)
        self._host = host
        self._verify = verify
        self._refused: Stop | None = None
        if not _is_address(host):
            self._connection.set_tlsext_host_name(host.encode("idna" if not host.isascii() else "ascii"))
        self._connection.set_connect_state()

    def ask_for_staple(self) -> None:
        """Ask for an OCSP response in the handshake; the context must have been made for it."""
        self._connection.request_ocsp()

    @property
    def staple(self) -> bytes:
        """The OCSP response that came along, empty without one."""
        return self._heard.staple

    @property
    def problems(self) -> frozenset[int]:
        """The numbers of OpenSSL's verification errors; none when not verifying."""
        return frozenset(number for number, _, _ in self._heard.problems if self._verify)

    def path(self) -> list[crypto.X509]:
        """Return the chain that was built to judge trust, the leaf first; empty when not verifying."""
        return (self._connection.get_verified_chain() or []) if self._verify else []

    @property
    def protocol(self) -> bytes:
        """The protocol that the target chose by ALPN; empty when it chose none."""
        return self._connection.get_alpn_proto_negotiated()

    def handshake(self) -> bool:
        """Go as far as the bytes at hand allow; True when the handshake is done."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as error:
            self._refused = handshake_refusal(error)  # raised after our alert has gone out
            return False
        return True

    def raise_refusal(self) -> None:
        """Raise what the handshake failed with, if it did."""
        if self._refused is not None:
            raise self._refused

    def outgoing(self) -> bytes:
        """Take the bytes to be sent."""
        data = b""
        with suppress(SSL.WantReadError):
            while len(data) % _PIECE_BYTES == 0:  # a piece that is not full is the last one
                data += self._connection.bio_read(_PIECE_BYTES)
        return data

    def feed(self, data: bytes) -> None:
        """Give in what came from the network."""
        view = memoryview(data)
        while view:
            view = view[self._connection.bio_write(bytes(view)) :]

    def encrypt(self, data: bytes) -> bytes:
        """Return the records for plain bytes."""
        view = memoryview(data)
        parts = []
        while view:
            view = view[self._connection.send(bytes(view[:16384])) :]
            parts.append(self.outgoing())
        return b"".join(parts)

    def decrypt(self, limit: int) -> bytes | None:
        """Return plain bytes, empty at the end of the stream, or None when more is needed."""
        try:
            return self._connection.recv(limit)
        except SSL.WantReadError:
            return None
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""
        except SSL.Error as error:
            raise handshake_refusal(error) from None

    @property
    def sent(self) -> list[crypto.X509]:
        """The certificates that the target sent, its own first."""
        return (self._connection.get_peer_cert_chain() or [])[:_MAX_CHAIN]

    @property
    def agreed(self) -> tuple[str, str]:
        """Protocol version and cipher suite, as OpenSSL names them."""
        return self._connection.get_protocol_version_name(), self._connection.get_cipher_name() or ""

    def judge(self, watch: Watch) -> CertificateFacts | None:
        """Write the TLS facts; record every problem of trust as a failure (none when not verifying)."""
        facts = [certificate_facts(certificate) for certificate in self.sent]
        watch.facts["tls_version"] = self._connection.get_protocol_version_name()
        watch.facts["tls_cipher"] = self._connection.get_cipher_name()
        if not facts:
            return None
        leaf = facts[0]
        watch.facts["certificate"] = leaf.as_fact(time.time())
        watch.facts["chain_expires"] = min(each.not_after for each in facts)
        if watch.place.verbose:
            watch.facts["chain"] = [each.as_chain_fact(time.time()) for each in facts]
        if self._verify:
            self._judge_trust(watch, leaf)
        return leaf

    def _judge_trust(self, watch: Watch, leaf: CertificateFacts) -> None:
        judge_trust(watch, leaf, self._host, self._heard.problems)


def judge_trust(
    watch: Watch, leaf: CertificateFacts, host: str, problems: Sequence[tuple[int, int, crypto.X509]]
) -> None:
    """Record problems of verification (OpenSSL's number, depth, certificate) and a name that is not the host's."""
    seen: set[Code] = set()
    for number, depth, certificate in problems:
        code, words = _PROBLEMS.get(number, (Code.TLS_UNTRUSTED, f"verification error {number}"))
        if code in seen:
            continue
        seen.add(code)
        where = "" if depth == 0 else f" (certificate {depth} of the chain)"
        watch.fail(code, f"{words}{where}{_dates(code, certificate_facts(certificate))}")
    if not matches_host(leaf, host):
        names = ", ".join(leaf.sans[:5]) or "no names"
        watch.fail(Code.TLS_HOSTNAME, f"the certificate is for {names}, not for {host}")


def _dates(code: Code, bad: CertificateFacts) -> str:
    if code is Code.TLS_EXPIRED:
        return f": valid until {time.strftime('%Y-%m-%d %H:%M', time.gmtime(bad.not_after))} UTC"
    if code is Code.TLS_NOT_YET_VALID:
        return f": valid from {time.strftime('%Y-%m-%d %H:%M', time.gmtime(bad.not_before))} UTC"
    return ""


def handshake_refusal(error: SSL.Error) -> Stop:
    """Return the `Stop` for an OpenSSL error: an alert of theirs, a version, or what is no TLS at all."""
    if isinstance(error, SSL.SysCallError):
        return Stop(Code.TLS_CLOSED, "the target closed the connection within the TLS handshake")
    reasons = (
        " ".join(entry[-1] for entry in (error.args[0] if error.args else []) if entry) or "no reason given"
    )
    lowered = reasons.lower()
    if "protocol version" in lowered or "unsupported protocol" in lowered:
        return Stop(Code.TLS_VERSION, f"no TLS version in common: {reasons}")
    if "alert" in lowered and "wrong version" not in lowered:
        return Stop(Code.TLS_ALERT, f"the target refused: {reasons}")
    if "unexpected eof" in lowered:
        return Stop(Code.TLS_CLOSED, "the target closed the connection within the TLS handshake")
    return Stop(Code.TLS_HANDSHAKE, f"what the target sent is no TLS handshake that makes sense: {reasons}")


def layer_for(
    options: TlsOptions, host: str, offers: tuple[bytes, ...] = (), *, staple: bool = False
) -> TlsLayer:
    """Return a fresh layer towards a host; the context behind it is built once per set of options and files.

    `offers` are protocols to choose from by ALPN (none by default); `layer.protocol` is the one chosen. With `staple`
    an OCSP response is asked for.
    """
    try:
        context = _context(options, _stamps(options), staple)
    except (OSError, SSL.Error, ssl.SSLError) as error:
        raise Stop(Code.AGENT_FILE, f"cannot load the TLS files here: {_words(error)}") from None
    layer = TlsLayer(context, options.server_name or host, options.verify, offers)
    if staple:
        layer.ask_for_staple()
    return layer


def trusted_by(options: TlsOptions) -> crypto.X509Store:
    """Return the authorities that the options trust, for chains that were not read by a layer of ours."""
    try:
        store = _context(options, _stamps(options)).get_cert_store()
    except (OSError, SSL.Error, ssl.SSLError) as error:
        raise Stop(Code.AGENT_FILE, f"cannot load the TLS files here: {_words(error)}") from None
    if store is None:  # by its type only: a context always has one
        raise Stop(Code.AGENT_ERROR, "a TLS context without a store of certificates")
    return store


def _stamps(options: TlsOptions) -> tuple[float, ...]:
    files = (options.ca_file, options.certificate, options.key)
    return tuple(os.stat(file).st_mtime for file in files if file is not None)


@lru_cache(maxsize=256)
def _context(options: TlsOptions, stamps: tuple[float, ...], staple: bool = False) -> SSL.Context:
    """Build a context: 60 ms with the system's authorities, hence the cache; changed files make a new one."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(_VERSIONS[options.min_version])
    if options.max_version is not None:
        context.set_max_proto_version(_VERSIONS[options.max_version])
    if options.min_version in ("1.0", "1.1"):
        context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    _narrow_groups(context)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)  # every check shakes hands in full
    context.set_verify(SSL.VERIFY_PEER if options.verify else SSL.VERIFY_NONE, _collect)
    if staple:
        context.set_ocsp_client_callback(_keep_staple)
    if options.verify:
        _trust(context, options.ca_file)
    if options.certificate is not None:
        context.use_certificate_chain_file(str(options.certificate))
        context.use_privatekey_file(str(options.key or options.certificate))
    return context


def _narrow_groups(context: SSL.Context) -> None:
    # pyOpenSSL has no public call for a list of groups; without this one the library's own list holds.
    with suppress(AttributeError):
        SSL._lib.SSL_CTX_set1_curves_list(context._context, _GROUPS)  # type: ignore[attr-defined]


def _trust(context: SSL.Context, ca_file: Path | None) -> None:
    if ca_file is not None:
        context.load_verify_locations(str(ca_file))
        return
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(os.scandir(paths.capath))):
        context.load_verify_locations(paths.cafile, paths.capath)
    else:
        context.load_verify_locations(certifi.where())  # a container without the system's authorities


def _collect(connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int) -> bool:
    if not ok:
        cast("_Heard", connection.get_app_data()).problems.append((number, depth, certificate))
    return True


def _keep_staple(connection: SSL.Connection, response: bytes, _data: object) -> bool:
    cast("_Heard", connection.get_app_data()).staple = response[:MAX_STAPLE_BYTES]
    return True


@lru_cache(maxsize=4096)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {(error.strerror or 'unreadable').lower()}"
    return str(error) or type(error).__name__


__all__ = ["Fact", "TlsLayer", "TlsOptions", "handshake_refusal", "layer_for"]
