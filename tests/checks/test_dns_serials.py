"""The dns check's serials: every name server of a zone must hold the same version of it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.dns_peer import REFUSED, SERVFAIL, SILENT, DnsPeer, Reply, dns_peer, records
from support.looks import BRIEF, USUAL, Setting, codes, look, name_servers

from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result
from checks.dns import DnsCheck, DnsOptions

ZONE = "shop.test"
NAMES = ResolverConfig(servers=(), hosts={"ns1.test": ("127.0.0.1",), "ns2.test": ("127.0.0.1", "127.0.0.2")})


def soa(serial: int) -> Reply:
    return records(f"ns1.test. host.test. {serial} 60 60 60 60")


def peer_with(reply: Reply) -> Any:
    return dns_peer({(ZONE, "SOA"): reply})


async def compare(
    peer: DnsPeer, *others: DnsPeer, setting: Setting = USUAL, tolerance: int = 0, **options: Any
) -> Result:
    serials = {"servers": [peer.address, *(each.address for each in others)], "tolerance": tolerance}
    raw = {"name": ZONE, "type": "SOA", "server": peer.address, "serials": serials, **options}
    return await look(DnsCheck(DnsOptions.model_validate(raw)), setting)


async def test_equal_serials_pass() -> None:
    async with peer_with(soa(7)) as one, peer_with(soa(7)) as two:
        result = await compare(one, two)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["query", "serials"]
    assert result.facts["serials"] == [
        {"server": one.address, "address": "127.0.0.1", "serial": 7, "code": None},
        {"server": two.address, "address": "127.0.0.1", "serial": 7, "code": None},
    ]
    assert not two.queries[0].recursion_desired


@pytest.mark.parametrize(
    ("serials", "tolerance", "lags"),
    [((7, 8), 0, True), ((8, 7), 0, True), ((7, 8), 1, False), ((7, 9), 1, True), ((2**32 - 1, 1), 2, False),
     ((2**32 - 1, 1), 1, True)],
)  # fmt: skip
async def test_who_lags_is_named(serials: tuple[int, int], tolerance: int, lags: bool) -> None:
    async with peer_with(soa(serials[0])) as one, peer_with(soa(serials[1])) as two:
        result = await compare(one, two, tolerance=tolerance)
        late = two if serials == (8, 7) else one
    assert codes(result) == (["dns_serial"] if lags else [])
    if lags:
        assert f"{late.address} ({late.address}) has" in result.failures[0].detail


@pytest.mark.parametrize(
    ("reply", "code"),
    [(SERVFAIL, "dns_rcode"), (REFUSED, "dns_rcode"), (Reply(), "dns_answers"),
     (Reply(records=("ns1.test. host.test. 7 60 60 60 60",), authoritative=False), "dns_not_authoritative")],
)  # fmt: skip
async def test_a_server_without_a_serial_is_told(reply: Reply, code: str) -> None:
    async with peer_with(soa(7)) as one, peer_with(reply) as two:
        result = await compare(one, two)
    assert codes(result) == [code]
    assert two.address in result.failures[0].detail


async def test_a_server_that_says_nothing_is_told() -> None:
    async with peer_with(soa(7)) as one, peer_with(SILENT) as two:
        result = await compare(one, two, setting=BRIEF)
    assert codes(result) == ["dns_timeout"]
    assert two.address in result.failures[0].detail
    assert result.facts["serials"][0]["serial"] == 7


async def test_the_servers_are_those_of_the_zone_and_each_address_is_asked() -> None:
    """They listen on port 53, which tests cannot have: being refused shows who was asked."""
    zone = {(ZONE, "SOA"): soa(7), (ZONE, "NS"): records("ns1.test.", "ns2.test.")}
    async with dns_peer(zone) as peer:
        raw = {"name": ZONE, "type": "SOA", "server": peer.address, "serials": {}}
        result = await look(
            DnsCheck(DnsOptions.model_validate(raw)), Setting(timeout_us=1_000_000, resolver=NAMES)
        )
    asked = [(each["server"], each["address"]) for each in result.facts["serials"]]
    assert asked == [("ns1.test.", "127.0.0.1"), ("ns2.test.", "127.0.0.1"), ("ns2.test.", "127.0.0.2")]
    assert set(codes(result)) <= {"connect_refused", "dns_timeout"}


@pytest.mark.parametrize("name", ["ns1:1.test.", "[::1].", "127.0.0.1:80.", "a\\032b.test.", "."])
async def test_the_names_in_a_zone_are_names_and_nothing_else(name: str) -> None:
    """The zone does not choose port or address, and no name in it is a fault of ours."""
    async with dns_peer({(ZONE, "SOA"): soa(7), (ZONE, "NS"): records(name)}) as peer:
        raw = {"name": ZONE, "type": "SOA", "server": peer.address, "serials": {}}
        result = await look(
            DnsCheck(DnsOptions.model_validate(raw)), Setting(resolver=name_servers(peer.address))
        )
    assert result.outcome is Outcome.FAIL
    assert codes(result)[0].startswith("resolve_")


async def test_a_zone_without_name_servers_is_told() -> None:
    async with dns_peer({(ZONE, "SOA"): soa(7)}) as peer:
        raw = {"name": ZONE, "type": "SOA", "server": peer.address, "serials": {"servers": "from_ns"}}
        result = await look(DnsCheck(DnsOptions.model_validate(raw)))
    assert codes(result) == ["dns_answers"]


async def test_our_own_resolvers_trouble_is_void() -> None:
    async with dns_peer({(ZONE, "SOA"): soa(7), (ZONE, "NS"): records("ns1.test.")}) as peer:
        raw = {"name": ZONE, "type": "SOA", "server": peer.address, "serials": {}}
        no_names = await look(DnsCheck(DnsOptions.model_validate(raw)))
    async with dns_peer({(ZONE, "SOA"): soa(7), (ZONE, "NS"): SERVFAIL}) as peer:
        raw.pop("server")
        setting = Setting(resolver=name_servers(peer.address))
        no_ns = await look(DnsCheck(DnsOptions.model_validate(raw)), setting)
    assert no_names.outcome is no_ns.outcome is Outcome.VOID
    assert codes(no_names) == codes(no_ns) == ["agent_resolver"]


@pytest.mark.parametrize(
    "options",
    [
        {"type": "A"},
        {"serials": {"servers": []}},
        {"serials": {"servers": ["a b"]}},
        {"serials": {"tolerance": -1}},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DnsOptions.model_validate({"name": ZONE, "type": "SOA", "serials": {}, **options})
