"""What a target presented in a TLS handshake, in full: its own certificate's names, and the expiries that count.

`certificates.py` has the short facts that results keep; here is what a reader wants who writes names in another form.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from OpenSSL import crypto

from .tls import Handshake, TlsOptions
from .trust_paths import last_expiry

NameParts = tuple[tuple[str, str], ...]
"""A distinguished name: dotted object identifier and value of each part, in the certificate's order."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A target's own certificate; what cannot be read is left empty."""

    sha256: str
    subject: NameParts = ()
    issuer: NameParts = ()
    dns_names: tuple[str, ...] = ()
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """The leaf, and instants in unix seconds: the earliest expiry of what was sent, and that of the verified chain that
    lasts longest (None when nothing was verified)."""

    leaf: Leaf
    earliest_expiry: int
    last_expiry: int | None


def presented(handshake: Handshake, options: TlsOptions) -> Presented | None:
    """Return what a completed and accepted handshake presented, None without a certificate."""
    sent = handshake.sent
    if not sent:
        return None
    parsed = []
    for certificate in sent:
        with suppress(ValueError):  # what cannot be read is left out
            parsed.append(certificate.to_cryptography())
    return Presented(
        leaf=_leaf(crypto.dump_certificate(crypto.FILETYPE_ASN1, sent[0])),
        earliest_expiry=min((int(each.not_valid_after_utc.timestamp()) for each in parsed), default=0),
        last_expiry=last_expiry(parsed, options.ca_file) if options.verify else None,
    )


@lru_cache(maxsize=2000)
def _leaf(wire: bytes) -> Leaf:
    digest = hashlib.sha256(wire).hexdigest()
    try:
        parsed = x509.load_der_x509_certificate(wire)
        return Leaf(
            sha256=digest,
            subject=_parts(parsed.subject),
            issuer=_parts(parsed.issuer),
            dns_names=_dns_names(parsed),
            serial=parsed.serial_number,
        )
    except (ValueError, x509.UnsupportedGeneralNameType):
        return Leaf(digest)


def _parts(name: x509.Name) -> NameParts:
    return tuple(
        (
            each.oid.dotted_string,
            each.value if isinstance(each.value, str) else each.value.decode("utf-8", "replace"),
        )
        for each in name
    )


def _dns_names(parsed: x509.Certificate) -> tuple[str, ...]:
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.get_values_for_type(x509.DNSName))
