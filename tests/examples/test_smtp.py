"""docs/examples/smtp.yaml against a real peer."""

from __future__ import annotations

from dataclasses import replace

from support.certs import certificates
from support.examples import run_example
from support.tcp_peer import tcp_peer
from support.text_servers import SMTP, TextServer

from checks.core.result import Outcome, Result


async def run(server: TextServer) -> Result:
    async with tcp_peer(server.behaviour()) as peer:
        trusted = str(certificates().ca_file)
        return await run_example("smtp", ADDRESS=peer.address, CA_FILE=trusted, SERVER_NAME="peer.test")


async def test_the_example_passes_against_a_good_server() -> None:
    result = await run(SMTP)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_the_certificate_has_expired() -> None:
    result = await run(replace(SMTP, context=certificates().expired.server_context()))
    assert result.failures[0].code == "tls_expired"
