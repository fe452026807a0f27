"""What is odd about the certificates that a target sends, beside whether they are trusted.

Problems and how grave they are:

| problem | grave | why |
| --- | --- | --- |
| `incomplete` | fail | the next issuer is neither sent nor trusted: clients that have not met it elsewhere refuse |
| `weak_signature` | fail | signed with MD5 or SHA-1, forgeable: clients refuse it (a root's own is no matter) |
| `expired` | warn | a certificate that the trusted path does without has expired: older clients stumble over it |
| `order` | warn | not each followed by its issuer, as TLS 1.2 demands: most clients sort it out, some do not |
| `unneeded` | note | sent, but on no way up from the leaf: bytes for nothing |
| `root_sent` | note | the root is sent along: bytes for nothing, every client has it or trusts nothing |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .certificates import CertificateFacts
from .quote import quoted

Grave = Literal["fail", "warn", "note"]
_WEAK = ("md2", "md5", "sha1")
_STRENGTHS = ((1024, 160), (2048, 224), (3072, 256), (7680, 384), (15360, 512))
"""Sizes of RSA keys and of those on elliptic curves that take the same effort to break (NIST SP 800-57)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is odd, a word for programs and words for people."""

    name: str
    grave: Grave
    words: str


def problems_of(
    sent: Sequence[CertificateFacts], now_s: float, unknown_issuer: bool, trusted: bool
) -> list[Problem]:
    """Return what is odd about the certificates sent, the leaf first, the gravest problem first.

    `unknown_issuer`: verification ended at an issuer that it did not know. `trusted`: it found no fault at all.
    """
    way = _way_up(sent)
    found: list[Problem] = []
    top = sent[way[-1]]
    if unknown_issuer and not top.is_self_issued:
        found.append(Problem("incomplete", "fail", f"the issuer {quoted(top.issuer)} is not sent"))
    for number, each in enumerate(sent):
        if not each.is_self_issued and any(weak in each.signature for weak in _WEAK):
            words = f"certificate {number} is signed with {each.signature}"
            found.append(Problem("weak_signature", "fail", words))
    if trusted:
        expired = [number for number, each in enumerate(sent) if number and each.days_left(now_s) < 0]
        found += (Problem("expired", "warn", f"certificate {number} has expired") for number in expired)
    if way != sorted(way):
        found.append(Problem("order", "warn", "the certificates are not sent each before its issuer"))
    return found + _unneeded(sent, way)


def _unneeded(sent: Sequence[CertificateFacts], way: list[int]) -> list[Problem]:
    found = [
        Problem("unneeded", "note", f"certificate {number} is not on the way from the leaf to a root")
        for number in range(len(sent))
        if number not in way
    ]
    if len(way) > 1 and sent[way[-1]].is_self_issued:
        found.append(Problem("root_sent", "note", "the root is sent along"))
    return found


def _way_up(sent: Sequence[CertificateFacts]) -> list[int]:
    """Return the places of the certificates that lead up from the leaf, by the names of their issuers."""
    way = [0]
    while not sent[way[-1]].is_self_issued:
        issuer = sent[way[-1]].issuer
        above = (number for number, each in enumerate(sent) if each.subject == issuer and number not in way)
        if (number := next(above, None)) is None:
            break
        way.append(number)
    return way


def strength_bits(facts: CertificateFacts) -> int:
    """Return the size of the RSA key that would be as hard to break."""
    if facts.key_type in ("RSA", "DSA"):
        return facts.key_bits
    if facts.key_type == "EC":
        return max((rsa for rsa, curve in _STRENGTHS if facts.key_bits >= curve), default=0)
    return 3072 if facts.key_type else 0  # Ed25519 and Ed448: 128 bits at least
