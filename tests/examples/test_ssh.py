"""docs/examples/ssh.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.tcp_peer import banner, tcp_peer

from checks.core.result import Outcome


async def test_the_example_passes_when_the_software_is_the_known_one() -> None:
    async with tcp_peer(banner(b"SSH-2.0-OpenSSH_10.0\r\n")) as peer:
        result = await run_example("ssh", ADDRESS=peer.address)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_it_is_another() -> None:
    async with tcp_peer(banner(b"SSH-2.0-OpenSSH_8.4\r\n")) as peer:
        result = await run_example("ssh", ADDRESS=peer.address)
    assert [failure.code for failure in result.failures] == ["dialogue_mismatch"]
