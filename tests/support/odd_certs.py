"""Certificates that are rare and right: names of every kind, and a root that was renewed with its old key."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import crypto
from support.certs import Leaf

_kept = tempfile.TemporaryDirectory(prefix="prober-test-odd-certificates-")
FOLDER = Path(_kept.name)
ODD_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Quotes "and", commas; Ltd'),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "first"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "second"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Bavaria"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, " München "),
        x509.NameAttribute(NameOID.STREET_ADDRESS, "#1 Street"),
        x509.NameAttribute(NameOID.POSTAL_CODE, "80331"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "12+34"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "mail@example.test"),
        x509.NameAttribute(NameOID.USER_ID, "someone"),
        x509.NameAttribute(NameOID.COMMON_NAME, "first.test"),
        x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
    ]
)


def odd_names() -> Leaf:
    """Return a self-signed certificate whose names need every rule of writing them."""
    key = ec.generate_private_key(ec.SECP256R1())
    built = _certificate(ODD_NAME, ODD_NAME, key.public_key(), 90).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.RFC822Name("a@b.test")]), critical=False
    )
    return _leaf("odd", key, [built.sign(key, hashes.SHA256())])


def against_the_rules(*, version: int = 3, names_twice: bool = False) -> crypto.X509:
    """Return a certificate that OpenSSL takes and stricter readers do not; it ends in 90 days."""
    key = ec.generate_private_key(ec.SECP256R1())
    stand_in = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.99"), b"\x04\x00")
    built = (
        _certificate(ODD_NAME, ODD_NAME, key.public_key(), 90)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(stand_in, critical=False)
    )
    der = built.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    der = der.replace(b"\xa0\x03\x02\x01\x02", bytes((0xA0, 3, 2, 1, version - 1)), 1)
    if names_twice:
        der = der.replace(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x11")
    return crypto.load_certificate(crypto.FILETYPE_ASN1, der)


def many_names(count: int) -> crypto.X509:
    """Return a certificate for so many hosts: host0.test and so on."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName(f"host{number}.test") for number in range(count)])
    built = _certificate(ODD_NAME, ODD_NAME, key.public_key(), 90).add_extension(names, critical=False)
    return crypto.X509.from_cryptography(built.sign(key, hashes.SHA256()))


def renewed_root() -> Leaf:
    """Return a leaf whose root was renewed with the same key; its server sends the older root along.

    `FOLDER / "roots.pem"` trusts both. The leaf lasts 200 days, the older root 100.
    """
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Renewed root")])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    older, newer = (
        _certificate(name, name, root_key.public_key(), days)
        .add_extension(authority, critical=True)
        .sign(root_key, hashes.SHA256())
        for days in (100, 400)
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = _certificate(subject, name, key.public_key(), 200).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
    )
    roots = b"".join(each.public_bytes(Encoding.PEM) for each in (older, newer))
    (FOLDER / "roots.pem").write_bytes(roots)
    return _leaf("renewed", key, [leaf.sign(root_key, hashes.SHA256()), older])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=days))


def _leaf(name: str, key: ec.EllipticCurvePrivateKey, sent: list[x509.Certificate]) -> Leaf:
    made = Leaf(certificate=sent[0], chain_file=FOLDER / f"{name}.pem", key_file=FOLDER / f"{name}.key")
    made.chain_file.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in sent))
    made.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return made
