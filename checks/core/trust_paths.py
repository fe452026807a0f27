"""Every chain from a target's certificate to a trusted root, for the expiry of the one that lasts longest.

TLS libraries verify by one chain; where roots are renewed with their old key there are several, and the exporter's
figure is the best of them. Whether the target is trusted at all is not decided here.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature

MAX_DEPTH = 10
MAX_SIGNATURES = 100  # checked for one target: a target chooses what it sends
_Roots = dict[bytes, list[x509.Certificate]]


def last_expiry(sent: list[x509.Certificate], ca_file: Path | None) -> int | None:
    """Return the latest over all chains of each chain's earliest expiry (unix seconds), None without a chain."""
    if not sent:
        return None
    search = _Search(_roots(*_file(ca_file)), sent[1:])
    return max(search.expiries(sent[0]), default=None)


class _Search:
    def __init__(self, roots: _Roots, others: list[x509.Certificate]) -> None:
        self._roots = roots
        self._others = others
        self._now_s = time.time()
        self._signatures = 0

    def expiries(self, leaf: x509.Certificate) -> Iterator[int]:
        if leaf in self._named(leaf.subject):
            yield _expiry(leaf)
        yield from self._upwards((leaf,))

    def _named(self, name: x509.Name) -> list[x509.Certificate]:
        return self._roots.get(name.public_bytes(), [])

    def _upwards(self, chain: tuple[x509.Certificate, ...]) -> Iterator[int]:
        last = chain[-1]
        if len(chain) > MAX_DEPTH or not self._is_now(last):
            return
        for root in self._named(last.issuer):
            if root not in chain and self._is_now(root) and self._issued(root, last):
                yield min(_expiry(each) for each in (*chain, root))
        for other in self._others:
            if other.subject == last.issuer and other not in chain and self._issued(other, last):
                yield from self._upwards((*chain, other))

    def _issued(self, issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
        self._signatures += 1
        if self._signatures > MAX_SIGNATURES:
            return False
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _is_now(self, certificate: x509.Certificate) -> bool:
        return certificate.not_valid_before_utc.timestamp() <= self._now_s <= _expiry(certificate)


def _expiry(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp())


def _file(ca_file: Path | None) -> tuple[str, float]:
    path = str(ca_file) if ca_file is not None else ssl.get_default_verify_paths().cafile or certifi.where()
    return path, os.stat(path).st_mtime


@lru_cache(maxsize=64)
def _roots(path: str, stamp: float) -> _Roots:
    """Read a file of roots, by subject; a changed file is read again."""
    roots: _Roots = {}
    for certificate in x509.load_pem_x509_certificates(Path(path).read_bytes()):
        roots.setdefault(certificate.subject.public_bytes(), []).append(certificate)
    return roots
