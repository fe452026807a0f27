"""The DNS format by hand agrees with dnspython, and no bytes make it raise anything but `Malformed`."""

from __future__ import annotations

import contextlib

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core import dns_wire
from checks.core.dns_records import Rule, parse_rule, read_seen, soa_serial
from checks.core.dns_wire import Malformed

QUERY = dns_wire.with_fresh_id(dns_wire.build_query(dns_wire.encode_name("shop.test"), dns_wire.TYPE_A))
A, NS, MX, TXT, AAAA = 1, 2, 15, 16, 28


def answer(*rrsets: tuple[str, str, str], query: bytes = QUERY, flags: int = 0) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.flags |= flags
    for name, kind, text in rrsets:
        message.answer.append(dns.rrset.from_text(name, 300, "IN", kind, text))
    return message.to_wire()


def test_a_query_is_what_dnspython_would_send() -> None:
    made = dns.message.make_query("shop.test", "A", id=int.from_bytes(QUERY[:2], "big"))
    assert made.to_wire() == QUERY
    made.flags &= ~dns.flags.RD
    name = dns_wire.encode_name("shop.test")
    assert made.to_wire()[2:] == dns_wire.build_query(name, dns_wire.TYPE_A, recursion=False)[2:]


def test_ids_differ() -> None:
    assert len({dns_wire.with_fresh_id(QUERY)[:2] for _ in range(50)}) > 40


def test_a_header_is_read_only_from_an_answer_to_the_query() -> None:
    good = answer(("shop.test.", "A", "192.0.2.1"), flags=dns.flags.AA | dns.flags.RA)
    header = dns_wire.read_header(good, QUERY)
    assert header is not None
    assert (header.rcode, header.answers, header.truncated) == (0, 1, False)
    assert (header.authoritative, header.recursion_available) == (True, True)
    other_id = bytes([good[0] ^ 1]) + good[1:]
    other_name = good.replace(b"\x04shop", b"\x04chop", 1)
    for wrong in (other_id, other_name, QUERY, good[:11], b"", good[:20]):
        assert dns_wire.read_header(wrong, QUERY) is None


def test_the_question_may_come_back_in_another_case() -> None:
    good = answer(("shop.test.", "A", "192.0.2.1"))
    assert dns_wire.read_header(good.replace(b"\x04shop", b"\x04SHOP", 1), QUERY) is not None


def test_a_refusal_may_come_without_the_question() -> None:
    refusal = QUERY[:2] + bytes([0x80, dns_wire.REFUSED]) + b"\0" * 8
    accepted = QUERY[:2] + bytes([0x80, dns_wire.NOERROR]) + b"\0" * 8
    assert dns_wire.read_header(refusal, QUERY) is not None
    assert dns_wire.read_header(accepted, QUERY) is None


def addresses(wire: bytes) -> tuple[str, ...]:
    header = dns_wire.read_header(wire, QUERY)
    assert header is not None
    return dns_wire.read_addresses(wire, QUERY, header)


def test_addresses_are_found_behind_aliases() -> None:
    wire = answer(
        ("shop.test.", "CNAME", "cdn.test."), ("cdn.test.", "A", "192.0.2.1"), ("x.", "A", "192.0.2.2")
    )
    assert addresses(wire) == ("192.0.2.1", "192.0.2.2")


@pytest.mark.parametrize("cut", [1, 4, 9, 15])
def test_a_record_cut_short_is_malformed(cut: int) -> None:
    with pytest.raises(Malformed):
        addresses(answer(("shop.test.", "A", "192.0.2.1"))[:-cut])


def test_an_address_of_a_wrong_length_is_malformed() -> None:
    wire = answer(("shop.test.", "A", "192.0.2.1"))
    with pytest.raises(Malformed):
        addresses(wire[:-6] + b"\0\5" + wire[-4:] + b"\0")


