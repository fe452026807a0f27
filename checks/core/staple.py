"""An OCSP response stapled to a handshake: what the authority says of the certificate, and whether to believe it.

Nothing is fetched here: only what the target itself sent is read (RFC 6960, RFC 6961).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from .certificates import UNREADABLE
from .result import Fact

CLOCKS_DIFFER = timedelta(minutes=5)
Status = Literal["absent", "good", "revoked", "unknown", "invalid"]
_STATUS: dict[ocsp.OCSPCertStatus, Status] = {
    ocsp.OCSPCertStatus.GOOD: "good",
    ocsp.OCSPCertStatus.REVOKED: "revoked",
    ocsp.OCSPCertStatus.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Staple:
    """What a response says; instants in whole seconds since the epoch. `words` say what is wrong with it."""

    status: Status
    words: str = ""
    this_update: int | None = None
    next_update: int | None = None
    revoked_at: int | None = None

    def as_fact(self) -> Fact:
        """Return it as plain data, without what is not known."""
        known = {
            "status": self.status, "words": self.words or None, "this_update": self.this_update,
            "next_update": self.next_update, "revoked_at": self.revoked_at,
        }  # fmt: skip
        return {name: value for name, value in known.items() if value is not None}


def read_staple(data: bytes, leaf: x509.Certificate, issuer: x509.Certificate | None, now_s: float) -> Staple:
    """Return what a response says of the leaf; never raises for what it holds."""
    if not data:
        return Staple(status="absent")
    try:
        return _read(ocsp.load_der_ocsp_response(data), leaf, issuer, datetime.fromtimestamp(now_s, UTC))
    except (*UNREADABLE, TypeError, UnsupportedAlgorithm):
        return Staple(status="invalid", words="it cannot be read")


def _read(
    response: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate | None, now: datetime
) -> Staple:
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        words = f"the authority answered {response.response_status.name.lower().replace('_', ' ')}"
        return Staple(status="invalid", words=words)
    words = _flaw(response, leaf, issuer, now)
    return Staple(
        status="invalid" if words else _STATUS[response.certificate_status],
        words=words,
        this_update=int(response.this_update_utc.timestamp()),
        next_update=_seconds(response.next_update_utc),
        revoked_at=_seconds(response.revocation_time_utc),
    )


def _flaw(
    response: ocsp.OCSPResponse, leaf: x509.Certificate, issuer: x509.Certificate | None, now: datetime
) -> str:
    """Say why the response is not to be believed, or nothing."""
    if response.serial_number != leaf.serial_number:
        return "it is about another certificate"
    if issuer is None:
        return "the certificate's issuer is not known, so it cannot be verified"
    if response.this_update_utc > now + CLOCKS_DIFFER:
        return "it is from the future"
    if response.next_update_utc is not None and response.next_update_utc < now:
        return f"it has expired: valid until {response.next_update_utc:%Y-%m-%d %H:%M} UTC"
    if not any(_signed_by(response, signer) for signer in (issuer, *_delegates(response, issuer))):
        return "it is not signed by the certificate's issuer"
    return ""


def _delegates(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """Return the certificates sent along that the issuer entrusted with such answers."""
    return [each for each in response.certificates[:5] if _is_delegate(each, issuer)]


def _is_delegate(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, *UNREADABLE, TypeError, UnsupportedAlgorithm):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in uses


def _signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, signed = signer.public_key(), response.tbs_response_bytes
    digest = response.signature_hash_algorithm or hashes.SHA256()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, signed, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, signed, ec.ECDSA(digest))
        elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(response.signature, signed)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _seconds(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp())
