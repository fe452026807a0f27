"""docs/examples/flow.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.http_answers import json_body, plain
from support.http_peer import http_peer

from checks.core.result import Outcome

LOGIN = json_body({"token": "t0k3n-of-the-run", "cart": {"id": 7}})


async def test_the_example_passes_when_the_cart_is_there() -> None:
    async with http_peer({"/api/login": LOGIN, "/api/carts/7": json_body({"items": []})}) as peer:
        result = await run_example("flow", URL=peer.url("").rstrip("/"))
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert peer.requests[1].header("authorization") == "Bearer t0k3n-of-the-run"


async def test_the_example_fails_at_the_step_that_is_wrong() -> None:
    async with http_peer({"/api/login": LOGIN, "/api/carts/7": plain(b"away", status=503)}) as peer:
        result = await run_example("flow", URL=peer.url("").rstrip("/"))
    assert result.failures[0].code == "http_status"
    assert result.failures[0].detail.startswith("step cart: ")
