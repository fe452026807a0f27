"""What a certificate says: read once per distinct certificate, then from a cache.

Trust is not judged here, only the facts and whether a host name is among the names.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import SignatureAlgorithmOID
from OpenSSL import crypto

from .result import Fact

MAX_CACHED = 2000  # certificates, with the bytes they came as; the least recently used is forgotten
MAX_NAMES = 5000  # subject alternative names that a host is looked for among
SHOWN_NAMES = 50  # of these, in the facts
UNREADABLE = (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What parsing a certificate raises that breaks the rules of X.509; OpenSSL shakes hands with it all the same."""
_SECONDS_A_DAY = 86_400
_SIGNATURES = {
    getattr(SignatureAlgorithmOID, name): name.lower()
    for name in dir(SignatureAlgorithmOID)
    if name.isupper()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """Subject and issuer in RFC 4514 form; dates in whole seconds since the epoch; digest in lower case hex.

    `key_type` is `RSA`, `DSA`, `EC`, or the name of a newer kind, whose `key_bits` is 0; `signature` is such as
    `rsa_with_sha256`; `must_staple` says that the certificate asks for an OCSP staple beside it.
    """

    subject: str
    issuer: str
    sans: tuple[str, ...]
    not_before: int
    not_after: int
    serial: str
    sha256: str
    key_type: str = ""
    key_bits: int = 0
    signature: str = ""
    must_staple: bool = False

    @property
    def is_self_issued(self) -> bool:
        """Whether issuer and subject are the same, as in a root."""
        return self.subject == self.issuer

    def days_left(self, now_s: float) -> int:
        """Return whole days until expiry, negative once it has expired."""
        return int((self.not_after - now_s) // _SECONDS_A_DAY)

    def as_fact(self, now_s: float) -> Fact:
        """Return the facts as plain data."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "sans": list(self.sans[:SHOWN_NAMES]),
            "not_before": self.not_before,
            "not_after": self.not_after,
            "days": self.days_left(now_s),
            "serial": self.serial,
            "sha256": self.sha256,
        }

    def as_chain_fact(self, now_s: float) -> dict[str, Fact]:
        """Return what is told of each certificate of a chain."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_after": self.not_after,
            "days": self.days_left(now_s),
            "key_type": self.key_type,
            "key_bits": self.key_bits,
            "signature": self.signature,
            "sha256": self.sha256,
        }


_cache: OrderedDict[bytes, CertificateFacts] = OrderedDict()


def certificate_facts(certificate: crypto.X509) -> CertificateFacts:
    """Return the facts of a certificate; what cannot be read is left empty, never raised."""
    wire = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
    facts = _cache.get(wire)
    if facts is None:
        facts = _read(certificate, hashlib.sha256(wire).hexdigest())
        _cache[wire] = facts
        if len(_cache) > MAX_CACHED:
            _cache.popitem(last=False)
    else:
        _cache.move_to_end(wire)
    return facts


def _read(certificate: crypto.X509, sha256: str) -> CertificateFacts:
    try:
        parsed = certificate.to_cryptography()
        key_type, key_bits = _key(parsed)
        return CertificateFacts(
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            sans=_names(parsed),
            not_before=int(parsed.not_valid_before_utc.timestamp()),
            not_after=int(parsed.not_valid_after_utc.timestamp()),
            serial=f"{parsed.serial_number:x}",
            sha256=sha256,
            key_type=key_type,
            key_bits=key_bits,
            signature=_SIGNATURES.get(parsed.signature_algorithm_oid, ""),
            must_staple=_must_staple(parsed),
        )
    except UNREADABLE:
        begin, end = _second(certificate.get_notBefore()), _second(certificate.get_notAfter())
        return CertificateFacts(
            subject="", issuer="", sans=(), not_before=begin, not_after=end, serial="", sha256=sha256
        )


def _second(stamp: bytes | None) -> int:
    """Read an instant as OpenSSL writes it, `20260315140211Z`; 0 for none."""
    try:
        read = datetime.strptime((stamp or b"").decode("ascii"), "%Y%m%d%H%M%SZ")
    except ValueError:
        return 0
    return int(read.replace(tzinfo=UTC).timestamp())


def _key(parsed: x509.Certificate) -> tuple[str, int]:
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "", 0
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "EC", key.curve.key_size
    return ("DSA", key.key_size) if isinstance(key, dsa.DSAPublicKey) else (type(key).__name__.strip("_"), 0)


def _must_staple(parsed: x509.Certificate) -> bool:
    try:
        asked = parsed.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return False
    return x509.TLSFeatureType.status_request in asked


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    dns = names.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return tuple([*dns, *addresses][:MAX_NAMES])


@lru_cache(maxsize=MAX_CACHED)
def matches_host(facts: CertificateFacts, host: str) -> bool:
    """Say whether the host is among the names: addresses exactly, a `*` for the whole leftmost label only."""
    try:
        return str(ipaddress.ip_address(host)) in facts.sans
    except ValueError:
        pass
    wanted = host.rstrip(".").lower()
    if not wanted.isascii():
        wanted = wanted.encode("idna").decode("ascii")
    return any(_matches(pattern.lower(), wanted) for pattern in facts.sans)


def _matches(pattern: str, host: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == host
    label, _, rest = host.partition(".")
    return bool(label) and rest == pattern[2:] and "." in rest
