"""docs/examples/http.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.http_answers import plain
from support.http_peer import http_peer

from checks.core.result import Outcome


async def test_the_example_passes_when_the_page_is_well() -> None:
    async with http_peer({"/health": plain(b"all ok")}) as peer:
        result = await run_example("http", URL=f"http://{peer.host}:{peer.port}/health")
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_the_page_says_otherwise() -> None:
    async with http_peer({"/health": plain(b"database away")}) as peer:
        result = await run_example("http", URL=f"http://{peer.host}:{peer.port}/health")
    assert [failure.code for failure in result.failures] == ["body_mismatch"]
