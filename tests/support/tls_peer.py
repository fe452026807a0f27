"""TLS servers for tests that the standard library cannot play: OCSP staples, odd chains, short keys."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from support.certs import USUAL_NAMES
from support.tcp_peer import Behaviour, Conversation

PIECE = 2**14
_serial = itertools.count(10**6)
Key = CertificateIssuerPrivateKeyTypes


class Signed:
    """A certificate with its key: an authority when `names` is empty. Days are from now; an hour is added."""

    def __init__(
        self, title: str, issuer: Signed | None = None, *, names: tuple[str, ...] = (), end_days: int = 365,
        key: Key | None = None, extra: tuple[x509.ExtensionType, ...] = (),
    ) -> None:  # fmt: skip
        self.key: Key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        now = datetime.now(UTC)
        start, end = now - timedelta(days=800), now + timedelta(days=end_days, hours=1)
        builder = x509.CertificateBuilder().subject_name(self.name).issuer_name((issuer or self).name)
        builder = builder.public_key(self.key.public_key()).serial_number(next(_serial))
        builder = builder.not_valid_before(start).not_valid_after(end)
        authority = x509.BasicConstraints(ca=not names, path_length=None)
        builder = builder.add_extension(authority, critical=True)
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        for each in extra:
            builder = builder.add_extension(each, critical=False)
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())

    def file(self, folder: Path) -> Path:
        """Write the certificate as PEM, for a client to trust."""
        path = folder / f"trusted-{next(_serial)}.pem"
        path.write_bytes(self.certificate.public_bytes(Encoding.PEM))
        return path


def leaf_of(
    issuer: Signed, *, end_days: int = 365, key: Key | None = None, must_staple: bool = False
) -> Signed:
    """Sign a leaf for the usual names."""
    extra: tuple[x509.ExtensionType, ...] = (
        (x509.TLSFeature([x509.TLSFeatureType.status_request]),) if must_staple else ()
    )
    return Signed("peer.test", issuer, names=USUAL_NAMES[:2], end_days=end_days, key=key, extra=extra)


def short_key() -> rsa.RSAPrivateKey:
    """Make a key that is too short for today."""
    return rsa.generate_private_key(65537, 1024)


def staple(
    leaf: Signed, issuer: Signed, *, signer: Signed | None = None, revoked: bool = False, days: int = 3,
    carried: Signed | None = None,
) -> bytes:  # fmt: skip
    """Make an OCSP response about the leaf, valid for `days` from now; `carried` is sent along."""
    now = datetime.now(UTC)
    status = ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf.certificate, issuer=issuer.certificate, algorithm=hashes.SHA256(), cert_status=status,
        this_update=now - timedelta(days=7), next_update=now + timedelta(days=days, hours=1),
        revocation_time=now - timedelta(days=8) if revoked else None, revocation_reason=None,
    )  # fmt: skip
    by = signer or issuer
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
    if carried is not None:
        builder = builder.certificates([carried.certificate])
    return builder.sign(by.key, hashes.SHA256()).public_bytes(Encoding.DER)


def ocsp_signer(issuer: Signed, *, entrusted: bool = True) -> Signed:
    """Make a certificate that the issuer entrusts with OCSP responses, or just any of its certificates."""
    uses = ExtendedKeyUsageOID.OCSP_SIGNING if entrusted else ExtendedKeyUsageOID.SERVER_AUTH
    return Signed("responder", issuer, names=("responder.test",), extra=(x509.ExtendedKeyUsage([uses]),))


def showing(*sent: Signed, response: bytes = b"", newest: int | None = None) -> Behaviour:
    """Serve TLS from the first byte with these certificates, the leaf first, in this order; then only listen."""
    context = _context(sent, response, newest)

    async def behave(conversation: Conversation) -> None:
        connection = SSL.Connection(context, None)
        connection.set_accept_state()
        await _shake_hands(conversation, connection)
        await conversation.drain_input()

    return behave


async def _shake_hands(conversation: Conversation, connection: SSL.Connection) -> None:
    while True:
        done = _goes_no_further(connection)
        with contextlib.suppress(SSL.WantReadError):
            while True:
                await conversation.send(connection.bio_read(PIECE))
        if done:
            return
        data = await conversation.reader.read(PIECE)
        if not data:
            return
        connection.bio_write(data)


def _goes_no_further(connection: SSL.Connection) -> bool:
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return False
    except SSL.Error:  # an alert is on its way out
        return True
    return True


def _context(sent: tuple[Signed, ...], response: bytes, newest: int | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_cipher_list(b"DEFAULT@SECLEVEL=0")
    if newest is not None:
        context.set_max_proto_version(newest)
    context.use_privatekey(sent[0].key)  # type: ignore[arg-type]  # of fewer kinds than can sign
    context.use_certificate(sent[0].certificate)
    for each in sent[1:]:
        context.add_extra_chain_cert(each.certificate)
    answer: Callable[[SSL.Connection, object], bytes] = lambda _connection, _data: response  # noqa: E731
    context.set_ocsp_server_callback(answer)
    return context
