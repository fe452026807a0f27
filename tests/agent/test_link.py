"""The agent's end of the link: messages both ways, silence noticed, and words for every way to get no link."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re

import aiohttp
import pytest
from aiohttp import web
from support.links import TOKEN, address, opened, trouble
from support.ports import free_port, listening
from support.tcp_peer import Behaviour, Conversation, banner, tcp_peer
from support.websocket_peer import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    answer,
    echo,
    frame,
    raw,
    websocket_peer,
)

from prober.agent import link
from prober.agent.link import open_link


def answering(status: int, body: bytes = b"", close: bool = False) -> Behaviour:
    """Answer the upgrade with a status and a body."""
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return raw(lambda key: head + body, close=close)


# --- messages ---


async def test_messages_come_and_go_whole_and_in_order() -> None:
    sent = [b"", b"a", b"b" * 70_000, b"c" * 3_000_000]
    async with websocket_peer(echo) as peer, opened(address(f"http://{peer.address}")) as made:
        for message in sent:
            assert await made.send(message)
        assert [await made.receive() for _ in sent] == sent


async def test_the_token_and_the_path_are_shown_to_the_hub_alone() -> None:
    async with websocket_peer(echo) as peer:
        hub = address(f"http://{peer.address}/below/")
        async with opened(hub):
            pass
    assert peer.handshakes[0]["Authorization"] == f"Bearer {TOKEN}"
    assert hub.url.target == "/below/agent/v1/link"
    assert hub.shown() == f"http://{peer.address}/below"
    assert TOKEN not in repr(hub)


async def test_what_comes_in_one_piece_with_the_answer_is_not_waited_for() -> None:
    behaviour = raw(after=frame(BINARY, b"challenge"))
    async with tcp_peer(behaviour) as peer, opened(address(f"http://{peer.address}")) as made:
        async with asyncio.timeout(2):
            assert await made.receive() == b"challenge"


async def test_fragments_become_one_message() -> None:
    parts = frame(BINARY, b"one ", first=BINARY) + frame(PING, b"?") + frame(0, b"two", first=0x80)
    async with tcp_peer(raw(after=parts)) as peer, opened(address(f"http://{peer.address}")) as made:
        assert await made.receive() == b"one two"


async def test_the_end_comes_with_its_reason() -> None:
    code = (4000).to_bytes(2, "big") + b"the hub leaves"
    async with (
        tcp_peer(raw(after=frame(CLOSE, code))) as peer,
        opened(address(f"http://{peer.address}")) as made,
    ):
        assert await made.receive() is None
        assert made.ended == "the link was closed (4000: the hub leaves)"
        assert not await made.send(b"too late")


async def test_a_connection_that_is_cut_is_the_end() -> None:
    async with tcp_peer(raw(close=True)) as peer, opened(address(f"http://{peer.address}")) as made:
        assert await made.receive() is None
        assert made.ended == "the hub closed the connection"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (frame(TEXT, b"hello"), "the hub sent text"),
        (frame(BINARY, b"x", mask=True), "the link was closed (1002"),
        (frame(BINARY, b"x" * 11), "a message over 10 bytes"),
        (frame(BINARY, b"x" * 6, first=BINARY) + frame(0, b"y" * 5, first=0x80), "a message over 10 bytes"),
    ],
)
async def test_what_no_hub_sends_ends_the_link(
    after: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MAX_MESSAGE", 10)
    async with tcp_peer(raw(after=after)) as peer, opened(address(f"http://{peer.address}")) as made:
        assert await made.receive() is None
        assert made.ended.startswith(words)


async def test_a_message_at_the_limit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "MAX_MESSAGE", 10)
    behaviour = raw(after=frame(BINARY, b"x" * 10))
    async with tcp_peer(behaviour) as peer, opened(address(f"http://{peer.address}")) as made:
        assert await made.receive() == b"x" * 10


async def test_closing_is_polite_and_can_be_done_twice() -> None:
    async with websocket_peer(echo) as peer:
        made = await open_link(address(f"http://{peer.address}"))
        await made.close()
        await made.close()
        assert await made.receive() is None
    assert peer.close_codes == [1000]


# --- silence ---


async def test_a_silent_hub_is_asked_and_given_up_after_three_times_nothing() -> None:
    async with tcp_peer(raw()) as peer, opened(address(f"http://{peer.address}"), 0.05) as made:
        assert await made.receive() is None
        assert made.ended.startswith("no word from the hub")
        pings = re.findall(rb"\x89\x80", bytes(peer.received))
    assert len(pings) == link.SILENT_PINGS - 1


async def test_a_hub_that_answers_pings_stays_however_long_it_has_nothing_to_say() -> None:
    async with websocket_peer(_late) as peer, opened(address(f"http://{peer.address}"), 0.05) as made:
        assert await made.receive() == b"at last"


async def _late(socket: web.WebSocketResponse) -> None:
    """Say nothing for ten times the silence that is allowed; aiohttp answers pings by itself."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.05 * link.SILENT_PINGS * 10):
            await socket.receive()
    await socket.send_bytes(b"at last")
    await echo(socket)


