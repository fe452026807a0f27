"""What an answer of the `dns` check is expected to be, and the verdict on one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, field_validator

from . import dns_wire
from .dns_exchange import Reply
from .dns_records import TYPE_ANY, TYPE_SOA, Rule, Seen, check_lengths, parse_rule, read_seen, soa_serial
from .dns_sections import NAMES, SectionExpect, SectionRules, section_lines
from .dns_wire import Record
from .failures import Code, Stop
from .quote import printable
from .schema import Section, unusable
from .thresholds import ConnectionLimits
from .values import DurationUs, format_duration
from .watch import Watch

MAX_RULES = 100
MAX_SHOWN_RECORDS, MAX_SHOWN_TEXT = 20, 300  # records kept as a fact, characters of one
_CODES = {
    dns_wire.NXDOMAIN: Code.DNS_NXDOMAIN,
    dns_wire.SERVFAIL: Code.DNS_SERVFAIL,
    dns_wire.REFUSED: Code.DNS_REFUSED,
}

Rules = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=4096)], ...], Field(max_length=MAX_RULES)
]
"""Each an exact text, a `/regular expression/`, or for A and AAAA an address or block (`192.0.2.0/24`)."""


class TtlLimits(Section):
    """Bounds of the records' time to live."""

    min_us: DurationUs | None = Field(default=None, alias="min")
    """No record may be kept for less."""
    max_us: DurationUs | None = Field(default=None, alias="max")
    """No record may be kept for longer."""


