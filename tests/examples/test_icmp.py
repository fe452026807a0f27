"""docs/examples/icmp.yaml against a peer that answers like a pinged host; real ping sockets are in tests/e2e."""

from __future__ import annotations

from support.echo_peer import echo_peer, lose
from support.examples import example_check
from support.looks import look

from checks.core.result import Outcome


async def test_the_example_passes_when_all_is_answered_and_warns_at_one_loss() -> None:
    for behave, outcome in ((lose(), Outcome.PASS), (lose(1), Outcome.WARN)):
        async with echo_peer(behave) as peer:
            check = example_check("icmp", HOST="192.0.2.7")
            check.opener = peer.opener  # type: ignore[attr-defined]  # an IcmpCheck
            assert (await look(check)).outcome is outcome
