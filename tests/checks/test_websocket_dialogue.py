"""The websocket check's dialogue: whole messages, pings, closes, limits, and one clear code for each way it fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from support.looks import BRIEF, cancel_when, codes, look
from support.tcp_peer import (
    silence,
    tcp_peer,
)
from support.websocket_checks import HEAR, attack, check, detail, talk
from support.websocket_peer import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    announce,
    answer,
    echo,
    frame,
    raw,
    websocket_peer,
)

from checks.core.result import Outcome
from checks.core.websocket_talk import MAX_FRAMES, MAX_MESSAGE_BYTES


async def test_messages_are_sent_and_expected() -> None:
    async with websocket_peer() as peer:
        result = await talk(
            peer.url,
            {"send": "version 17, grün"},
            {"expect": "version (?P<version>[0-9]+)"},
            {"send": ""},
            {"expect_text": ""},
            {"send_bytes": "50 4f 00"},
            {"expect_bytes": "PO\\x00"},
        )
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert result.facts["captured"] == {"version": "17"}
    assert list(result.phases_us) == ["connect", "send", "wait", "dialogue"]


async def test_what_was_captured_can_be_sent_again() -> None:
    async with websocket_peer(announce('{"id": 17, "nonce": "abc"}')) as peer:
        result = await talk(
            peer.url,
            {"expect": '"id": ([0-9]+), "nonce": "(?P<nonce>[a-z]+)"'},
            {"send": '{"reply to": {1}, "nonce": "{nonce}", "plain": "{{1}}"}'},
            {"expect_text": '{"reply to": 17, "nonce": "abc", "plain": "{1}"}'},
        )
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_expect_passes_over_messages_and_expect_next_does_not() -> None:
    chat = announce("news", b"\x00", "hello")
    async with websocket_peer(chat) as peer:
        passed = await talk(peer.url, HEAR)
        next_ = await talk(peer.url, {"expect_next": "hello"})
        in_turn = await talk(
            peer.url, {"expect_next": "news"}, {"expect_bytes": "00"}, {"expect_next": "hello"}
        )
    assert passed.outcome is in_turn.outcome is Outcome.PASS
    assert codes(next_) == ["dialogue_mismatch"]
    assert detail(next_) == 'step 1, expect_next "hello": got text "news"'


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("hello!", {"expect_text": "hello"}),
        (b"hello", {"expect_text": "hello"}),
        ("hello", {"expect_bytes": "hell\\x6f"}),
        (b"hell", {"expect_bytes": "hell\\x6f"}),
    ],
)
async def test_exact_messages_are_exact(said: str | bytes, step: dict[str, Any]) -> None:
    async with websocket_peer(announce(said)) as peer:
        assert codes(await talk(peer.url, step)) == ["dialogue_mismatch"]


async def test_what_comes_with_the_handshakes_answer_is_not_lost() -> None:
    result = await attack(raw(answer, frame(TEXT, b"hello")), HEAR)
    assert result.outcome is Outcome.PASS


async def test_a_message_in_pieces_is_looked_at_whole() -> None:
    pieces = frame(0, b"hel", first=TEXT) + frame(PING, b"!") + frame(0, b"", first=0) + frame(0, b"lo")
    result = await attack(raw(answer, pieces), {"expect_text": "hello"})
    assert (result.outcome, result.failures) == (Outcome.PASS, ())


async def test_a_ping_is_answered() -> None:
    async def chat(socket: web.WebSocketResponse) -> None:
        await socket.ping(b"still there?")
        await socket.send_str("hello")
        await echo(socket)

    async with websocket_peer(chat) as peer:
        assert (await talk(peer.url, HEAR)).outcome is Outcome.PASS
    async with tcp_peer(raw(answer, frame(PING, b"abc") + frame(TEXT, b"hello"))) as plain:
        await talk(f"ws://{plain.address}/", HEAR)
        after = bytes(plain.received).partition(b"\r\n\r\n")[2]
    assert after[:2] == b"\x8a\x83"  # a final pong, masked, of three bytes


async def test_a_target_that_closes_says_why() -> None:
    async def chat(socket: web.WebSocketResponse) -> None:
        await socket.close(code=4001, message=b"go away")

    async with websocket_peer(chat) as peer:
        result = await talk(peer.url, HEAR)
    assert codes(result) == ["dialogue_closed"]
    assert "code 4001 (go away)" in detail(result)
    assert result.facts["close_code"] == 4001


async def test_closing_after_something_else_is_a_mismatch() -> None:
    result = await attack(raw(answer, frame(TEXT, b"news") + frame(CLOSE, b"\x03\xe8")), HEAR)
    assert codes(result) == ["dialogue_mismatch"]
    assert 'got only text "news"' in detail(result)


async def test_a_connection_cut_without_a_close_frame_is_closed_all_the_same() -> None:
    result = await attack(raw(close=True), HEAR)
    assert codes(result) == ["dialogue_closed"]
    assert "close_code" not in result.facts


async def test_a_message_that_never_comes_times_out_within_the_dialogue() -> None:
    result = await attack(raw(answer, frame(TEXT, b"news")), HEAR, setting=BRIEF)
    assert codes(result) == ["dialogue_timeout"]
    assert 'step 1, expect "hello": got only text "news"' in detail(result)
    assert "dialogue" in result.phases_us


@pytest.mark.parametrize(
    "frames",
    [
        frame(TEXT, b"hello", mask=True),
        frame(TEXT, b"\xff\xfe"),
        frame(3, b"hello"),
        frame(TEXT, b"hello", first=0xC1),
        frame(0, b"hello"),
        frame(PING, b"x" * 126),
        frame(PING, b"", first=PING),
        frame(CLOSE, b"\x03"),
        frame(CLOSE, b"\x00\x01"),
        b"\x81\x7f" + b"\xff" * 8,
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
async def test_broken_framing_is_malformed(frames: bytes) -> None:
    result = await attack(raw(answer, frames), HEAR)
    assert codes(result) == ["websocket_malformed"]


@pytest.mark.parametrize(
    ("size", "code"), [(MAX_MESSAGE_BYTES, []), (MAX_MESSAGE_BYTES + 1, ["dialogue_limit"])]
)
async def test_a_message_has_a_limit(size: int, code: list[str]) -> None:
    half = size // 2
    frames = frame(0, b"h" * half, first=BINARY) + frame(0, b"h" * (size - half))
    assert codes(await attack(raw(answer, frames), {"expect": "h"})) == code


async def test_a_flood_of_frames_has_a_limit() -> None:
    flood = frame(TEXT) * (MAX_FRAMES - 1)
    passed = await attack(raw(answer, flood + frame(TEXT, b"hello")), HEAR)
    failed = await attack(raw(answer, flood + frame(TEXT) + frame(TEXT, b"hello")), HEAR)
    assert passed.outcome is Outcome.PASS
    assert codes(failed) == ["dialogue_limit"]


async def test_a_target_that_does_not_say_goodbye_is_hung_up_on() -> None:
    """The wait for its close frame is short, and no part of any phase."""
    result = await attack(raw(answer, frame(TEXT, b"hello")), HEAR)
    assert result.outcome is Outcome.PASS
    assert result.duration_us < 400_000


async def test_slow_and_too_slow_are_told_apart() -> None:
    async with websocket_peer() as peer:
        slow = await look(check(peer.url, expect={"warn_within": "1us", "within": "1h"}))
        too_slow = await look(check(peer.url, expect={"within": "1us"}))
    assert (slow.outcome, codes(slow)) == (Outcome.WARN, ["slow"])
    assert (too_slow.outcome, codes(too_slow)) == (Outcome.FAIL, ["too_slow"])


async def test_what_is_sent_and_private_headers_are_masked() -> None:
    async with websocket_peer() as peer:
        result = await talk(peer.url, {"send": "password sesame"}, {"expect_next": "welcome"})
    assert "sesame" not in detail(result)


async def test_a_run_that_is_cancelled_leaves_nothing_open() -> None:
    async with tcp_peer(raw()) as peer:
        await cancel_when(check(f"ws://{peer.address}/", dialogue=[HEAR]), lambda: bool(peer.received))
    async with tcp_peer(silence) as peer:
        await cancel_when(check(f"ws://{peer.address}/"), lambda: bool(peer.received))
        await asyncio.sleep(0)


@pytest.mark.parametrize(("count", "code"), [(2, "dialogue_mismatch"), (3, "dialogue_limit")])
async def test_an_expression_that_is_costly_is_searched_for_in_so_much_and_no_more(
    count: int, code: str
) -> None:
    message = frame(TEXT, b"b" * 100_000)
    result = await attack(raw(answer, message * count, close=True), {"expect": "a.{900}z"})
    assert codes(result) == [code]
