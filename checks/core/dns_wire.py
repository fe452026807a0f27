"""The little of the DNS message format that is worth doing by hand: building a question, judging a header and
its echo of the question, and reading addresses out of an answer.

A full parse (names, any record type, TTLs) is dnspython's work and lives with the `dns` check.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from typing import NamedTuple

TYPE_A, TYPE_NS, TYPE_AAAA = 1, 2, 28
CLASS_IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
RCODES = (
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
)  # fmt: skip
HEADER_BYTES = 12
MAX_NAME_BYTES, MAX_LABEL_BYTES = 255, 63
MAX_RECORDS = 512  # of one answer looked at; an answer to a question for addresses has a handful
MAX_STREAM_BYTES = 65537  # the longest message over a stream, with the two bytes of its length
_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_QR, _AA, _TC, _RD, _RA, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0010
EDNS_BYTES = (
    1232  # the longest answer over UDP that we ask for, where we do: it passes every network unbroken
)
_OPT = struct.pack("!BHHIH", 0, 41, EDNS_BYTES, 0x8000, 0)  # EDNS with the flag DO: signatures, please
_OPCODE, _RCODE = 0x7800, 0x000F
_POINTER = 0xC0
_ADDRESS_TYPES = (b"\0\x01", b"\0\x1c")


class Malformed(ValueError):
    """A message that breaks the format."""


@dataclass(frozen=True, slots=True)
class Header:
    """The flags and counts of an answer whose id and question fit."""

    flags: int
    answers: int
    authorities: int
    additionals: int

    @property
    def rcode(self) -> int:
        """The response code, without the bits that EDNS would add."""
        return self.flags & _RCODE

    @property
    def authoritative(self) -> bool:
        """Whether the AA bit is set."""
        return bool(self.flags & _AA)

    @property
    def truncated(self) -> bool:
        """Whether the TC bit is set."""
        return bool(self.flags & _TC)

    @property
    def recursion_available(self) -> bool:
        """Whether the RA bit is set."""
        return bool(self.flags & _RA)


def rcode_text(rcode: int) -> str:
    """Return the code's name, or its number when it has none."""
    return RCODES[rcode] if 0 <= rcode < len(RCODES) else f"RCODE{rcode}"


def encode_name(name: str) -> bytes:
    """Return a host name in wire form; ValueError says in words what is wrong with it."""
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise ValueError("not an internationalised name that can be encoded") from None
    parts = bytearray()
    for label in name.removesuffix(".").split(".") if name != "." else []:
        if not label:
            raise ValueError("a label is empty")
        if len(label) > MAX_LABEL_BYTES:
            raise ValueError(f"a label is longer than {MAX_LABEL_BYTES} bytes")
        parts += bytes((len(label),)) + label.encode("ascii")
    if len(parts) >= MAX_NAME_BYTES:
        raise ValueError(f"the name is longer than {MAX_NAME_BYTES} bytes")
    return bytes(parts) + b"\0"


def build_query(name: bytes, rdtype: int, rdclass: int = CLASS_IN, *, recursion: bool = True) -> bytes:
    """Return a query with one question and the id 0."""
    header = _HEADER.pack(0, _RD if recursion else 0, 1, 0, 0, 0)
    return header + name + struct.pack("!HH", rdtype, rdclass)


def for_signatures(query: bytes) -> bytes:
    """Return the query with the wish for signatures (EDNS, DO) and for answers unjudged by the server (CD)."""
    flags = int.from_bytes(query[2:4], "big") | _CD
    return query[:2] + flags.to_bytes(2, "big") + query[4:10] + b"\0\1" + query[HEADER_BYTES:] + _OPT


def _end_of_question(query: bytes) -> int:
    return len(query) if query[10:12] == b"\0\0" else len(query) - len(_OPT)


def asks_address(query: bytes) -> bool:
    """Say whether a query is for addresses."""
    return query[-4:-2] in _ADDRESS_TYPES


def with_fresh_id(query: bytes) -> bytes:
    """Return the query under an id that nobody can guess."""
    return os.urandom(2) + query[2:]


def read_header(answer: bytes, query: bytes) -> Header | None:
    """Return the header if this answers exactly that query, else None: not ours, or no DNS at all."""
    if len(answer) < HEADER_BYTES or answer[:2] != query[:2]:
        return None
    _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(answer)
    if not flags & _QR or flags & _OPCODE:
        return None
    if not _echoes(answer, query) and (questions or flags & _RCODE == NOERROR):
        return None  # only a refusal may come without the question
    return Header(flags, answers, authorities, additionals)


def _echoes(answer: bytes, query: bytes) -> bool:
    end = _end_of_question(query)
    if answer[4:6] != b"\0\1":
        return False
    if answer[HEADER_BYTES:end] == query[HEADER_BYTES:end]:
        return True
    # Names compare without regard to case; type and class, the last four bytes, do not.
    same_name = answer[HEADER_BYTES : end - 4].lower() == query[HEADER_BYTES : end - 4].lower()
    return same_name and answer[end - 4 : end] == query[end - 4 : end]


class Record(NamedTuple):
    """One resource record: where its data lies in the message, and what is known without reading that."""

    rdtype: int
    rdclass: int
    ttl: int
    start: int
    end: int


def read_records(answer: bytes, query: bytes, header: Header) -> list[Record]:
    """Return the records of the answer section, in order; raises `Malformed`."""
    found = []
    # Without the question (a refusal) the records, if there are any, begin right after the header.
    at = _end_of_question(query) if answer[4:6] == b"\0\1" else HEADER_BYTES
    try:
        for _ in range(min(header.answers, MAX_RECORDS)):
            at = after_name(answer, at)
            rdtype, rdclass, ttl, length = _RECORD.unpack_from(answer, at)
            at += _RECORD.size
            found.append(Record(rdtype, rdclass, ttl, at, at + length))
            at += length
    except (struct.error, IndexError):
        raise Malformed("a record is cut short") from None
    if at > len(answer):
        raise Malformed("a record is cut short")
    return found


def read_addresses(answer: bytes, query: bytes, header: Header) -> tuple[str, ...]:
    """Return the addresses of the type asked for, in the order given; raises `Malformed`."""
    rdtype, rdclass = struct.unpack("!HH", query[-4:])
    return tuple(
        address_text(answer, record)
        for record in read_records(answer, query, header)
        if record.rdtype == rdtype and record.rdclass == rdclass
    )


def address_text(answer: bytes, record: Record) -> str:
    """Return the address in an A or AAAA record; raises `Malformed`."""
    family, size = (socket.AF_INET, 4) if record.rdtype == TYPE_A else (socket.AF_INET6, 16)
    if record.end - record.start != size:
        raise Malformed("an address record has a wrong length")
    return socket.inet_ntop(family, answer[record.start : record.end])


def after_name(message: bytes, at: int) -> int:
    """Return where the name at `at` ends; raises IndexError past the message's end, or `Malformed`."""
    # Where a name ends does not depend on where its pointers lead, so none is followed and none can loop.
    while length := message[at]:
        if length & _POINTER == _POINTER:
            return at + 2
        if length & _POINTER:
            raise Malformed("a name has a label of an unknown kind")
        at += length + 1
    return at + 1
