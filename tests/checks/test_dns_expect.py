"""What the dns check demands of an answer, and options that make no sense."""

from __future__ import annotations

from typing import Any

import dns.message
import dns.rrset
import pytest
from pydantic import ValidationError
from support import dns_peer as zone
from support.dns_checks import ask, check
from support.dns_peer import Reply, records
from support.looks import Setting, codes, look, stalling_name_server

from checks.core.result import Outcome, Result
from checks.dns import DnsCheck, DnsOptions


def held(result: Result) -> list[tuple[str, bool]]:
    return [(each.what, each.held) for each in result.expectations]


TWO = records("203.0.113.7", "203.0.113.8")


@pytest.mark.parametrize(
    ("expect", "good"),
    [
        ({"any": ["203.0.113.7", "192.0.2.1"]}, True),
        ({"any": ["192.0.2.1"]}, False),
        ({"all": ["203.0.113.7", "203.0.113.8"]}, True),
        ({"all": ["203.0.113.7"]}, True),
        ({"all": ["203.0.113.7", "192.0.2.1"]}, False),
        ({"none": ["192.0.2.0/24"]}, True),
        ({"none": ["203.0.113.0/24"]}, False),
        ({"exactly": ["203.0.113.0/24"]}, True),
        ({"exactly": ["203.0.113.7"]}, False),
        ({"exactly": ["203.0.113.0/24", "192.0.2.1"]}, False),
        ({"any": ["/\\.7$/"]}, True),
    ],
)
async def test_records_are_held_against_the_rules(expect: dict[str, Any], good: bool) -> None:
    result = await ask(TWO, expect=expect)
    assert codes(result) == ([] if good else ["dns_records"])
    assert ("records", good) in held(result)
    assert isinstance(result.facts["records"], list)
    assert sorted(result.facts["records"], key=str) == ["203.0.113.7", "203.0.113.8"]


@pytest.mark.parametrize(("least", "good"), [(2, True), (3, False)])
async def test_a_least_number_of_answers(least: int, good: bool) -> None:
    assert codes(await ask(TWO, expect={"min_answers": least})) == ([] if good else ["dns_answers"])


async def test_an_alias_without_an_address_counts_as_an_answer_only_by_default() -> None:
    """An authoritative server may well know no more than the alias."""
    alias = Reply(chain=("cdn.test",))
    assert (await ask(alias)).outcome is Outcome.PASS
    assert codes(await ask(alias, expect={"min_answers": 1})) == ["dns_answers"]


async def test_no_answer_at_all_may_be_what_is_wanted() -> None:
    assert (await ask(Reply(), expect={"exactly": []})).outcome is Outcome.PASS
    assert (await ask(Reply(), expect={"min_answers": 0})).outcome is Outcome.PASS
    assert (await ask(zone.NXDOMAIN, expect={"rcodes": ["NXDOMAIN"]})).outcome is Outcome.PASS
    assert codes(await ask(TWO, expect={"rcodes": ["NXDOMAIN"]})) == ["dns_rcode"]


@pytest.mark.parametrize(("wanted", "is_so"), [(True, True), (True, False), (False, True), (False, False)])
async def test_the_authoritative_flag(wanted: bool, is_so: bool) -> None:
    reply = Reply(records=("203.0.113.7",), authoritative=is_so)
    result = await ask(reply, expect={"authoritative": wanted})
    assert codes(result) == ([] if wanted is is_so else ["dns_not_authoritative"])


@pytest.mark.parametrize(
    ("ttl", "good"),
    [({"min": "60s"}, True), ({"min": "61s"}, False), ({"max": "60s"}, True), ({"max": "59s"}, False)],
)
async def test_the_time_to_live_has_bounds(ttl: dict[str, str], good: bool) -> None:
    assert codes(await ask(records("203.0.113.7", ttl=60), expect={"ttl": ttl})) == (
        [] if good else ["dns_ttl"]
    )


def two_ttls(query: bytes) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    for ttl, text in ((30, "203.0.113.7"), (90, "203.0.113.8")):
        message.answer.append(dns.rrset.from_text("shop.test.", ttl, "IN", "A", text))
    return message.to_wire()


