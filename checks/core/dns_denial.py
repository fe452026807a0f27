"""What NSEC and NSEC3 records say about names and types that do not exist. The records are validated elsewhere.

Understood is the denial of a name, of a type at a name, and of a zone's DS. That no wildcard would have answered in
place of the name is not looked at.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dns.name
    import dns.rrset

NS, CNAME, SOA, DNAME, DS, NSEC, NSEC3 = 2, 5, 6, 39, 43, 47, 50
PROOFS = (NSEC, NSEC3)
MAX_ITERATIONS = 50  # of NSEC3's hash; more of them protect nobody and cost whoever validates
_OPT_OUT = 1

Proofs = Sequence["dns.rrset.RRset"]


class TooCostly(ValueError):
    """An NSEC3 record that wants more iterations than anyone should do."""


def types_at(name: dns.name.Name, proofs: Proofs) -> frozenset[int] | None:
    """Return the types that a record made for this very name says exist there, or None without such a record."""
    for rrset in proofs:
        for rdata in rrset:
            if _owner_is(name, rrset, rdata):
                return _types(rdata)
    return None


def covers(name: dns.name.Name, proofs: Proofs) -> bool:
    """Say whether a record proves that there is nothing of this name."""
    return any(_covers(name, rrset, rdata) for rrset in proofs for rdata in rrset)


def opts_out(name: dns.name.Name, proofs: Proofs) -> bool:
    """Say whether the record that covers a name leaves open that an unsigned zone of that name exists."""
    return any(
        rrset.rdtype == NSEC3 and rdata.flags & _OPT_OUT and _covers(name, rrset, rdata)
        for rrset in proofs
        for rdata in rrset
    )


def denies(name: dns.name.Name, rdtype: int, zone: dns.name.Name, proofs: Proofs) -> bool:
    """Say whether the records prove that the name, in that zone, has no records of the type."""
    types = types_at(name, proofs)
    if types is not None:
        return rdtype not in types and CNAME not in types
    # A hash lies somewhere by chance: of NSEC3 only the name below the closest one that exists may be covered.
    below = next_closer(name, zone, proofs)
    plain = [rrset for rrset in proofs if rrset.rdtype == NSEC]
    return covers(name, plain) or (below is not None and covers(below, proofs))


def next_closer(name: dns.name.Name, zone: dns.name.Name, proofs: Proofs) -> dns.name.Name | None:
    """Return what NSEC3 has to cover: the name just below the closest one on the way to ours that exists."""
    while len(name) > len(zone):
        below, name = name, name.parent()
        types = types_at(name, proofs)
        if types is not None:
            return None if _hands_over(types) else below
    return None


def _owner_is(name: dns.name.Name, rrset: dns.rrset.RRset, rdata: Any) -> bool:
    if rrset.rdtype == NSEC:
        return bool(rrset.name == name)
    return name.is_subdomain(rrset.name.parent()) and _hashed(name, rdata) == rrset.name.labels[0].upper()


def _covers(name: dns.name.Name, rrset: dns.rrset.RRset, rdata: Any) -> bool:
    if rrset.rdtype == NSEC:
        start, end = rrset.name, rdata.next
        # The last record of a zone leads back to its apex. A name that only has names below it lies in between, too.
        lies_between = start < name < end or (end <= start < name and name.is_subdomain(end))
        # Names below one that hands them over are not this zone's to deny (RFC 6840, 4.1).
        return bool(lies_between and not (name.is_subdomain(start) and _hands_over(_types(rdata))))
    if not name.is_subdomain(rrset.name.parent()):
        return False
    hashed, first, last = _hashed(name, rdata), rrset.name.labels[0].upper(), _next_hash(rdata)
    return first < hashed < last if first < last else hashed > first or hashed < last


def _hands_over(types: frozenset[int]) -> bool:
    return (NS in types and SOA not in types) or DNAME in types


def _types(rdata: Any) -> frozenset[int]:
    return frozenset(
        window * 256 + index * 8 + bit
        for window, bitmap in rdata.windows
        for index, byte in enumerate(bitmap)
        for bit in range(8)
        if byte & 0x80 >> bit
    )


def _hashed(name: dns.name.Name, rdata: Any) -> bytes:
    if rdata.iterations > MAX_ITERATIONS:
        raise TooCostly(f"an NSEC3 record wants {rdata.iterations} iterations of its hash")
    return _hash(name, rdata.salt, rdata.iterations, rdata.algorithm)


@lru_cache(maxsize=512)
def _hash(name: dns.name.Name, salt: bytes, iterations: int, algorithm: int) -> bytes:
    import dns.dnssec

    return dns.dnssec.nsec3_hash(name, salt, iterations, algorithm).encode("ascii").upper()


def _next_hash(rdata: Any) -> bytes:
    return base64.b32hexencode(rdata.next).rstrip(b"=")
