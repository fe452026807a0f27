"""The dns check's rules for the addresses behind a server's name, and for addresses that must not be asked."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.dns_checks import SHOP, check
from support.dns_peer import SERVFAIL, dns_peer, records
from support.looks import USUAL, Setting, codes, look, tidy_reactor

from checks.core.check import Place, run_once
from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome
from checks.dns import DnsOptions

BOTH = Setting(
    timeout_us=2_000_000,
    resolver=ResolverConfig(servers=(), hosts={"ns.test": ("127.0.0.1", "127.0.0.2")}),
)
GOOD = {SHOP: records("203.0.113.7")}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_all_addresses_are_asked_and_one_that_fails_fails_the_run(transport: str) -> None:
    async with dns_peer(GOOD) as peer:
        made = check(f"ns.test:{peer.port}", addresses="all", transport=transport)
        result = await look(made, BOTH)
    assert codes(result) == ["connect_refused"]
    assert [each["address"] for each in result.facts["addresses"]] == ["127.0.0.1", "127.0.0.2"]
    assert peer.count("shop.test") == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_any_address_that_answers_is_enough(transport: str) -> None:
    async with dns_peer(GOOD, host="127.0.0.2") as peer:
        made = check(f"ns.test:{peer.port}", addresses="any", transport=transport)
        result = await look(made, BOTH)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["address"] == "127.0.0.2"
    assert [each["code"] for each in result.facts["tried"]] == ["connect_refused"]


async def test_an_answer_decides_whatever_it_says() -> None:
    async with dns_peer({SHOP: SERVFAIL}) as peer:
        result = await look(check(f"ns.test:{peer.port}", addresses="any"), BOTH)
    assert codes(result) == ["dns_servfail"]


@pytest.mark.parametrize("options", [{}, {"addresses": "any"}, {"transport": "tcp"}])
async def test_an_address_that_must_not_be_asked_is_not(options: dict[str, Any]) -> None:
    async with dns_peer(GOOD) as peer:
        with tidy_reactor() as engine:
            place = Place(reactor=engine, timeout_us=USUAL.timeout_us, refuses=lambda host: "it is private")
            result = await run_once(check(peer, **options), place)
    assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_forbidden"])
    assert peer.queries == []


def test_addresses_are_those_of_a_server() -> None:
    with pytest.raises(ValidationError, match="given by name"):
        DnsOptions.model_validate({"name": "shop.test", "addresses": "all"})
