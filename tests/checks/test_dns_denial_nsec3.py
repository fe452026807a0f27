"""A hash lies somewhere by chance: an NSEC3 record that covers it proves nothing without the closest name there is."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rrset

from checks.core.dns_denial import denies

ZONE = dns.name.from_text("zone.")
BELOW, PARENT = dns.name.from_text("ns.plain.zone."), dns.name.from_text("plain.zone.")


def delegation_that_covers(name: dns.name.Name) -> dns.rrset.RRset:
    """Return the record of an unsigned delegation under a salt by which it happens to cover a name's hash."""
    for number in range(1, 1000):
        salt = f"{number:04x}"
        at, below = (dns.dnssec.nsec3_hash(each, salt, 0, 1) for each in (PARENT, name))
        if at < below:
            return dns.rrset.from_text(f"{at}.zone.", 300, "IN", "NSEC3", f"1 0 0 {salt} {'V' * 32} NS")
    raise AssertionError("no salt does it")


def test_a_name_below_a_delegation_is_not_denied_by_a_hash_that_covers_it_by_chance() -> None:
    assert not denies(BELOW, 1, ZONE, [delegation_that_covers(BELOW)])
