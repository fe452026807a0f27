"""docs/examples/domain.yaml against a registry's service on loopback."""

from __future__ import annotations

import pytest
from support.examples import run_example
from support.http_peer import http_peer
from support.rdap_answers import rdap, registration

from checks.core.result import Outcome


@pytest.mark.parametrize(("days", "outcome"), [(45.5, Outcome.PASS), (44.5, Outcome.WARN)])
async def test_the_example_warns_in_time(days: float, outcome: Outcome) -> None:
    async with http_peer({"/domain/shop.example": rdap(registration(days))}) as peer:
        result = await run_example("domain", RDAP_SERVER=peer.url(""))
    assert result.outcome is outcome