@given(tail=st.binary(max_size=200), counts=st.binary(min_size=6, max_size=6))
def test_no_bytes_break_the_reader(tail: bytes, counts: bytes) -> None:
    wire = QUERY[:2] + b"\x80\0\0\1" + counts + QUERY[12:] + tail
    header = dns_wire.read_header(wire, QUERY)
    assert header is not None
    with contextlib.suppress(Malformed):
        records = dns_wire.read_records(wire, QUERY, header)
        soa_serial(wire, records)
        read_seen(wire, records)
    with contextlib.suppress(Malformed):
        dns_wire.read_addresses(wire, QUERY, header)


@given(
    kind=st.sampled_from(
        [NS, 5, 6, MX, TXT, 24, 33, 35, 41, 43, 46, 47, 48, 50, 52, 64, 65, 250, 257, 65535]
    ),
    data=st.binary(max_size=80),
)
def test_no_record_data_breaks_the_reader(kind: int, data: bytes) -> None:
    record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\0" + len(data).to_bytes(2, "big") + data
    wire = QUERY[:2] + b"\x80\0\0\1\0\1\0\0\0\0" + QUERY[12:] + record
    header = dns_wire.read_header(wire, QUERY)
    assert header is not None
    records = dns_wire.read_records(wire, QUERY, header)
    soa_serial(wire, records)
    with contextlib.suppress(Malformed):
        read_seen(wire, records)


def matches(rule: Rule, kind: str, text: str) -> bool:
    query = dns_wire.build_query(dns_wire.encode_name("shop.test"), dns.rdatatype.from_text(kind))
    wire = answer(("shop.test.", kind, text), query=query)
    header = dns_wire.read_header(wire, query)
    assert header is not None
    (seen,) = read_seen(wire, dns_wire.read_records(wire, query, header))
    return rule.matches(seen)


@pytest.mark.parametrize(
    ("kind", "written", "text", "held"),
    [
        ("A", "192.0.2.1", "192.0.2.1", True),
        ("A", "192.0.2.1", "192.0.2.10", False),
        ("A", "192.0.2.0/24", "192.0.2.255", True),
        ("A", "192.0.2.0/24", "192.0.3.0", False),
        ("A", "/^192\\.0\\./", "192.0.2.1", True),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1", True),
        ("AAAA", "2001:db8::/32", "2001:db9::", False),
        ("MX", "10 mail.test", "10 MAIL.test.", True),
        ("MX", "10 mail.test.", "20 mail.test.", False),
        ("CNAME", "Cdn.Example.", "cdn.example.", True),
        ("TXT", "v=spf1 -all", '"v=spf1 " "-all"', True),
        ("TXT", '"v=spf1 " "-all"', '"v=spf1 " "-all"', True),
        ("TXT", "V=SPF1 -all", '"v=spf1 -all"', False),
        ("TXT", "/^v=spf1/", '"v=spf1 -all"', True),
        ("SRV", "/ 443 /", "0 5 443 web.test.", True),
    ],
)
def test_rules_match_records_by_what_they_mean(kind: str, written: str, text: str, held: bool) -> None:
    assert matches(parse_rule(written, 1, dns.rdatatype.from_text(kind)), kind, text) is held


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (A, "shop.test"),
        (A, "2001:db8::1"),
        (A, "192.0.2.1/24"),
        (AAAA, "192.0.2.1"),
        (MX, "mail"),
        (NS, "/(/"),
    ],
)
def test_rules_that_no_record_can_match_are_refused(kind: int, written: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not the data|regular expression"):
        parse_rule(written, 1, kind)


@pytest.mark.parametrize("name", ["", "a..b", "a" * 64, ".".join(["a" * 49] * 6)])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"label|longer"):
        dns_wire.encode_name(name)


def test_the_longest_names_are_taken() -> None:
    name = ".".join(["a" * 49] * 5)
    assert dns_wire.encode_name(name) == dns_wire.encode_name(name + ".")
    assert dns_wire.encode_name("a" * 63)[0] == 63
    assert dns_wire.encode_name(".") == b"\0"
