"""What a certificate says: read once per distinct certificate, then from a cache.

Trust is not judged here, only the facts and whether a host name is among the names.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from OpenSSL import crypto

from .result import Fact

MAX_CACHED = 2000  # certificates, with the bytes they came as; the least recently used is forgotten
MAX_NAMES = 50  # subject alternative names kept of one certificate
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """Subject and issuer in RFC 4514 form; dates in whole seconds since the epoch; digest in lower case hex."""

    subject: str
    issuer: str
    sans: tuple[str, ...]
    not_before: int
    not_after: int
    serial: str
    sha256: str

    def days_left(self, now_s: float) -> int:
        """Return whole days until expiry, negative once it has expired."""
        return int((self.not_after - now_s) // _SECONDS_A_DAY)

    def as_fact(self, now_s: float) -> Fact:
        """Return the facts as plain data."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "sans": list(self.sans),
            "not_before": self.not_before,
            "not_after": self.not_after,
            "days": self.days_left(now_s),
            "serial": self.serial,
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
        return CertificateFacts(
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            sans=_names(parsed),
            not_before=int(parsed.not_valid_before_utc.timestamp()),
            not_after=int(parsed.not_valid_after_utc.timestamp()),
            serial=f"{parsed.serial_number:x}",
            sha256=sha256,
        )
    except (ValueError, x509.UnsupportedGeneralNameType):  # a certificate that the parser refuses
        return CertificateFacts(
            subject="", issuer="", sans=(), not_before=0, not_after=0, serial="", sha256=sha256
        )


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
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