class DnsExpect(ConnectionLimits):
    """What the answer must be like. Rules about records look at those of the type asked for."""

    rcodes: Annotated[tuple[str, ...], Field(min_length=1, max_length=16)] = ("NOERROR",)
    """The response codes that are fine, such as NXDOMAIN for a name that must not exist."""
    any_of: Rules = Field(default=(), alias="any")
    """At least one of these must be among the records."""
    all_of: Rules = Field(default=(), alias="all")
    """Each of these must be among the records."""
    none_of: Rules = Field(default=(), alias="none")
    """None of these may be among the records."""
    exactly: Rules | None = None
    """Each of these must be among the records, and no record may be anything else."""
    min_answers: Annotated[StrictInt, Field(ge=0, le=500)] | None = None
    """The least number of records of the type asked for. If absent, an answer NOERROR must have some record in
    its answer section, if only an alias."""
    authoritative: StrictBool | None = None
    """Whether the answer must (`true`) or must not (`false`) be authoritative."""
    recursion_available: StrictBool | None = None
    """Whether the server must (`true`) or must not (`false`) offer recursion (the RA flag); the code is
    `dns_records`."""
    ttl: TtlLimits | None = None
    """Bounds of the records' time to live."""
    answer: SectionExpect | None = None
    """Rules for whole records of the answer section."""
    authority: SectionExpect | None = None
    """Rules for whole records of the authority section."""
    additional: SectionExpect | None = None
    """Rules for whole records of the additional section (without that of EDNS)."""

    @field_validator("rcodes")
    @classmethod
    def _known(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            if value not in dns_wire.RCODES:
                known = ", ".join(dns_wire.RCODES)
                raise unusable("not a response code", f"known are {known}")
        return values


class Judge:
    """The expectations of one check, made ready for many answers; a validation error for rules without sense."""

    def __init__(self, expect: DnsExpect, rdclass: int, rdtype: int) -> None:
        self._expect = expect
        self._rdclass = rdclass
        self._rdtype = rdtype
        self._rcodes = frozenset(dns_wire.RCODES.index(name) for name in expect.rcodes)
        self._rcode_words = ", ".join(expect.rcodes)
        self._any = self._rules(expect.any_of)
        self._all = self._rules(expect.all_of)
        self._none = self._rules(expect.none_of)
        self._exactly = None if expect.exactly is None else self._rules(expect.exactly)
        given = ((name, getattr(expect, name)) for name in NAMES)
        self._sections = tuple(SectionRules.of(name, each) for name, each in given if each is not None)
        self._demands = bool(self._any or self._all or expect.answer) or self._exactly is not None
        self._reads = self._demands or bool(self._none)

    def accepts(self, rcode: int) -> bool:
        """Whether a response code is fine."""
        return rcode in self._rcodes

    def judge(self, watch: Watch, reply: Reply, query: bytes) -> None:
        """Write facts and expectations of an answer; raises `Stop` when it cannot be read."""
        header = reply.header
        try:
            records = dns_wire.read_records(reply.wire, query, header)
            mine = [record for record in records if self._is_mine(record)]
            # dnspython takes longer than the whole rest of the check, so it reads only what is looked at.
            seen = read_seen(reply.wire, mine) if self._reads or watch.place.verbose else None
            lines = section_lines(reply.wire) if self._sections else {}
        except dns_wire.Malformed as error:
            raise Stop(Code.DNS_MALFORMED, f"the answer cannot be read: {error}") from None
        self._note(watch, reply, seen)
        if self._rdtype == TYPE_SOA and (serial := soa_serial(reply.wire, mine)) is not None:
            watch.facts["serial"] = serial
        self._judge_header(watch, reply)
        self._judge_count(watch, reply, len(mine))
        if self._expect.ttl is not None and mine:
            _judge_ttl(watch, self._expect.ttl, mine)
        if seen is not None:
            self._judge_records(watch, seen)
        for rules in self._sections:
            rules.judge(watch, lines[rules.name])

    def _rules(self, written: tuple[str, ...]) -> tuple[Rule, ...]:
        return tuple(parse_rule(text, self._rdclass, self._rdtype) for text in written)

    def _is_mine(self, record: Record) -> bool:
        return self._rdtype in (record.rdtype, TYPE_ANY)

    def _note(self, watch: Watch, reply: Reply, seen: list[Seen] | None) -> None:
        header, facts = reply.header, watch.facts
        facts["rcode"] = dns_wire.rcode_text(header.rcode)
        facts["answers"] = header.answers
        facts["authoritative"] = header.authoritative
        facts["recursion_available"] = header.recursion_available
        facts["transport"] = reply.transport
        if seen is not None:
            facts["records"] = [printable(each.text, MAX_SHOWN_TEXT) for each in seen[:MAX_SHOWN_RECORDS]]

    def _judge_header(self, watch: Watch, reply: Reply) -> None:
        rcode, wanted = reply.header.rcode, self._expect.authoritative
        code = _CODES.get(rcode, Code.DNS_RCODE)
        watch.expect("rcode", self._rcode_words, dns_wire.rcode_text(rcode), rcode in self._rcodes, code)
        if wanted is not None:
            held = reply.header.authoritative is wanted
            words = ("not authoritative", "authoritative")
            seen = words[reply.header.authoritative]
            watch.expect("authority", words[wanted], seen, held, Code.DNS_NOT_AUTHORITATIVE)
        if (wanted := self._expect.recursion_available) is not None:
            words = ("no recursion", "recursion")
            seen, held = words[reply.header.recursion_available], reply.header.recursion_available is wanted
            watch.expect("recursion", words[wanted], seen, held, Code.DNS_RECORDS)

    def _judge_count(self, watch: Watch, reply: Reply, count: int) -> None:
        least = self._expect.min_answers
        if least is not None:
            watch.expect("answers", f"at least {least}", str(count), count >= least, Code.DNS_ANSWERS)
        elif reply.header.rcode == dns_wire.NOERROR and not self._demands:
            held = reply.header.answers > 0
            watch.expect("answers", "at least 1", str(reply.header.answers), held, Code.DNS_ANSWERS)

    def _judge_records(self, watch: Watch, seen: list[Seen]) -> None:
        check_lengths((*self._any, *self._all, *self._none, *(self._exactly or ())), seen)
        shown = _shown(seen)
        if self._any:
            held = any(_among(rule, seen) for rule in self._any)
            watch.expect("records", f"any of {_written(self._any)}", shown, held, Code.DNS_RECORDS)
        if self._all:
            held = all(_among(rule, seen) for rule in self._all)
            watch.expect("records", f"all of {_written(self._all)}", shown, held, Code.DNS_RECORDS)
        if self._none:
            held = not any(_among(rule, seen) for rule in self._none)
            watch.expect("records", f"none of {_written(self._none)}", shown, held, Code.DNS_RECORDS)
        if self._exactly is not None:
            known = all(any(rule.matches(each) for rule in self._exactly) for each in seen)
            held = known and all(_among(rule, seen) for rule in self._exactly)
            watch.expect("records", f"exactly {_written(self._exactly)}", shown, held, Code.DNS_RECORDS)


def _judge_ttl(watch: Watch, limits: TtlLimits, records: list[Record]) -> None:
    low_us, high_us = (1_000_000 * pick(record.ttl for record in records) for pick in (min, max))
    if limits.min_us is not None:
        seen, held = format_duration(low_us), low_us >= limits.min_us
        watch.expect("ttl", f"at least {format_duration(limits.min_us)}", seen, held, Code.DNS_TTL)
    if limits.max_us is not None:
        seen, held = format_duration(high_us), high_us <= limits.max_us
        watch.expect("ttl", f"at most {format_duration(limits.max_us)}", seen, held, Code.DNS_TTL)


def _among(rule: Rule, seen: list[Seen]) -> bool:
    return any(rule.matches(each) for each in seen)


def _written(rules: tuple[Rule, ...]) -> str:
    return _list([rule.written for rule in rules])


def _shown(seen: list[Seen]) -> str:
    return _list([each.text for each in seen]) if seen else "no records"


def _list(texts: Sequence[str]) -> str:
    shown = ", ".join(printable(text) for text in texts[:5])
    return shown + (f" and {len(texts) - 5} more" if len(texts) > 5 else "") or "nothing"
