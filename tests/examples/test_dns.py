"""docs/examples/dns.yaml against a real peer."""

from __future__ import annotations

from support.dns_peer import dns_peer, records
from support.examples import run_example

from checks.core.result import Outcome


async def test_the_example_passes_when_the_address_is_right() -> None:
    async with dns_peer({("shop.example.", "A"): records("203.0.113.7")}) as peer:
        result = await run_example("dns", SERVER=f"{peer.host}:{peer.port}")
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_the_address_is_another() -> None:
    async with dns_peer({("shop.example.", "A"): records("203.0.113.8")}) as peer:
        result = await run_example("dns", SERVER=f"{peer.host}:{peer.port}")
    assert [failure.code for failure in result.failures] == ["dns_records"]
