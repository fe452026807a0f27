"""docs/examples/tcp.yaml against a real peer."""

from __future__ import annotations

from support.examples import run_example
from support.tcp_peer import Conversation, tcp_peer

from checks.core.result import Outcome


def _answering(answer: bytes):
    async def behave(conversation: Conversation) -> None:
        await conversation.line()
        await conversation.send(answer)

    return behave


async def test_the_example_passes_when_the_queue_answers() -> None:
    async with tcp_peer(_answering(b"PONG\r\n")) as peer:
        result = await run_example("tcp", ADDRESS=peer.address)
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_the_example_fails_when_the_queue_says_something_else() -> None:
    async with tcp_peer(_answering(b"BUSY\r\n")) as peer:
        result = await run_example("tcp", ADDRESS=peer.address)
    assert [failure.code for failure in result.failures] == ["dialogue_mismatch"]
