"""docs/examples/websocket.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.websocket_peer import announce, websocket_peer

from checks.core.result import Outcome


async def test_the_example_passes_when_the_feed_answers() -> None:
    async with websocket_peer(announce('{"op": "pong"}'), protocols=("prices.v1",)) as peer:
        result = await run_example("websocket", URL=peer.url)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_the_feed_speaks_another_version() -> None:
    async with websocket_peer(announce('{"op": "pong"}'), protocols=("prices.v2",)) as peer:
        result = await run_example("websocket", URL=peer.url)
    assert [failure.code for failure in result.failures] == ["websocket_refused"]
