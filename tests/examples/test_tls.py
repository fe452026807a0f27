"""docs/examples/tls.yaml against a real peer."""

from __future__ import annotations

from support.certs import Leaf, certificates
from support.examples import run_example
from support.tcp_peer import silence, tcp_peer

from checks.core.result import Outcome, Result


async def run(leaf: Leaf) -> Result:
    async with tcp_peer(silence, tls=leaf.server_context()) as peer:
        trusted = str(certificates().ca_file)
        return await run_example("tls", ADDRESS=peer.address, CA_FILE=trusted, SERVER_NAME="peer.test")


async def test_the_example_passes_with_a_whole_chain() -> None:
    result = await run(certificates().chained)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_with_a_chain_that_is_incomplete() -> None:
    result = await run(certificates().incomplete)
    assert [failure.code for failure in result.failures] == ["tls_untrusted", "tls_chain"]