@pytest.mark.parametrize("ttl", [{"min": "31s"}, {"max": "89s"}])
async def test_the_time_to_live_of_every_record_counts(ttl: dict[str, str]) -> None:
    with stalling_name_server(two_ttls, 0) as address:
        assert codes(await look(check(address, expect={"ttl": ttl}))) == ["dns_ttl"]


async def test_every_failed_expectation_is_listed() -> None:
    reply = Reply(records=("203.0.113.7",), authoritative=False, ttl=5)
    expect = {
        "any": ["192.0.2.1"],
        "min_answers": 2,
        "authoritative": True,
        "ttl": {"min": "60s"},
        "within": "1us",
    }
    result = await ask(reply, expect=expect)
    assert codes(result) == ["dns_not_authoritative", "dns_answers", "dns_ttl", "dns_records", "too_slow"]


async def test_other_types_are_read_by_their_meaning() -> None:
    result = await ask(
        records("10 mail.test.", "20 backup.test."), type="mx", expect={"all": ["10 MAIL.test"]}
    )
    assert result.outcome is Outcome.PASS


async def test_a_soa_gives_its_serial() -> None:
    result = await ask(records("ns.test. root.test. 2026112201 7200 900 1209600 300"), type="SOA")
    assert result.facts["serial"] == 2026112201


async def test_a_person_sees_the_records_without_asking() -> None:
    result = await ask(records('"v=spf1 -all"'), Setting(verbose=True), type="TXT")
    assert result.facts["records"] == ['"v=spf1 -all"']


# --- options ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "a..b"}, "not a name"),
        ({"name": "x", "type": "BOGUS"}, "not a type"),
        ({"name": "x", "type": "AXFR"}, "not a type that a name can have"),
        ({"name": "x", "class": "XX"}, "IN"),
        ({"name": "x", "server": "a b"}, "not a name or an address"),
        ({"name": "x", "transport": "tls"}, "name a server|not asked over TLS"),
        ({"name": "x", "server": "ns", "tls": {}}, "tls options without TLS"),
        ({"name": "x", "attempts": 0}, "greater than or equal to 1"),
        ({"name": "x", "expect": {"rcodes": ["noerror"]}}, "not a response code"),
        ({"name": "x", "expect": {"any": ["shop.test"]}}, "expected an IPv4 address"),
        ({"name": "x", "type": "MX", "expect": {"any": ["mail"]}}, "not the data"),
        ({"name": "x", "expect": {"none": ["/(/"]}}, "regular expression"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DnsOptions.model_validate(options)


def test_options_survive_the_way_to_an_agent() -> None:
    options = DnsOptions.model_validate(
        {
            "name": "version.bind", "type": "txt", "class": "CH", "server": "[2001:db8::53]:5353",
            "expect": {"any": ["/9/"], "none": ["x"], "ttl": {"max": "1d"}, "within": "1s"},
        }
    )  # fmt: skip
    sent = options.model_dump(mode="json", exclude_unset=True)
    assert DnsOptions.model_validate(sent) == options
    assert (options.rdtype, options.rdclass) == ("TXT", "CH")


@pytest.mark.parametrize(
    ("server", "shown"),
    [(None, "shop.test AAAA"), ("ns.test", "shop.test AAAA @ns.test")],
)
def test_the_target_is_what_people_call_it(server: str | None, shown: str) -> None:
    assert (
        DnsCheck(DnsOptions.model_validate({"name": "shop.test", "type": "AAAA", "server": server})).target
        == shown
    )


@pytest.mark.parametrize(
    "expect", [{"any": ["/a.{990}z/"]}, {"none": ["/a.{990}z/"]}, {"answer": {"none": "a.{990}z"}}]
)
@pytest.mark.parametrize(("count", "expected"), [(30, False), (280, True)])
async def test_records_that_are_too_long_for_an_expression_are_not_searched(
    expect: dict[str, Any], count: int, expected: bool
) -> None:
    """Whatever the rule: who sends so much must not pass by it."""
    reply = records(*(f'"{number:04}{"a" * 200}"' for number in range(count)))
    result = await ask(reply, type="TXT", transport="tcp", expect=expect)
    assert ("too many for" in "".join(each.detail for each in result.failures)) is expected
    assert codes(result) == (["dns_records"] if expected or "any" in expect else [])
