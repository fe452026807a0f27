"""What NSEC and NSEC3 records deny, and what they do not."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.core.dns_denial import MAX_ITERATIONS, TooCostly, covers, denies, opts_out, types_at

ZONE = dns.name.from_text("test.")
A, AAAA, MX, DS, NS = 1, 28, 15, 43, 2


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def nsec(owner: str, following: str, types: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(owner, 60, "IN", "NSEC", f"{following} {types}")


def hashed(text: str) -> str:
    return dns.dnssec.nsec3_hash(text, "ab", 1, 1)


def nsec3(first: str, last: str, types: str, *, flags: int = 0, iterations: int = 1) -> dns.rrset.RRset:
    data = f"1 {flags} {iterations} ab {last} {types}"
    return dns.rrset.from_text(f"{first}.test.", 60, "IN", "NSEC3", data)


def around(text: str) -> tuple[str, str]:
    """Return hashes just below and just above that of a name."""
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUV"
    number = 0
    for sign in hashed(text):
        number = number * 32 + alphabet.index(sign)

    def back(value: int) -> str:
        return "".join(alphabet[value >> 5 * place & 31] for place in range(31, -1, -1))

    return back(number - 1), back(number + 1)


@pytest.mark.parametrize(
    ("text", "rdtype", "proven"),
    [
        ("b.test.", AAAA, True),
        ("b.test.", A, False),  # it exists
        ("c.test.", A, True),
        ("b.b.test.", A, True),
        ("d.test.", A, False),  # the record ends there
        ("e.test.", A, False),
        ("a.test.", A, False),
        ("alias.test.", A, False),  # an alias answers for every type
        ("z.test.", A, True),  # the last record leads back to the apex
        ("other.", A, False),
    ],
)
def test_nsec_denies_what_lies_between(text: str, rdtype: int, proven: bool) -> None:
    proofs = [
        nsec("b.test.", "d.test.", "A RRSIG NSEC"),
        nsec("alias.test.", "alias2.test.", "CNAME RRSIG NSEC"),
        nsec("y.test.", "test.", "A RRSIG NSEC"),
    ]
    assert denies(name(text), rdtype, ZONE, proofs) is proven


def test_what_a_zone_has_handed_over_it_cannot_deny() -> None:
    """RFC 6840, 4.1: a delegation's own record lies before all names below it."""
    for types, proven in (("NS RRSIG NSEC", False), ("DNAME RRSIG NSEC", False), ("NS SOA RRSIG NSEC", True)):
        proofs = [nsec("b.test.", "d.test.", types)]
        assert denies(name("www.b.test."), A, ZONE, proofs) is proven
        assert denies(name("c.test."), A, ZONE, proofs)
    cover = nsec3(*around("www.b.test"), "A")
    handed_over = nsec3(hashed("b.test"), around("b.test")[1], "NS")
    assert not denies(name("x.www.b.test."), A, ZONE, [handed_over, cover])


def test_nsec3_denies_a_type_at_a_name() -> None:
    proofs = [nsec3(hashed("b.test"), around("b.test")[1], "A NS")]
    assert types_at(name("b.test."), proofs) == {A, NS}
    assert denies(name("b.test."), AAAA, ZONE, proofs)
    assert not denies(name("b.test."), A, ZONE, proofs)
    assert types_at(name("c.test."), proofs) is None


def test_nsec3_denies_a_name_by_the_closest_one_that_exists() -> None:
    closest = nsec3(hashed("test"), around("test")[1], "SOA NS")
    cover = nsec3(*around("b.test"), "A")
    assert covers(name("b.test."), [cover])
    assert denies(name("www.b.test."), A, ZONE, [closest, cover])
    assert not denies(
        name("www.b.test."), A, ZONE, [cover, nsec3(hashed("c.test"), around("c.test")[1], "A")]
    )
    assert not denies(name("www.b.test."), A, ZONE, [closest])


def test_nsec3_may_leave_unsigned_zones_open() -> None:
    assert opts_out(name("b.test."), [nsec3(*around("b.test"), "NS", flags=1)])
    assert not opts_out(name("b.test."), [nsec3(*around("b.test"), "NS")])
    assert not opts_out(name("c.test."), [nsec3(*around("b.test"), "NS", flags=1)])
    assert not opts_out(name("b.elsewhere."), [nsec3(*around("b.elsewhere"), "NS", flags=1)])


@pytest.mark.parametrize(("iterations", "costly"), [(MAX_ITERATIONS, False), (MAX_ITERATIONS + 1, True)])
def test_the_cost_of_nsec3_has_a_limit(iterations: int, costly: bool) -> None:
    proofs = [nsec3(hashed("b.test"), hashed("c.test"), "A", iterations=iterations)]
    if costly:
        with pytest.raises(TooCostly):
            denies(name("b.test."), A, ZONE, proofs)
    else:
        denies(name("b.test."), A, ZONE, proofs)


LABELS = st.lists(st.sampled_from(["a", "b", "test", "*", "\\000", "zz"]), max_size=4).map(".".join)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LABELS, LABELS, LABELS, st.integers(1, 300))
def test_any_names_are_judged(owner: str, following: str, asked: str, rdtype: int) -> None:
    proofs = [nsec(f"{owner}.", f"{following}.", "A NS"), nsec3(hashed("x"), hashed("y"), "A")]
    assert denies(name(f"{asked}."), rdtype, ZONE, proofs) in (True, False)
