"""Certificates for tests: an authority and leaves that are right or wrong in one known way.

Files lie in a temporary folder that ends with the process. Keys are P-256, so making one costs well under
a millisecond. How servers behave lives in the *_peer files.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USUAL_NAMES = ("localhost", "peer.test", "127.0.0.1")
YEAR_DAYS = 365
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A certificate with its key, as values and as PEM files (`chain_file` is what a server sends)."""

    certificate: x509.Certificate
    chain_file: Path
    key_file: Path

    def server_context(
        self, *, client_ca: Path | None = None, newest: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        """Serve with this certificate; `client_ca` demands a client certificate, `newest` caps TLS.

        An asyncio server that misses a client certificate closes without an alert: the client sees the end.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain_file, self.key_file)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        if newest is not None:
            context.maximum_version = newest
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """From when to when a certificate is valid, in days from now; an hour is added to the end.

    The hour keeps "days left", rounded down, equal to `end_days` while a test runs.
    """

    start_days: int = -1
    end_days: int = YEAR_DAYS


_USUAL_TERM = Term()


class Authority:
    """A certificate authority, a root or an intermediate, that writes its files into `folder`."""

    def __init__(self, folder: Path, title: str, parent: Authority | None = None) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(title)
        issuer = parent or self
        builder = _builder(self.name, issuer.name, self.key, Term(start_days=-400, end_days=10 * YEAR_DAYS))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_KEY_USAGE_AUTHORITY, critical=True)
        self.certificate = builder.sign(issuer.key, hashes.SHA256())
        # What a leaf's server must send besides the leaf: every intermediate, never the root.
        self.chain: bytes = b"" if parent is None else _pem(self.certificate) + parent.chain
        self.file = folder / f"ca-{next(_serial)}.pem"
        self.file.write_bytes(_pem(self.certificate))

    def intermediate(self, title: str = "Prober test intermediate") -> Authority:
        """Make an authority signed by this one."""
        return Authority(self.folder, title, self)

    def issue(
        self, *names: str, term: Term = _USUAL_TERM, with_chain: bool = True, client: bool = False
    ) -> Leaf:
        """Sign a leaf for host names and addresses; `with_chain=False` leaves the intermediates out."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _leaf(_builder(_name(names[0]), self.name, key, term), names, client)
        certificate = builder.sign(self.key, hashes.SHA256())
        return _write(self.folder, certificate, key, self.chain if with_chain else b"")


class Certificates:
    """One of each kind, made when first asked for. `ca_file` is the root that clients should trust."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = Authority(folder, "Prober test root")

    @property
    def ca_file(self) -> Path:
        """PEM file of the trusted root."""
        return self.root.file

    @functools.cached_property
    def valid(self) -> Leaf:
        """For localhost, peer.test and 127.0.0.1, for another year."""
        return self.root.issue(*USUAL_NAMES)

    @functools.cached_property
    def expired(self) -> Leaf:
        """Ended 30 days ago (less one hour)."""
        return self.ending_in(-30)

    @functools.cached_property
    def not_yet_valid(self) -> Leaf:
        """Begins in 30 days."""
        return self.root.issue(*USUAL_NAMES, term=Term(start_days=30))

    @functools.cached_property
    def self_signed(self) -> Leaf:
        """Signed by its own key, for the usual names."""
        return self.self_signed_for(*USUAL_NAMES)

    def self_signed_for(self, *names: str) -> Leaf:
        """Signed by its own key, for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("peer.test")
        certificate = _leaf(_builder(name, name, key, Term()), names, False).sign(key, hashes.SHA256())
        return _write(self.folder, certificate, key, b"")

    @functools.cached_property
    def wrong_host(self) -> Leaf:
        """Valid, but for elsewhere.test only."""
        return self.root.issue("elsewhere.test")

    @functools.cached_property
    def foreign(self) -> Leaf:
        """Valid, but signed by a root that nobody trusts."""
        return Authority(self.folder, "Unknown root").issue(*USUAL_NAMES)

    @functools.cached_property
    def intermediate(self) -> Authority:
        """An authority between the root and `chained` and `incomplete`."""
        return self.root.intermediate()

    @functools.cached_property
    def chained(self) -> Leaf:
        """Signed by the intermediate, which the server sends along."""
        return self.intermediate.issue(*USUAL_NAMES)

    @functools.cached_property
    def incomplete(self) -> Leaf:
        """Signed by the intermediate, which the server forgets to send."""
        return self.intermediate.issue(*USUAL_NAMES, with_chain=False)

    @functools.cached_property
    def client(self) -> Leaf:
        """A client's certificate, signed by the root."""
        return self.root.issue("prober-client", client=True)

    def ending_in(self, days: int) -> Leaf:
        """Valid until `days` days and one hour from now."""
        return self.root.issue(*USUAL_NAMES, term=Term(start_days=min(-1, days - 60), end_days=days))


@functools.cache
def certificates() -> Certificates:
    """Share one set over the whole test process."""
    holder = tempfile.TemporaryDirectory(prefix="prober-test-certificates-")
    made = Certificates(Path(holder.name))
    _kept.append(holder)
    return made


# Kept until the process ends, since the folder goes with its holder.
_kept: list[tempfile.TemporaryDirectory[str]] = []


def by_server_name(
    default: Leaf, leaves: Mapping[str, Leaf], asked: list[str | None] | None = None
) -> ssl.SSLContext:
    """Make a server context that picks its certificate by the server name (SNI) the client asks for.

    Each name asked for (None without SNI) is appended to `asked`.
    """
    contexts = {name: leaf.server_context() for name, leaf in leaves.items()}
    context = default.server_context()

    def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
        if asked is not None:
            asked.append(name)
        if name in contexts:
            connection.context = contexts[name]

    context.sni_callback = choose
    return context


def trusting(ca_file: Path, client: Leaf | None = None) -> ssl.SSLContext:
    """Make a client context that trusts `ca_file` only."""
    context = ssl.create_default_context(cafile=str(ca_file))
    if client is not None:
        context.load_cert_chain(client.chain_file, client.key_file)
    return context


_KEY_USAGE_AUTHORITY = x509.KeyUsage(
    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
    decipher_only=False,
)  # fmt: skip


def _name(title: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, term: Term
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)  # TLS libraries verify by the real clock, so certificates are cut by it too
    start, end = now + timedelta(days=term.start_days), now + timedelta(days=term.end_days, hours=1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)


def _leaf(builder: x509.CertificateBuilder, names: tuple[str, ...], client: bool) -> x509.CertificateBuilder:
    use = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
    builder = builder.add_extension(alternatives, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(
    folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, chain: bytes
) -> Leaf:
    number = next(_serial)
    leaf = Leaf(
        certificate=certificate,
        chain_file=folder / f"leaf-{number}.pem",
        key_file=folder / f"leaf-{number}.key",
    )
    leaf.chain_file.write_bytes(_pem(certificate) + chain)
    leaf.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return leaf


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
