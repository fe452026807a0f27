"""Questions from names as people write them, and whole answers as lines of text, one a record.

A line has name, TTL, class, type and data, with tabs between, keys and signatures in one piece.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from . import dns_wire
from .failures import Code, Stop

if TYPE_CHECKING:
    import dns.rrset


class RecordText(NamedTuple):
    """One record: its line (name, TTL, class, type, data; tabs between), and the serial number of an SOA."""

    line: str
    serial: int | None


class Sections(NamedTuple):
    """An answer, taken apart."""

    rcode: int
    answer: list[RecordText]
    authority: list[RecordText]
    additional: list[RecordText]


@cache
def load_records() -> None:
    """Load what reading records of any type takes: a tenth of a second, once."""
    import dns.message
    import dns.rdata

    dns.rdata.load_all_types(disable_dynamic_load=False)  # type: ignore[no-untyped-call]


def read_sections(wire: bytes) -> Sections:
    """Take an answer apart. Raises `Stop` when it breaks the format."""
    import dns.exception
    import dns.message

    try:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
        sections = [
            [_record(each) for each in section if len(each)]
            for section in (message.answer, message.authority, message.additional)
        ]
    except (dns.exception.DNSException, ValueError, IndexError) as error:
        raise Stop(Code.DNS_MALFORMED, f"the answer cannot be read: {error}") from None
    return Sections(int(message.rcode()), *sections)


def _record(rrset: dns.rrset.RRset) -> RecordText:
    import dns.rdataclass
    import dns.rdatatype

    data = rrset[0]
    kind, group = dns.rdatatype.to_text(data.rdtype), dns.rdataclass.to_text(data.rdclass)
    # Keys and signatures in one piece, as the exporter has them.
    line = f"{rrset.name}\t{rrset.ttl}\t{group}\t{kind}\t{data.to_text(chunksize=0)}"
    return RecordText(line, data.serial if kind == "SOA" else None)


def question(name: str, rdtype: str, rdclass: int, *, recursion: bool) -> bytes:
    """Return a query, under the id 0; the name may hold escapes. Raises ValueError if it cannot be asked for."""
    import dns.exception
    import dns.name
    import dns.rdatatype

    try:
        wire = dns.name.from_text(name).to_wire() or b"\0"
        return dns_wire.build_query(wire, dns.rdatatype.from_text(rdtype), rdclass, recursion=recursion)
    except dns.exception.DNSException as error:
        raise ValueError(str(error)) from None
