"""The dns check's DNSSEC: chains that hold, chains that break, and zones that are not signed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.looks import BRIEF, USUAL, Setting, codes, look
from support.signed_zones import HOUR_SECONDS, Key, Tamper, Tree, serving_tree, usual_tree

from checks.core.dns_chain import MAX_DELEGATIONS, MAX_QUERIES
from checks.core.dns_trust import ROOT, parse_anchors
from checks.core.result import Outcome, Result
from checks.dns import DnsCheck, DnsOptions

RRSIG, DNSKEY, DS, NSEC = dns.rdatatype.RRSIG, dns.rdatatype.DNSKEY, dns.rdatatype.DS, dns.rdatatype.NSEC


def check(tree: Tree, name: str, **options: Any) -> DnsCheck:  # Any: options as a configuration file has them
    raw = {"name": name, "server": tree.address, "dnssec": {"anchors": [tree.anchor]}, **options}
    return DnsCheck(DnsOptions.model_validate(raw))


async def ask(
    name: str,
    *,
    tree: Tree | None = None,
    tamper: Tamper | None = None,
    setting: Setting = USUAL,
    **options: Any,
) -> Result:
    tree = tree or usual_tree()
    tree.tamper = tamper
    async with serving_tree(tree):
        return await look(check(tree, name, **options), setting)


def detail(result: Result) -> str:
    assert result.failure is not None
    return result.failure.detail


def without(*rdtypes: int, covers: int | None = None) -> Tamper:
    """Leave records of these types out."""

    def tamper(message: dns.message.Message) -> None:
        for section in (message.answer, message.authority):
            section[:] = [
                each
                for each in section
                if each.rdtype not in rdtypes or (covers is not None and each.covers != covers)
            ]

    return tamper


def replaced(rdtype: str, data: str) -> Tamper:
    """Put other data into records of a type, and leave their signatures."""

    def tamper(message: dns.message.Message) -> None:
        for number, each in enumerate(message.answer):
            if each.rdtype == dns.rdatatype.from_text(rdtype):
                message.answer[number] = dns.rrset.from_text(each.name, each.ttl, "IN", rdtype, data)

    return tamper


# --- chains that hold -------------------------------------------------------------------------------------


async def test_a_signed_answer_is_secure() -> None:
    tree = usual_tree()
    result = await ask("www.shop.test", tree=tree)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["dnssec"] == "secure"
    left_s = result.facts["signatures_expire"] - time.time()
    assert HOUR_SECONDS - 60 < left_s <= HOUR_SECONDS
    assert list(result.phases_us) == ["query", "validate"]
    assert tree.queries == [
        ("www.shop.test.", "A"), ("shop.test.", "DS"), ("test.", "DS"), (".", "DNSKEY"), ("test.", "DNSKEY"),
        ("shop.test.", "DNSKEY"),
    ]  # fmt: skip


async def test_an_alias_into_another_zone_is_followed() -> None:
    result = await ask("alias.test")
    assert (result.outcome, result.facts["dnssec"]) == (Outcome.PASS, "secure")


async def test_the_anchor_may_be_that_of_a_zone(tmp_path: Path) -> None:
    tree = usual_tree()
    key = tree.keys["shop.test."]
    by_ds = await ask(
        "www.shop.test", tree=tree, dnssec={"anchors": [f"shop.test. DS {key.ds('shop.test.')}"]}
    )
    tree.queries.clear()
    file = tmp_path / "anchors"
    file.write_text(f"; ours\nshop.test. 60 IN DNSKEY {key.public.to_text()}\n")
    by_key = await ask("www.shop.test", tree=tree, dnssec={"anchor_file": str(file)})
    assert by_ds.outcome is by_key.outcome is Outcome.PASS
    assert tree.queries == [("www.shop.test.", "A"), ("shop.test.", "DNSKEY")]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("nobody.shop.test", "A", "NXDOMAIN"),
        ("www.shop.test", "AAAA", "NOERROR"),
        ("nobody", "A", "NXDOMAIN"),
    ],
)
async def test_a_proven_absence_is_secure(name: str, rdtype: str, rcode: str) -> None:
    result = await ask(name, type=rdtype, expect={"rcodes": [rcode], "min_answers": 0})
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["dnssec"] == "secure"


# --- zones that are not signed ------------------------------------------------------------------------------


async def test_a_zone_that_is_not_signed_is_told_where_it_begins() -> None:
    required = await ask("www.plain.test")
    welcome = await ask("www.plain.test", dnssec={"anchors": [usual_tree().anchor], "required": False})
    assert codes(required) == ["dnssec_missing"]
    assert "plain.test. is not signed" in detail(required)
    assert required.facts["dnssec"] == "insecure"
    assert codes(welcome) == ["dnssec_bogus"]  # another tree's anchor


async def test_a_zone_that_is_not_signed_may_be_welcome() -> None:
    tree = usual_tree()
    result = await ask("www.plain.test", tree=tree, dnssec={"anchors": [tree.anchor], "required": False})
    assert (result.outcome, result.facts["dnssec"]) == (Outcome.PASS, "insecure")


async def test_no_absence_is_proven_in_a_zone_that_is_not_signed() -> None:
    result = await ask("nobody.plain.test", expect={"rcodes": ["NXDOMAIN"]})
    assert codes(result) == ["dnssec_missing"]


async def test_a_name_above_every_anchor_is_not_signed() -> None:
    tree = usual_tree()
    anchor = f"shop.test. DS {tree.keys['shop.test.'].ds('shop.test.')}"
    result = await ask("www.test", tree=tree, dnssec={"anchors": [anchor]})
    assert codes(result) == ["dnssec_missing"]
    assert "no anchor" in detail(result)


# --- chains that break ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tamper", "words"),
    [
        (replaced("A", "203.0.113.66"), "www.shop.test. A: the signature of key"),
        (without(RRSIG, covers=dns.rdatatype.A), "no signature at www.shop.test."),
        (without(RRSIG, covers=DNSKEY), "DNSKEY: there is no signature"),
        (without(DNSKEY), "shows no DNSKEY"),
        (without(RRSIG, covers=DS), "no signature at"),
        (without(DS), "no DS for"),
        (without(RRSIG), "no signature at"),
    ],
)
async def test_a_broken_chain_is_bogus(tamper: Tamper, words: str) -> None:
    result = await ask("www.shop.test", tamper=tamper)
    assert codes(result) == ["dnssec_bogus"]
    assert words in detail(result)
    assert result.facts["dnssec"] == "bogus"


async def test_another_key_than_the_delegation_names_is_bogus() -> None:
    tree = usual_tree()
    tree.add("shop.test.", "www A 203.0.113.7\n")
    result = await ask("www.shop.test", tree=tree)
    assert codes(result) == ["dnssec_bogus"]
    assert "no key of shop.test." in detail(result)


async def test_a_signature_that_has_expired_is_bogus() -> None:
    tree = usual_tree()
    tree.keys.pop("shop.test.")
    tree.add("shop.test.", "www A 203.0.113.7\n", ends_in_seconds=-1)
    anchor = f"shop.test. DS {tree.keys['shop.test.'].ds('shop.test.')}"
    result = await ask("www.shop.test", tree=tree, dnssec={"anchors": [anchor]})
    assert codes(result) == ["dnssec_bogus"]
    assert "expired at" in detail(result)


@pytest.mark.parametrize("tamper", [without(NSEC), without(RRSIG, covers=NSEC)])
async def test_an_absence_without_proof_is_bogus(tamper: Tamper) -> None:
    result = await ask("nobody.shop.test", tamper=tamper, expect={"rcodes": ["NXDOMAIN"]})
    assert codes(result) == ["dnssec_bogus"]


async def test_the_proof_of_another_absence_is_bogus() -> None:
    def lie(message: dns.message.Message) -> None:
        question = message.question[0]
        if (question.name.to_text(), question.rdtype) == ("www.shop.test.", dns.rdatatype.A):
            message.answer.clear()
            message.set_rcode(dns.rcode.NXDOMAIN)
            other = dns.message.make_query("nobody.test.", "A")
            answer = dns.message.from_wire(tree.answer(other.to_wire()))
            message.authority[:] = answer.authority

    tree = usual_tree()
    result = await ask("www.shop.test", tree=tree, tamper=lie, expect={"rcodes": ["NXDOMAIN"]})
    assert codes(result) == ["dnssec_bogus"]
    assert "nothing proves" in detail(result)


async def test_the_roots_own_keys_are_trusted_by_default() -> None:
    """Ours is another root, so nothing that it says can be true."""
    result = await ask("www.shop.test", dnssec=True)
    assert codes(result) == ["dnssec_bogus"]
    assert "no key of . is one" in detail(result)
    assert {ds.key_tag for rdatas in parse_anchors("\n".join(ROOT)).values() for ds in rdatas} == {
        20326,
        38696,
    }


async def test_a_chain_that_does_not_come_is_a_timeout() -> None:
    tree = usual_tree()
    tree.silent_after = 3
    result = await ask("www.shop.test", tree=tree, setting=BRIEF)
    assert codes(result) == ["dns_timeout"]
    assert "keys and signatures" in detail(result)
    assert list(result.phases_us) == ["query", "validate"]


async def test_a_chain_without_end_is_given_up() -> None:
    """A name of many labels, each of which might be a zone."""

    def endless(message: dns.message.Message) -> None:
        name = message.question[0].name
        if len(name) > 3:
            message.authority.clear()
            if message.question[0].rdtype == DS:
                message.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "www.test."))

    name = ".".join(["a"] * 100) + ".shop.test"
    result = await ask(name, tamper=endless, expect={"rcodes": ["NXDOMAIN"]})
    assert codes(result) == ["dnssec_bogus"]
    assert f"more than {MAX_QUERIES} queries" in detail(result)


async def test_signatures_by_the_thousand_cost_no_more_than_a_few() -> None:
    """All by keys that might have made them (KeyTrap)."""

    def trap(message: dns.message.Message) -> None:
        for each in message.answer:
            if each.rdtype == RRSIG and each.covers == dns.rdatatype.A:
                for number in range(400):
                    each.add(each[0].replace(signature=number.to_bytes(64, "big"), original_ttl=number))
                each.remove(each[0])

    result = await ask("www.shop.test", tamper=trap)
    assert codes(result) == ["dnssec_bogus"]
    assert result.phases_us["validate"] < 2_000_000


@pytest.mark.parametrize(
    ("count", "words"), [(MAX_DELEGATIONS, "no signature"), (MAX_DELEGATIONS + 1, "DS records")]
)
async def test_delegations_have_a_limit(count: int, words: str) -> None:
    def many(message: dns.message.Message) -> None:
        if message.question[0].rdtype == DS and message.question[0].name.to_text() == "shop.test.":
            data = [f"{number} 13 2 {'00' * 32}" for number in range(count)]
            message.answer[:] = [dns.rrset.from_text("shop.test.", 60, "IN", "DS", *data)]

    result = await ask("www.shop.test", tamper=many)
    assert codes(result) == ["dnssec_bogus"]
    assert words in detail(result)


async def test_one_name_with_many_records_of_denial_is_not_hashed_for_each() -> None:
    """Each wants another salt, and fifty rounds, for each of a hundred labels."""
    tree, apex = usual_tree(), dns.name.from_text("shop.test.")
    data = [f"1 0 50 {number:04x} {'0' * 32} A" for number in range(300)]
    denial = dns.rrset.from_text("0" * 32 + ".shop.test.", 60, "IN", "NSEC3", *data)
    key = tree.keys["shop.test."]
    signature = dns.dnssec.sign(denial, key.private, apex, key.public, lifetime=HOUR_SECONDS)

    def deny(message: dns.message.Message) -> None:
        if len(message.question[0].name) > 10:
            message.answer.clear()
            message.authority[:] = [denial, dns.rrset.from_rdata(denial.name, 60, signature)]

    name = ".".join(["a"] * 100) + ".shop.test"
    result = await ask(name, tree=tree, tamper=deny, expect={"rcodes": ["NXDOMAIN"]})
    assert codes(result) == ["dnssec_bogus"]
    assert result.phases_us["validate"] < 1_000_000


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 6))
def test_any_damage_ends_in_a_verdict(damage: list[tuple[float, int]], spared: int) -> None:
    tree = usual_tree()
    tree.spoil = lambda wire: _damaged(wire, damage) if len(tree.queries) > spared else wire
    result = asyncio.run(ask("www.shop.test", tree=tree, setting=BRIEF))
    assert [code for code in codes(result) if code.startswith("agent_")] == []
    assert result.outcome is Outcome.FAIL or result.facts["dnssec"] == "secure"


def _damaged(wire: bytes, damage: list[tuple[float, int]]) -> bytes:
    """Change bytes behind the question."""
    start = 12 + len(dns.message.from_wire(wire, question_only=True).question[0].name.to_wire() or b"") + 4
    spoilt = bytearray(wire)
    for place, value in damage:
        spoilt[start + int(place * (len(wire) - start - 1))] = value
    return bytes(spoilt)


async def test_an_anchor_file_that_is_not_there_is_our_trouble() -> None:
    result = await ask("www.shop.test", dnssec={"anchor_file": "/nowhere/anchors"})
    assert result.outcome is Outcome.VOID
    assert codes(result) == ["agent_file"]


@pytest.mark.parametrize(
    "options",
    [
        {"server": None},
        {"class": "CH"},
        {"type": "ANY"},
        {"type": "RRSIG"},
        {"dnssec": {"anchors": ["nonsense"]}},
        {"dnssec": {"anchors": ["test. A 192.0.2.1"]}},
        {"dnssec": {"anchors": [""]}},
        {"dnssec": "yes"},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DnsOptions.model_validate({"name": "a.test", "server": "192.0.2.1", "dnssec": True, **options})


def test_false_is_the_same_as_nothing() -> None:
    assert DnsOptions.model_validate({"name": "a.test", "dnssec": False}).dnssec is None


def test_a_key_makes_its_delegation() -> None:
    assert Key.make().ds("test.").split()[1:3] == ["13", "2"]
