"""docs/examples/grpc.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.grpc_peer import NOT_SERVING, SERVING, grpc_peer, health

from checks.core.result import Outcome


async def test_the_example_passes_when_the_service_is_serving() -> None:
    async with grpc_peer(health({"shop.Orders": SERVING})) as peer:
        result = await run_example("grpc", ADDRESS=peer.address)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert peer.calls[0].headers["x-probe"] == "prober"


async def test_the_example_fails_when_it_is_not() -> None:
    async with grpc_peer(health({"shop.Orders": NOT_SERVING})) as peer:
        result = await run_example("grpc", ADDRESS=peer.address)
    assert [failure.code for failure in result.failures] == ["grpc_not_serving"]
