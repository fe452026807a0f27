"""Records of an answer as text, and rules about them: exact text, /regular expression/, address block.

Addresses are read by hand; every other type by dnspython, which is imported when the first one is needed.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import NamedTuple

from . import dns_wire
from .dns_wire import TYPE_A, TYPE_AAAA, Malformed, Record
from .failures import Code, Stop
from .patterns import Pattern, compiled, longest
from .quote import printable
from .schema import unusable

TYPE_SOA, TYPE_TXT, TYPE_ANY = 6, 16, 255
_FAMILIES = {TYPE_A: socket.AF_INET, TYPE_AAAA: socket.AF_INET6}
_CASE_COUNTS = frozenset({TYPE_TXT, 13, 99, 257})  # TXT, HINFO, SPF, CAA: text, where other types have names
_SOA_NUMBERS_BYTES = 20


class Seen(NamedTuple):
    """One record's data as text; `plain` is a TXT record's text in one piece, without quotes."""

    text: str
    plain: str | None = None


class Rule(NamedTuple):
    """What a record may be expected to be, as people wrote it, and the test for it."""

    written: str
    matches: Callable[[Seen], bool]
    longest: int | None = None  # characters of all records together that may be searched, None: any


def check_lengths(rules: Iterable[Rule], seen: list[Seen]) -> None:
    """Raise `Stop` where searching the records for an expression would hold up the agent."""
    total = sum(len(each.text) + len(each.plain or "") for each in seen)
    for rule in rules:
        if rule.longest is not None and total > rule.longest:
            raise Stop(
                Code.DNS_RECORDS, f"{total} characters of records are too many for {printable(rule.written)}"
            )


def read_seen(message: bytes, records: list[Record]) -> list[Seen]:
    """Return the records' data as text; raises `Malformed`."""
    return [_seen(message, record) for record in records]


def _seen(message: bytes, record: Record) -> Seen:
    if record.rdtype in _FAMILIES and record.rdclass == dns_wire.CLASS_IN:
        return Seen(dns_wire.address_text(message, record))
    import dns.exception
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.txtbase

    try:
        data = dns.rdata.from_wire(
            dns.rdataclass.RdataClass(record.rdclass),
            dns.rdatatype.RdataType(record.rdtype),
            message,
            record.start,
            record.end - record.start,
        )
        text = data.to_text()
    except (dns.exception.DNSException, ValueError, IndexError) as error:
        raise Malformed(f"a record cannot be read: {error}") from None
    if not isinstance(data, dns.rdtypes.txtbase.TXTBase):
        return Seen(text)
    return Seen(text, b"".join(data.strings).decode("utf-8", "backslashreplace"))


def parse_rule(written: str, rdclass: int, rdtype: int) -> Rule:
    """Read an expectation for records of a type; raises a validation error in clear words."""
    if len(written) > 2 and written[0] == written[-1] == "/":
        pattern = compiled(written[1:-1])
        return Rule(written, _expression(pattern), longest(pattern))
    if rdtype in _FAMILIES:
        return Rule(written, _addresses(written, rdtype))
    if rdtype == TYPE_ANY:
        return Rule(written, lambda seen: seen.text == written)
    return Rule(written, _exactly(written, rdclass, rdtype))


def _expression(pattern: Pattern[str]) -> Callable[[Seen], bool]:
    return lambda seen: bool(pattern.search(seen.text) or (seen.plain and pattern.search(seen.plain)))


def _addresses(written: str, rdtype: int) -> Callable[[Seen], bool]:
    version = 4 if rdtype == TYPE_A else 6
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        network = None
    if network is None or network.version != version:
        raise unusable(f"expected an IPv{version} address, a block such as 192.0.2.0/24, or a /regex/")
    if network.num_addresses == 1:
        packed = network.network_address.packed
        exact = socket.inet_ntop(_FAMILIES[rdtype], packed)  # the very form that records are shown in
        return lambda seen: seen.text == exact
    return lambda seen: ipaddress.ip_address(seen.text) in network


def _exactly(written: str, rdclass: int, rdtype: int) -> Callable[[Seen], bool]:
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    kind, group = dns.rdatatype.RdataType(rdtype), dns.rdataclass.RdataClass(rdclass)
    try:
        canonical = dns.rdata.from_text(group, kind, written, dns.name.root, False).to_text()
    except (dns.exception.DNSException, ValueError) as error:
        if rdtype != TYPE_TXT:
            raise unusable(f"not the data of such a record: {error}") from None
        canonical = written
    if rdtype in _CASE_COUNTS:
        return lambda seen: seen.text == canonical or seen.plain == written
    lowered = canonical.lower()
    return lambda seen: seen.text.lower() == lowered


def soa_serial(message: bytes, records: list[Record]) -> int | None:
    """Return the serial number of the first SOA record, if there is one that can be read."""
    for record in records:
        if record.rdtype == TYPE_SOA:
            try:
                at = dns_wire.after_name(message, dns_wire.after_name(message, record.start))
            except (Malformed, IndexError):
                return None
            return (
                int.from_bytes(message[at : at + 4], "big") if at + _SOA_NUMBERS_BYTES == record.end else None
            )
    return None
