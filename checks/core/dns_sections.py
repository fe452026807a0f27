"""Rules about whole records of an answer's three sections, written as in a zone file: name, TTL, class, type, data.

Rules about the data of the records asked for are `dns_records.py`'s; most checks need no others.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from .dns_wire import Malformed
from .failures import Code, Stop
from .patterns import Pattern, Regex, compiled, longest
from .quote import printable
from .schema import Section, unusable
from .watch import Watch

if TYPE_CHECKING:
    import dns.message

MAX_RULES = 100
MAX_RECORDS = 512  # of one section looked at
NAMES = ("answer", "authority", "additional")
_MAX_SHOWN = 3  # records in a verdict
_OPT = 41


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


Patterns = Annotated[
    tuple[Regex, ...],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
    Field(max_length=MAX_RULES),
]


class SectionExpect(Section):
    """Rules for one section: regular expressions, searched for in records such as
    `shop.example.\\t300\\tIN\\tA\\t203.0.113.7` (tabs between the fields). Each key takes one or a list."""

    any_of: Patterns = Field(default=(), alias="any")
    """Some record must match some of these."""
    all_of: Patterns = Field(default=(), alias="all")
    """Each of these must match some record."""
    every: Patterns = ()
    """Every record must match every one of these, and there must be a record."""
    none_of: Patterns = Field(default=(), alias="none")
    """No record may match any of these."""
    least: Annotated[StrictInt, Field(ge=0, le=MAX_RECORDS)] | None = Field(default=None, alias="min")
    """The least number of records."""
    most: Annotated[StrictInt, Field(ge=0, le=MAX_RECORDS)] | None = Field(default=None, alias="max")
    """The greatest number of records."""

    @model_validator(mode="after")
    def _ordered(self) -> SectionExpect:
        if self.least is not None and self.most is not None and self.most < self.least:
            raise unusable("max is less than min", "swap the two")
        return self


@dataclass(frozen=True, slots=True)
class SectionRules:
    """The rules of one section, compiled."""

    name: str
    expect: SectionExpect
    any_of: tuple[Pattern[str], ...]
    all_of: tuple[Pattern[str], ...]
    every: tuple[Pattern[str], ...]
    none_of: tuple[Pattern[str], ...]

    @classmethod
    def of(cls, name: str, expect: SectionExpect) -> SectionRules:
        """Compile the rules of a section."""
        parts = (
            tuple(map(compiled, each))
            for each in (expect.any_of, expect.all_of, expect.every, expect.none_of)
        )
        return cls(name, expect, *parts)

    def judge(self, watch: Watch, records: Sequence[str]) -> None:
        """Record whether each rule holds. Raises `Stop` where the records are too long to be searched."""
        expect, seen = self.expect, _shown(records)
        self._check_lengths(sum(map(len, records)))
        if self.any_of:
            held = any(pattern.search(record) for record in records for pattern in self.any_of)
            self._say(watch, f"a match of any of {_list(expect.any_of)}", seen, held)
        for pattern, text in zip(self.all_of, expect.all_of, strict=True):
            held = any(pattern.search(record) for record in records)
            self._say(watch, f"a match of {_list((text,))}", seen, held)
        if self.every:
            held = bool(records) and all(p.search(record) for record in records for p in self.every)
            self._say(watch, f"only matches of {_list(expect.every)}", seen, held)
        if self.none_of:
            bad = [record for record in records if any(p.search(record) for p in self.none_of)]
            self._say(watch, f"no match of {_list(expect.none_of)}", _shown(bad or records), not bad)
        if expect.least is not None:
            held = len(records) >= expect.least
            self._say(watch, f"at least {expect.least} records", str(len(records)), held)
        if expect.most is not None:
            held = len(records) <= expect.most
            self._say(watch, f"at most {expect.most} records", str(len(records)), held)

    def _check_lengths(self, total: int) -> None:
        for pattern in (*self.any_of, *self.all_of, *self.every, *self.none_of):
            if total > longest(pattern):
                words = f"{self.name} section: {total} characters are too many for one of the expressions"
                raise Stop(Code.DNS_RECORDS, words)

    def _say(self, watch: Watch, expected: str, seen: str, held: bool) -> None:
        watch.expect(f"{self.name} section", expected, seen, held, Code.DNS_RECORDS)


def parse_message(wire: bytes) -> dns.message.Message:
    """Read a whole message, each record by itself; raises `Malformed`."""
    import dns.exception
    import dns.message

    try:
        return dns.message.from_wire(wire, ignore_trailing=True, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError, IndexError, KeyError, struct.error) as error:
        raise Malformed(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from None


def section_lines(wire: bytes) -> dict[str, list[str]]:
    """Return the records of the three sections as lines of a zone file with tabs; raises `Malformed`."""
    message = parse_message(wire)
    sections = zip(NAMES, (message.answer, message.authority, message.additional), strict=True)
    return {
        name: [_line(rrset) for rrset in rrsets if rrset.rdtype != _OPT][:MAX_RECORDS]
        for name, rrsets in sections
    }


def _line(rrset: dns.rrset.RRset) -> str:
    import dns.rdataclass
    import dns.rdatatype

    fields = (
        rrset.name.to_text(),
        str(rrset.ttl),
        dns.rdataclass.to_text(rrset.rdclass),
        dns.rdatatype.to_text(rrset.rdtype),
        rrset[0].to_text() if len(rrset) else "",
    )
    return "\t".join(fields)


def _list(patterns: Sequence[str]) -> str:
    shown = ", ".join(f"/{printable(pattern)}/" for pattern in patterns[:_MAX_SHOWN])
    return shown + (f" and {len(patterns) - _MAX_SHOWN} more" if len(patterns) > _MAX_SHOWN else "")


def _shown(records: Sequence[str]) -> str:
    shown = ", ".join(printable(record.replace("\t", " ")) for record in records[:_MAX_SHOWN])
    return (
        shown + (f" and {len(records) - _MAX_SHOWN} more" if len(records) > _MAX_SHOWN else "")
        or "no records"
    )