async def test_the_hub_s_own_pings_are_answered() -> None:
    async with tcp_peer(_pinging) as peer, opened(address(f"http://{peer.address}")) as made:
        assert await made.receive() == b"ponged"
        assert peer.port


async def _pinging(conversation: Conversation) -> None:
    head = await conversation.reader.readuntil(b"\r\n\r\n")
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
    await conversation.send(answer(key[1] if key else b"") + frame(PING, b"?"))
    pong = await conversation.reader.readexactly(7)
    await conversation.send(frame(BINARY, b"ponged" if pong[0] == 0x80 | PONG else b"what?"))
    await conversation.drain_input()


async def test_a_hub_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "SEND_SECONDS", 0.2)
    async with tcp_peer(_deaf) as peer, opened(address(f"http://{peer.address}")) as made:
        assert not await made.send(b"x" * 50_000_000)
        assert made.ended == "it takes nothing"


async def _deaf(conversation: Conversation) -> None:
    head = await conversation.reader.readuntil(b"\r\n\r\n")
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
    await conversation.send(answer(key[1] if key else b""))
    await asyncio.get_running_loop().create_future()


# --- no link ---


@pytest.mark.parametrize(
    ("status", "body", "words", "hint", "lasting"),
    [
        (401, b"", "the hub does not know this token", "is the token one of the region's", True),
        (
            401,
            json.dumps({"error": "no such token", "hint": "look"}).encode(),
            "no such token",
            "look",
            True,
        ),
        (404, b"<html>", "there is no hub at http://", "--hub is the address of", True),
        (
            404,
            json.dumps({"error": "no such page", "hint": "/ has them all"}).encode(),
            "no such page",
            "--hub is the address of",
            True,
        ),
        (426, json.dumps({"error": "upgrade the agent"}).encode(), "upgrade the agent", "", True),
        (429, b"[1]", "the hub answered 429", "", False),
        (503, json.dumps({"error": "starting"}).encode(), "starting", "", False),
        (502, b"\xff\xfe", "the hub answered 502", "", False),
        (302, b"", "the hub answered 302", "", False),
        (200, b"[" * 100_000, "the hub answered 200", "", False),
    ],
)
@pytest.mark.parametrize("close", [False, True])
async def test_a_refusal_is_told_in_the_hub_s_words(
    status: int, body: bytes, words: str, hint: str, lasting: bool, close: bool
) -> None:
    async with tcp_peer(answering(status, body, close)) as peer:
        found = await trouble(address(f"http://{peer.address}"))
    assert str(found).startswith(words)
    assert found.hint.startswith(hint)
    assert found.lasting is lasting


async def test_a_refusal_s_words_are_cut() -> None:
    body = json.dumps({"error": "e" * 5000, "hint": "h" * 2000}).encode()
    async with tcp_peer(answering(401, body)) as peer:
        found = await trouble(address(f"http://{peer.address}"))
    assert (len(str(found)), len(found.hint)) == (link.MAX_WORDS, link.MAX_WORDS)


@pytest.mark.parametrize(
    "behaviour",
    [
        banner(b"220 mail.example ESMTP\r\n\r\n"),
        raw(lambda key: answer(key, accept=b"wrong")),
        raw(lambda key: b"", close=True),
        raw(lambda key: b"HTTP/1.1 101 Whatever\r\n\r\n"),
    ],
)
async def test_what_is_no_hub_is_said_to_be_none(behaviour: Behaviour) -> None:
    async with tcp_peer(behaviour) as peer:
        found = await trouble(address(f"http://{peer.address}"))
    assert str(found) == f"what answers at http://{peer.address} is no hub"


async def test_a_hub_that_accepts_and_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link, "HANDSHAKE_SECONDS", 0.1)
    with listening() as port:
        found = await trouble(address(f"http://127.0.0.1:{port}"))
    assert "did not answer" in str(found)


async def test_nobody_there_and_no_such_name_are_told_apart() -> None:
    port = free_port()
    refused = await trouble(address(f"http://127.0.0.1:{port}"))
    assert str(refused) == f"the hub cannot be reached at 127.0.0.1:{port}: nobody listens there"
    unknown = await trouble(address("http://no-such-host.invalid"))
    assert str(unknown) == "the name of the hub cannot be resolved: no-such-host.invalid"
    assert not refused.lasting
    assert not unknown.lasting


async def test_a_connection_attempt_that_is_cancelled_leaves_nothing_open() -> None:
    async with tcp_peer(raw(lambda key: b"")) as peer:
        task = asyncio.create_task(open_link(address(f"http://{peer.address}")))
        async with asyncio.timeout(5):
            while not peer.received:  # noqa: ASYNC110  # the peer has no event for it
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    # A transport left open would be a ResourceWarning, which is an error here.


def test_the_tests_own_websocket_server_is_another_implementation() -> None:
    assert aiohttp.__name__ not in vars(link)
