"""The demo's own authority, and two certificates for the checkout: one good, one that has ended."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

GOOD_DAYS = 90
ENDED_DAYS = 3
_AUTHORITY_USES = x509.KeyUsage(
    digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
    key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
    decipher_only=False,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCertificates:
    """Server contexts with each certificate, and the PEM file of the authority that signed both."""

    ca_file: Path
    good: ssl.SSLContext
    expired: ssl.SSLContext


def make_certificates(folder: Path, address: str) -> DemoCertificates:
    """Make everything afresh for a server at `address`.

    The files go to `folder`, which must exist; keys are readable by their owner only.
    """
    # Verification goes by the real clock, whatever clock the script runs on.
    now = datetime.now(UTC).replace(microsecond=0)
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Prober demo authority")
    builder = _builder(name, name, key, now - timedelta(days=365), now + timedelta(days=365))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    authority = builder.add_extension(_AUTHORITY_USES, critical=True).sign(key, hashes.SHA256())
    ca_file = folder / "demo-ca.pem"
    ca_file.write_bytes(authority.public_bytes(Encoding.PEM))
    issuer = _Issuer(folder, address, name, key)
    good = issuer.context("demo-good", now - timedelta(days=1), now + timedelta(days=GOOD_DAYS, hours=12))
    expired = issuer.context("demo-expired", now - timedelta(days=93), now - timedelta(days=ENDED_DAYS))
    return DemoCertificates(ca_file=ca_file, good=good, expired=expired)


@dataclass(frozen=True, slots=True)
class _Issuer:
    folder: Path
    address: str
    name: x509.Name
    key: ec.EllipticCurvePrivateKey

    def context(self, stem: str, start: datetime, end: datetime) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(self.address))])
        builder = _builder(_name("checkout.shop.example"), self.name, key, start, end)
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        certificate = builder.sign(self.key, hashes.SHA256())
        chain_file, key_file = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        chain_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with open(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain_file, key_file)
        return context


def _name(title: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
